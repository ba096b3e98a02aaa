"""What one look at the pools has found: all that the page may show."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from poolkeeper.api.pool_change import PoolChange
from poolkeeper.api.router_state import RouterState
from poolkeeper.api.status import EndpointPoolStatus


@dataclass(frozen=True)
class Told:
    """What is wrong with an endpoint, in a reason's word, and what to do about it. page: the reason it is known by in
    the runbooks."""

    word: str
    advice: str
    page: str


@dataclass(frozen=True)
class EndpointWords:
    """comes_back: when it recovers, a half-sentence each."""

    told: tuple[Told, ...] = ()
    comes_back: tuple[str, ...] = ()


@dataclass(frozen=True)
class PoolFacts:
    """routers, metrics: by router, its /state and its /metrics. words: by endpoint. changed: as others than routers
    report it. notes: what could not be looked at, and why."""

    name: str
    status: EndpointPoolStatus
    routers: Mapping[str, RouterState] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, EndpointWords] = field(default_factory=dict)
    changed: tuple[PoolChange, ...] = ()
    notes: tuple[str, ...] = ()
