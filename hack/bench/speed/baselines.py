"""What is measured: every gateway with one worker, on a CPU core of its own where there are two."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hack.bench.speed.cases import Case
from hack.bench.speed.measured import Measured
from hack.bench.speed.provider import provider
from testing.gateways.envoy import Envoy
from testing.gateways.gateway import HOST, Endpoint, Gateway, Pool, Running
from testing.gateways.litellm import LiteLLM
from testing.gateways.nginx import Nginx, serving
from testing.gateways.poolkeeper import Poolkeeper
from testing.gateways.portkey import Portkey
from testing.gateways.worker_router import SGLANG_ROUTER, VLLM_ROUTER
from testing.process import NotReadyError, free_port

DIRECT, BARE, RELAY, OURS, ENVOY, LITELLM = "no proxy", "bare nginx", "Lua relay", "Poolkeeper", "Envoy", "LiteLLM"
KEY = "sk-bench"
LOG_TAIL = 500
HERE = Path(__file__).resolve().parent
RELAY_HTTP = """  lua_package_path "{here}/?.lua;;";
  lua_check_client_abort on;
  init_by_lua_block {{ require("relay") }}
  server {{
    listen {host}:{port} backlog=4096;
    location /v1/ {{ content_by_lua_block {{ require("relay").serve({upstream}, "{path}") }} }}
  }}
"""


class Relay:
    """relay.lua in nginx: the least that a proxy in Lua can do."""

    name = RELAY

    def version(self) -> str:
        return Nginx().version()

    @contextmanager
    def start(self, folder: Path, pool: Pool, core: int | None = None) -> Iterator[Running]:
        port, first = free_port(), pool.endpoints[0]
        http = RELAY_HTTP.format(here=HERE, host=HOST, port=port, upstream=first.port, path=first.path)
        with serving(folder, http, port, core, lua=True) as pid:
            yield Running(f"http://{HOST}:{port}/v1", pid)


ALL: Sequence[Gateway] = (Nginx(), Relay(), Poolkeeper(), Envoy(), LiteLLM())
PEERS: Sequence[Gateway] = (VLLM_ROUTER, SGLANG_ROUTER, Portkey())
"""Beside the others in the open-loop part only."""
GATEWAYS = {gateway.name: gateway for gateway in ALL}
EVERY = GATEWAYS | {gateway.name: gateway for gateway in PEERS}


def cores() -> tuple[int | None, int | None]:
    """For the load and the provider, and for the gateway."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


@contextmanager
def started(folder: Path, case: Case, names: Sequence[str]) -> Iterator[dict[str, Measured]]:
    """The provider and these gateways, ready."""
    load_core, core = cores()
    with ExitStack() as stack:
        port, pid = stack.enter_context(provider(folder / "provider", load_core))
        endpoint = Endpoint("provider", f"http://{HOST}:{port}{case.path}", KEY)
        found = {DIRECT: Measured(DIRECT, Nginx().version(), endpoint.url, pid)}
        for name in names:
            gateway = EVERY[name]
            try:
                one = stack.enter_context(gateway.start(folder / name.replace(" ", "-"), Pool([endpoint]), core))
            except NotReadyError as reason:
                if name in GATEWAYS:
                    raise
                print(f"{name} is left out: {reason}", flush=True)
                continue
            found[name] = Measured(name, gateway.version(), one.base_url, one.pid, one.headers)
        try:
            yield found
        except Exception as error:
            for log in folder.glob("*/*.log"):
                error.add_note(f"the log of {log.parent.name} ends: {log.read_text('utf-8', 'replace')[-LOG_TAIL:]}")
            raise
