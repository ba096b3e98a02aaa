"""What is compared: each gateway with the same providers, the same tiers and the same scaled limits, as far as it has
settings for them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.bench.incidents.day import SCALE
from testing.gateways.envoy import Envoy
from testing.gateways.gateway import Gateway, Policy, Pool, Running
from testing.gateways.litellm import LiteLLM
from testing.gateways.nginx import Nginx
from testing.gateways.poolkeeper import Poolkeeper
from testing.gateways.portkey import Portkey
from testing.gateways.worker_router import SGLANG_ROUTER, VLLM_ROUTER


def scaled_ms(seconds: float) -> int:
    return round(seconds / SCALE * 1000)


POLICY = Policy(
    connect_ms=2000,
    first_token_ms=scaled_ms(30),
    inter_token_ms=scaled_ms(30),
    request_ms=scaled_ms(600),
    recovery_timeout_ms=scaled_ms(30),
)


class Direct:
    """The first endpoint itself: nothing in between."""

    name = "one endpoint"

    def version(self) -> str:
        return ""

    @contextmanager
    def start(self, folder: Path, pool: Pool, core: int | None = None) -> Iterator[Running]:
        yield Running(pool.endpoints[0].url, 0)


def failover_policy(policy: Policy) -> Mapping[str, object]:
    """Poolkeeper's defaults, scaled like everything else; no answer is served from a cache, which would flatter."""
    recovery = {"slidingWindow": _scaled(60), "recoveryTimeout": _scaled(30)}
    return {
        "healthCheck": {"interval": _scaled(10), "timeout": _scaled(5)},
        "circuitBreaker": {**recovery, "maxRecoveryTimeout": _scaled(300)},
        "globalBreaker": recovery,
        "balancing": {"slowStart": _scaled(30)},
        "retry": {"busyBackoff": [_scaled(5), _scaled(10), _scaled(30)]},
        "timeouts": {"firstToken": _scaled(30), "interToken": _scaled(30), "request": _scaled(600)},
        "queue": {"maxWait": _scaled(10), "maxDepth": 100},
        "fallback": {"cacheTTL": "0s"},
        "failback": {"stabilization": _scaled(30)},
    }


def _scaled(seconds: float) -> str:
    return f"{scaled_ms(seconds)}ms"


@dataclass(frozen=True)
class Baseline:
    """slug: its name on the command line. title: its name on the page."""

    slug: str
    title: str
    gateway: Gateway


DIRECT = "direct"
BASELINES = (
    Baseline(DIRECT, "the official API, direct", Direct()),
    Baseline("nginx", "nginx, round robin", Nginx()),
    Baseline("envoy", "Envoy", Envoy()),
    Baseline("litellm", "LiteLLM", LiteLLM()),
    Baseline("portkey", "Portkey", Portkey()),
    Baseline("vllm-router", "vLLM Router", VLLM_ROUTER),
    Baseline("sglang-router", "SGLang Router", SGLANG_ROUTER),
    Baseline("poolkeeper", "Poolkeeper", Poolkeeper(failover_policy)),
)
QUICK = ("nginx", "envoy", "poolkeeper")
