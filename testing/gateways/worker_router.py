"""The routers of two model servers: vLLM's and SGLang's. Each sends requests to equal workers: it knows no tiers, no
keys and no names of its own for a model. So each worker takes the caller's key, and calls the model as the caller does.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from testing.gateways.environments import environment
from testing.gateways.gateway import HOST, START_LIMIT_S, Policy, Pool, Running
from testing.process import answers, clean_environment, free_port, pinned, running

VLLM = ("vllm-router==0.1.17",)
SGLANG = ("sglang-router==0.3.2",)
HEALTH_CHECK_S = 60
"""Longer than a case: a worker is judged by its answers, as the providers of the others are."""


@dataclass(frozen=True)
class WorkerRouter:
    """program: of its package, with the words that start a router."""

    name: str
    packages: tuple[str, ...]
    program: tuple[str, ...]

    def version(self) -> str:
        folder = environment(self._slug, self.packages).folder
        package = self.packages[0].partition("==")[0]
        found = metadata.distributions(
            name=package, path=[str(one) for one in folder.glob("lib/python*/site-packages")]
        )
        return next(iter(found)).version

    @contextmanager
    def start(self, folder: Path, pool: Pool, core: int | None = None) -> Iterator[Running]:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        program = environment(self._slug, self.packages).folder / "bin" / self.program[0]
        workers = [one.url.removesuffix("/v1") for one in pool.endpoints]
        options = [*self.program[1:], "--worker-urls", *workers, "--host", HOST, "--port", str(port)]
        command = pinned([str(program), *options, *_limits(pool.policy)], core)
        ready, log = f"http://{HOST}:{port}/health", folder / "router.log"
        with running(command, clean_environment(), log, lambda: answers(ready), START_LIMIT_S) as process:
            yield Running(f"http://{HOST}:{port}/v1", process.pid)

    @property
    def _slug(self) -> str:
        return self.name.lower().replace(" ", "-")


def _limits(policy: Policy) -> Sequence[str]:
    """They have one time-out: of the whole request, in whole seconds."""
    recovery_s = max(1, round(policy.recovery_timeout_ms / 1000))
    settings = {
        "policy": "round_robin",
        "prometheus-port": free_port(),
        "log-level": "error",
        "request-timeout-secs": max(1, round(policy.request_ms / 1000)),
        "worker-startup-timeout-secs": round(START_LIMIT_S),
        "retry-max-retries": policy.max_attempts,
        "retry-initial-backoff-ms": 10,
        "retry-max-backoff-ms": 100,
        "cb-failure-threshold": policy.consecutive_failures,
        "cb-success-threshold": 1,
        "cb-timeout-duration-secs": recovery_s,
        "health-check-interval-secs": HEALTH_CHECK_S,
    }
    return [word for name, value in settings.items() for word in (f"--{name}", str(value))]


VLLM_ROUTER = WorkerRouter("vLLM Router", VLLM, ("vllm-router",))
SGLANG_ROUTER = WorkerRouter("SGLang Router", SGLANG, ("smg", "launch"))
