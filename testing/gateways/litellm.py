"""LiteLLM's proxy, as its documentation advises for endpoints in an order of preference.

A pool's model is a model group, each endpoint a deployment of it. `order` makes the deployments tiers and fails over
between them at once; it also lets a failing deployment cool down, which the proxy does not do to the only member of a
group. A cut stream is continued (`enable_mid_stream_fallback_continuation`, from LiteLLM 1.109). One proxy can serve
several pools (`start_pools`), because it takes long to start.
"""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import yaml

from testing.gateways.environments import LITELLM, environment
from testing.gateways.gateway import HOST, Endpoint, Policy, Pool, Running
from testing.process import answers, clean_environment, free_port, pinned, running

START_LIMIT_S = 180.0
LARGE = "-large-context"
"""The group of a pool's endpoints that take longer prompts than the others."""
LARGE_CONTEXT = "LargeContext"
SETTINGS = {
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOG": "ERROR",
}
"""Environment variables of the proxy."""
AT_ONCE = ("RateLimitErrorAllowedFails", "ServiceUnavailableErrorAllowedFails", "AuthenticationErrorAllowedFails")
"""Failures that let a deployment cool down at once: its provider asks for rest, or rejects the key."""
COUNTED = ("InternalServerErrorAllowedFails", "BadGatewayErrorAllowedFails", "TimeoutErrorAllowedFails")


class LiteLLM:
    name = "LiteLLM"

    def version(self) -> str:
        return _version()

    @contextmanager
    def start(self, folder: Path, pool: Pool, core: int | None = None) -> Iterator[Running]:
        with self.start_pools(folder, {"": pool}, core) as running_one:
            yield running_one

    @contextmanager
    def start_pools(self, folder: Path, pools: Mapping[str, Pool], core: int | None = None) -> Iterator[Running]:
        """Pools by name; `group` says what a pool's model is called."""
        folder.mkdir(parents=True, exist_ok=True)
        port, path = free_port(), folder / "config.yaml"
        path.write_text(yaml.safe_dump(configuration(pools), sort_keys=False))
        command = pinned([str(_program()), "--config", str(path), "--host", HOST, "--port", str(port)], core)
        live, log = f"http://{HOST}:{port}/health/liveliness", folder / "litellm.log"
        with running(command, _environment(), log, lambda: answers(live), START_LIMIT_S) as process:
            yield Running(f"http://{HOST}:{port}/v1", process.pid)


@cache
def _version() -> str:
    """Asked once: it takes the program seconds."""
    command = [str(_program()), "--version"]
    printed = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=True).stdout
    return printed.rpartition("=")[2].strip()


def _program() -> Path:
    return environment("litellm", LITELLM).folder / "bin" / "litellm"


def _environment() -> dict[str, str]:
    return clean_environment() | SETTINGS


def group(pool: str, model: str) -> str:
    return f"{pool}.{model}" if pool else model


def configuration(pools: Mapping[str, Pool]) -> Mapping[str, object]:
    groups = [(group(name, model), pool, model) for name, pool in pools.items() for model in pool.models]
    policy = next(iter(pools.values())).policy
    return {
        "model_list": [deployment for one in groups for deployment in _deployments(*one, policy)],
        "router_settings": {
            "num_retries": 0,
            "retry_after": 0,
            "cooldown_time": policy.recovery_timeout_ms / 1000,
            "allowed_fails": policy.consecutive_failures - 1,
            "routing_strategy": "simple-shuffle",
            "enable_mid_stream_fallback_continuation": True,
            "model_group_retry_policy": {
                name: retries for name, pool, _ in groups if (retries := _retries(pool)) is not None
            },
            "context_window_fallbacks": [
                {name: [name + LARGE]}
                for name, pool, _ in groups
                if any(LARGE_CONTEXT in endpoint.capabilities for endpoint in pool.endpoints)
            ],
        },
        "litellm_settings": {"telemetry": False, "drop_params": False},
        "general_settings": {"disable_spend_logs": True},
    }


def _retries(pool: Pool) -> Mapping[str, int] | None:
    """Once for each other endpoint of the first tier; None: `order` goes to the next tier by itself. A lone endpoint is
    tried once more, but not after silence."""
    others = min(len(pool.tiers[0]), pool.policy.max_attempts) - 1
    if len(pool.tiers) > 1 and not others:
        return None
    return {"DefaultRetries": max(1, others), "TimeoutErrorRetries": others, "BadRequestErrorRetries": 0}


def _deployments(name: str, pool: Pool, model: str, common: Policy) -> Iterator[Mapping[str, object]]:
    for endpoint in pool.endpoints:
        if model not in endpoint.models:
            continue
        yield _deployment(name, endpoint, model, pool.policy, common)
        if LARGE_CONTEXT in endpoint.capabilities:
            yield _deployment(name + LARGE, endpoint, model, pool.policy, common)


def _deployment(name: str, endpoint: Endpoint, model: str, policy: Policy, common: Policy) -> Mapping[str, object]:
    """A cooldown of its own only where it differs: it would win over the Retry-After of the provider."""
    provider = "deepseek" if endpoint.dialect == "DeepSeek" else "openai"
    fails = {**dict.fromkeys(AT_ONCE, 0), **dict.fromkeys(COUNTED, policy.consecutive_failures - 1)}
    info: dict[str, object] = {"allowed_fails_policy": fails}
    if policy.recovery_timeout_ms != common.recovery_timeout_ms:
        info["cooldown_time"] = policy.recovery_timeout_ms / 1000
    return {
        "model_name": name,
        "litellm_params": {
            "model": f"{provider}/{endpoint.models[model]}",
            "api_base": endpoint.url,
            "api_key": endpoint.key,
            "order": endpoint.tier + 1,
            "max_parallel_requests": endpoint.max_connections,
            "timeout": policy.request_ms / 1000,
            "stream_timeout": policy.first_token_ms / 1000,
        },
        "model_info": info,
    }
