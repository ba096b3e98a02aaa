"""Portkey's gateway: its configuration travels with each request, in a header."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from testing.gateways.environments import CannotBeMadeError, node_folder
from testing.gateways.gateway import HOST, START_LIMIT_S, Endpoint, Policy, Pool, Running
from testing.process import accepts, clean_environment, free_port, pinned, running

PACKAGE = "@portkey-ai/gateway"
PACKAGES = (f"{PACKAGE}@1.15.2", "override: @hono/node-server@1.13.8")
"""It asks for any 1.x of its web server. Since 1.14 a streamed answer keeps the headers that it came with, which cannot
be added to, and Portkey answers 500 to each."""
RETRIABLE = (429, 500, 502, 503, 504)


class Portkey:
    name = "Portkey"

    def version(self) -> str:
        found = json.loads((_package() / "package.json").read_text())
        return str(found["version"])

    @contextmanager
    def start(self, folder: Path, pool: Pool, core: int | None = None) -> Iterator[Running]:
        node = shutil.which("node")
        if node is None:
            raise CannotBeMadeError("it needs the program node")
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        program = str(_package() / "build" / "start-server.js")
        command = pinned([node, program, "--headless", f"--port={port}"], core)
        settings = clean_environment() | {"TRUSTED_CUSTOM_HOSTS": "localhost,127.0.0.1"}
        with running(command, settings, folder / "portkey.log", lambda: accepts(port), START_LIMIT_S) as process:
            headers = {"x-portkey-config": json.dumps(configuration(pool))}
            yield Running(f"http://{HOST}:{port}/v1", process.pid, headers)


def _package() -> Path:
    return node_folder("portkey", PACKAGES) / "node_modules" / PACKAGE


def configuration(pool: Pool) -> Mapping[str, object]:
    """A fallback from tier to tier; the endpoints of one tier share its load. Its retries are of the same endpoint, so
    only an endpoint that is alone has any: elsewhere each would multiply the attempts of a request."""
    retries = 0 if len(pool.endpoints) > 1 else pool.policy.max_attempts - 1
    tiers = [
        {"strategy": {"mode": "loadbalance"}, "targets": [_target(one, pool.policy, retries) for one in tier]}
        if len(tier) > 1
        else _target(tier[0], pool.policy, retries)
        for tier in pool.tiers
    ]
    return {"strategy": {"mode": "fallback"}, "targets": tiers}


def _target(endpoint: Endpoint, policy: Policy, retries: int) -> Mapping[str, object]:
    """For DeepSeek it adds /v1 to the host by itself, for OpenAI it does not."""
    is_deepseek = endpoint.dialect == "DeepSeek"
    return {
        "provider": "deepseek" if is_deepseek else "openai",
        "api_key": endpoint.key,
        "custom_host": endpoint.url.removesuffix("/v1") if is_deepseek else endpoint.url,
        "override_params": {"model": next(iter(endpoint.models.values()))},
        "request_timeout": policy.request_ms,
        "retry": {"attempts": retries, "on_status_codes": list(RETRIABLE)},
    }
