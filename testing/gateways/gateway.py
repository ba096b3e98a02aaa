"""What all gateways have in common: the pool they serve, the policy they follow, and how one is started."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urlsplit

HOST = "127.0.0.1"
START_LIMIT_S = 30.0
MODEL = "m"
UNLIMITED = 10_000


@dataclass(frozen=True)
class Endpoint:
    """A provider, as a gateway is configured with it. models: the pool's names, each with the provider's own."""

    name: str
    url: str
    key: str
    models: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({MODEL: MODEL}))
    tier: int = 0
    dialect: str = "OpenAI"
    capabilities: tuple[str, ...] = ()
    max_connections: int = UNLIMITED
    base_latency_ms: int = 0
    """0: not configured."""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


@dataclass(frozen=True)
class Policy:
    """The limits that every gateway gets, as far as it has a setting for them. recovery_timeout_ms: how long a failed
    endpoint is left alone."""

    connect_ms: int = 2_000
    first_token_ms: int = 30_000
    inter_token_ms: int = 600_000
    request_ms: int = 600_000
    max_attempts: int = 3
    consecutive_failures: int = 5
    recovery_timeout_ms: int = 30_000


@dataclass(frozen=True)
class Pool:
    """Gateways that know one path and one key for all endpoints take those of the first."""

    endpoints: Sequence[Endpoint]
    policy: Policy = Policy()
    models: tuple[str, ...] = (MODEL,)
    name_server: int = 0
    """The port of the one to ask; 0: the machine's."""

    @property
    def tiers(self) -> Sequence[Sequence[Endpoint]]:
        """The endpoints by tier, best first."""
        numbers = sorted({one.tier for one in self.endpoints})
        return [[one for one in self.endpoints if one.tier == number] for number in numbers]


@dataclass(frozen=True)
class Running:
    """A gateway that runs. base_url: what an OpenAI client gets; pid: of the one process that does the work; headers:
    what each request must carry; admin_url: where it answers /metrics, if it is ours."""

    base_url: str
    pid: int
    headers: Mapping[str, str] = field(default_factory=dict)
    admin_url: str = ""


class Gateway(Protocol):
    @property
    def name(self) -> str: ...

    def version(self) -> str: ...

    def start(self, folder: Path, pool: Pool, core: int | None = None) -> AbstractContextManager[Running]:
        """Ready when the block begins, stopped when it ends. Its files go into folder. core: the CPU core that it may
        use; None: any."""
