"""Who is measured: every gateway, one worker each, on a core of its own where there are two."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hack.bench.speed.backend import backend
from hack.bench.speed.cases import Case
from testing.gateways.process import free_port
from testing.peers.envoy import envoy
from testing.peers.litellm import litellm
from testing.peers.nginx import nginx, serving, version
from testing.peers.peer import HOST, Peer, Start, Upstream
from testing.peers.poolkeeper import poolkeeper

DIRECT, BARE, RELAY, OURS, ENVOY, LITELLM = "no proxy", "bare nginx", "Lua relay", "Poolkeeper", "Envoy", "LiteLLM"
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


@contextmanager
def relay(folder: Path, upstreams: Sequence[Upstream], core: int | None) -> Iterator[Peer]:
    port, first = free_port(), upstreams[0]
    http = RELAY_HTTP.format(here=HERE, host=HOST, port=port, upstream=first.port, path=first.path)
    with serving(folder, http, port, core, lua=True) as pid:
        yield Peer(RELAY, version(), f"http://{HOST}:{port}/v1", pid)


GATEWAYS: Mapping[str, Start] = {BARE: nginx, RELAY: relay, OURS: poolkeeper, ENVOY: envoy, LITELLM: litellm}


def cores() -> tuple[int | None, int | None]:
    """For the load and the provider, and for the gateway."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


@contextmanager
def stage(folder: Path, case: Case, names: Sequence[str]) -> Iterator[dict[str, Peer]]:
    """The provider and these gateways, up and waiting."""
    load_core, core = cores()
    with ExitStack() as stack:
        port, pid = stack.enter_context(backend(folder / "backend", load_core))
        upstream = Upstream("backend", port, case.path)
        running = {DIRECT: Peer(DIRECT, version(), upstream.url, pid)}
        for name in names:
            start = GATEWAYS[name]
            running[name] = stack.enter_context(start(folder / name.replace(" ", "-"), [upstream], core))
        try:
            yield running
        except Exception as error:
            for log in folder.glob("*/*.log"):
                error.add_note(f"{log.parent.name} said last: {log.read_text('utf-8', 'replace')[-LOG_TAIL:]}")
            raise
