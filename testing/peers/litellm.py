"""LiteLLM's proxy: one model group over all upstreams, lower tiers first, retries, cooldown."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from testing.gateways.environments import LITELLM, environment
from testing.gateways.litellm import ENVIRONMENT, START_LIMIT_S
from testing.gateways.process import answers, free_port, running
from testing.peers.peer import HOST, Limits, Peer, Upstream, clean_environment, pinned


@contextmanager
def litellm(
    folder: Path,
    upstreams: Sequence[Upstream],
    core: int | None,
    model: str = "m",
    limits: Limits = Limits(),  # noqa: B008  # frozen
) -> Iterator[Peer]:
    program = environment("litellm", LITELLM).folder / "bin" / "litellm"
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(configuration(upstreams, model, limits), sort_keys=False))
    env = clean_environment() | ENVIRONMENT
    command = [str(program), "--config", str(path), "--host", HOST, "--port", str(port)]
    live = f"http://{HOST}:{port}/health/liveliness"
    with running(pinned(command, core), env, folder / "litellm.log", lambda: answers(live), START_LIMIT_S) as process:
        yield Peer("LiteLLM", _version(program, env), f"http://{HOST}:{port}/v1", process.pid)


def _version(program: Path, env: Mapping[str, str]) -> str:
    said = subprocess.run([program, "--version"], env=dict(env), capture_output=True, text=True, check=True).stdout
    return said.rpartition("=")[2].strip()


def configuration(upstreams: Sequence[Upstream], model: str, limits: Limits) -> Mapping[str, object]:
    return {
        "model_list": [_deployment(one, model, limits) for one in upstreams],
        "router_settings": {
            "num_retries": 2,
            "retry_after": 0,
            "allowed_fails": 3,
            "cooldown_time": limits.rest_s,
            "routing_strategy": "simple-shuffle",
        },
        "litellm_settings": {"telemetry": False, "drop_params": False, "request_timeout": limits.request_s},
        "general_settings": {"disable_spend_logs": True},
    }


def _deployment(upstream: Upstream, model: str, limits: Limits) -> Mapping[str, object]:
    return {
        "model_name": model,
        "litellm_params": {
            "model": f"openai/{model}",
            "api_base": upstream.url,
            "api_key": upstream.key,
            "order": upstream.tier + 1,
            "timeout": limits.request_s,
            "stream_timeout": limits.first_token_s,
        },
    }
