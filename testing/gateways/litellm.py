"""LiteLLM's proxy, as its documentation advises for endpoints in an order of preference.

One proxy for many cases, because it takes long to start; each case is a model group of its own, so that no cooldown of
one case reaches another. Not one for all: its counters lie in a cache of limited size, which many groups would fill.
`order` makes the endpoints of a group tiers and fails over between them at once; it also lets a failing endpoint cool
down, which the proxy does not do to the only member of a group. Time-outs, retries, allowed failures and cooldown are
what the case's policy says, as far as there is a setting for it.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import run
from typing import Self

import yaml

from testing.conformance.case import MODELS, Case, Mode, Surface
from testing.conformance.judge import Endpoint
from testing.conformance.stage import Address
from testing.gateways.process import answers, free_port, running

COOLDOWN_S = 1.0
START_LIMIT_S = 180.0
HOST = "127.0.0.1"
LARGE = "-large-context"
ENVIRONMENT = {
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOG": "ERROR",
}
ALLOWED_FAILS = {
    "RateLimitErrorAllowedFails": 0,
    "ServiceUnavailableErrorAllowedFails": 0,
    "AuthenticationErrorAllowedFails": 0,
    "InternalServerErrorAllowedFails": 2,
    "BadGatewayErrorAllowedFails": 2,
    "TimeoutErrorAllowedFails": 2,
}
"""Then a deployment cools down: what says of itself that it needs a rest gets it at once."""
WHOLE_ANSWER_S = 2.0
"""Time-out of a whole answer: there is no setting for its first content. Any healthy one is far quicker."""


class LiteLLM:
    name = "LiteLLM"

    def __init__(self, venv: Path, cases: Sequence[tuple[Case, Sequence[Endpoint]]]) -> None:
        self._venv = venv
        self._cases = [(case, endpoints) for case, endpoints in cases if not self.cannot(case)]
        self._stack = ExitStack()
        self._base_url = ""
        self.version = ""

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-litellm-")))
        config, port = folder / "config.yaml", free_port()
        config.write_text(yaml.safe_dump(configuration(self._cases), sort_keys=False))
        program = self._venv / "bin" / "litellm"
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | ENVIRONMENT
        said = run([program, "--version"], env=env, capture_output=True, text=True, check=True).stdout
        self.version = said.rpartition("=")[2].strip()
        command = [str(program), "--config", str(config), "--host", HOST, "--port", str(port)]
        live = f"http://{HOST}:{port}/health/liveliness"
        self._base_url = f"http://{HOST}:{port}/v1"
        self._stack.enter_context(running(command, env, folder / "log", lambda: answers(live), START_LIMIT_S))
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def cannot(self, case: Case) -> str:
        if case.policy.tier_wait_ms:
            return "cannot be told to wait for a Retry-After rather than go to the next tier"
        if case.policy.health_check != "None":
            return "knows no health check but requests that cost money"
        return ""

    @contextmanager
    def serve(self, case: Case, endpoints: Sequence[Endpoint]) -> Iterator[Address]:
        models = {model: _group(case, model) for model in MODELS}
        yield Address(self._base_url, models, {Surface.MESSAGES: "/v1/messages"})


def configuration(cases: Sequence[tuple[Case, Sequence[Endpoint]]]) -> Mapping[str, object]:
    groups = [(case, endpoints, model) for case, endpoints in cases for model in MODELS if _asks(case, model)]
    large = {
        _group(case, model): [_group(case, model) + LARGE]
        for case, endpoints, model in groups
        if any("LargeContext" in endpoint.capabilities for endpoint in endpoints)
    }
    return {
        "model_list": [deployment for group in groups for deployment in _deployments(*group)],
        "router_settings": {
            "num_retries": 0,
            "retry_after": 0,
            "cooldown_time": COOLDOWN_S,
            "allowed_fails": 2,
            "model_group_retry_policy": {
                _group(case, model): _retries(endpoints) for case, endpoints, model in groups if _in_one_tier(endpoints)
            },
            "context_window_fallbacks": [{group: others} for group, others in large.items()],
        },
        "litellm_settings": {"telemetry": False, "drop_params": False},
        "general_settings": {"disable_spend_logs": True},
    }


def _in_one_tier(endpoints: Sequence[Endpoint]) -> bool:
    """Then order has nothing to fail over to."""
    return len({endpoint.tier for endpoint in endpoints}) == 1


def _retries(endpoints: Sequence[Endpoint]) -> Mapping[str, int]:
    """Once for each other endpoint; a lone one once more, but not after silence."""
    others = len(endpoints) - 1
    return {"DefaultRetries": max(1, others), "TimeoutErrorRetries": others, "BadRequestErrorRetries": 0}


def _deployments(case: Case, endpoints: Sequence[Endpoint], model: str) -> Iterator[Mapping[str, object]]:
    for endpoint in endpoints:
        if model not in endpoint.models:
            continue
        yield _deployment(case, endpoint, _group(case, model), model)
        if "LargeContext" in endpoint.capabilities:
            yield _deployment(case, endpoint, _group(case, model) + LARGE, model)


def _deployment(case: Case, endpoint: Endpoint, group: str, model: str) -> Mapping[str, object]:
    provider = "deepseek" if endpoint.dialect == "DeepSeek" else "openai"
    stream = case.mode is Mode.STREAM
    return {
        "model_name": group,
        "litellm_params": {
            "model": f"{provider}/{endpoint.models[model]}",
            "api_base": endpoint.url,
            "api_key": endpoint.key,
            "order": endpoint.tier + 1,
            "max_parallel_requests": endpoint.max_connections,
            "timeout": case.policy.request_ms / 1000 if stream else WHOLE_ANSWER_S,
            "stream_timeout": case.policy.first_token_ms / 1000,
        },
        "model_info": {"allowed_fails_policy": ALLOWED_FAILS, **_cooldown(case)},
    }


def _cooldown(case: Case) -> Mapping[str, object]:
    """Only where the case wants another one, and never for rate limits: a deployment's own cooldown wins over the
    Retry-After of its provider."""
    cooldown_s = case.policy.recovery_timeout_ms / 1000
    return {} if cooldown_s == COOLDOWN_S or case.klass == "RateLimited" else {"cooldown_time": cooldown_s}


def _asks(case: Case, model: str) -> bool:
    return any(turn.model == model for turn in case.turns)


def _group(case: Case, model: str) -> str:
    return f"{case.name}.{model}"
