"""What is compared: each gateway told the same providers, the same order of tiers and the same scaled limits, as far
as it has words for them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hack.bench.incidents.day import PROVIDERS, SCALE
from testing.peers.envoy import envoy
from testing.peers.litellm import litellm
from testing.peers.nginx import nginx
from testing.peers.peer import Limits, Peer, Upstream
from testing.peers.poolkeeper import POOL, poolkeeper

LIMITS = Limits(
    connect_s=2.0, first_token_s=30 / SCALE, inter_token_s=30 / SCALE, request_s=600 / SCALE, rest_s=30 / SCALE
)


class Start(Protocol):
    def __call__(self, folder: Path, upstreams: Sequence[Upstream]) -> AbstractContextManager[Peer]: ...


@dataclass(frozen=True)
class Row:
    slug: str
    title: str
    start: Start


@contextmanager
def _direct(folder: Path, upstreams: Sequence[Upstream]) -> Iterator[Peer]:
    yield Peer("one endpoint", "", upstreams[0].url, 0)


def _nginx(folder: Path, upstreams: Sequence[Upstream]) -> AbstractContextManager[Peer]:
    return nginx(folder, upstreams, None, LIMITS)


def _envoy(folder: Path, upstreams: Sequence[Upstream]) -> AbstractContextManager[Peer]:
    return envoy(folder, upstreams, None, LIMITS)


def _litellm(folder: Path, upstreams: Sequence[Upstream]) -> AbstractContextManager[Peer]:
    return litellm(folder, upstreams, None, limits=LIMITS)


def _poolkeeper(folder: Path, upstreams: Sequence[Upstream]) -> AbstractContextManager[Peer]:
    return poolkeeper(folder, upstreams, None, manifests=(_pool(upstreams), _policy()))


DIRECT = "direct"
ROWS = (
    Row(DIRECT, "the official API, direct", _direct),
    Row("nginx", "nginx, round robin", _nginx),
    Row("envoy", "Envoy", _envoy),
    Row("litellm", "LiteLLM", _litellm),
    Row("poolkeeper", "Poolkeeper", _poolkeeper),
)


def _scaled(seconds: float) -> str:
    return f"{seconds / SCALE * 1000:.0f}ms"


def _pool(upstreams: Sequence[Upstream]) -> Mapping[str, object]:
    capacity = {provider.name: provider.capacity for provider in PROVIDERS}
    endpoints = [
        {
            "name": one.name,
            "provider": "DeepSeek",
            "url": one.url,
            "tier": one.tier,
            "maxConnections": capacity[one.name],
            "baseLatency": _scaled(0.8),
            "credentialsRef": {"name": "keys", "key": one.name},
            "capabilities": ["PrefixCompletion"],
        }
        for one in upstreams
    ]
    spec = {"models": ["m"], "endpoints": endpoints, "failoverPolicyRef": {"name": "scaled"}}
    return _object("EndpointPool", POOL, spec)


def _policy() -> Mapping[str, object]:
    """The defaults, scaled like everything else; no answer is served from memory, which would flatter."""
    breaker = {"slidingWindow": _scaled(60), "recoveryTimeout": _scaled(30)}
    spec = {
        "healthCheck": {"interval": _scaled(10), "timeout": _scaled(5)},
        "circuitBreaker": {**breaker, "maxRecoveryTimeout": _scaled(300)},
        "globalBreaker": breaker,
        "balancing": {"slowStart": _scaled(30)},
        "retry": {"busyBackoff": [_scaled(5), _scaled(10), _scaled(30)]},
        "timeouts": {"firstToken": _scaled(30), "interToken": _scaled(30), "request": _scaled(600)},
        "queue": {"maxWait": _scaled(10), "maxDepth": 100},
        "fallback": {"cacheTTL": "0s"},
        "failback": {"stabilization": _scaled(30)},
    }
    return _object("FailoverPolicy", "scaled", spec)


def _object(kind: str, name: str, spec: Mapping[str, object]) -> Mapping[str, object]:
    return {"apiVersion": "poolkeeper.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
