"""The input of `poolkeeper explain`: all that is known of one endpoint, of a run on this machine or in the cluster."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from poolkeeper.api.probe_result import EndpointProbe, ProbeResult
from poolkeeper.api.router_reasons import CHECK_FAILED, word
from poolkeeper.api.router_state import EndpointState, RouterState, Transition
from poolkeeper.api.status import EndpointPoolStatus, EndpointStatus, ProbedEndpoint
from poolkeeper.diagnostics.counts import Counts, counts_of
from poolkeeper.probing.reason_effects import reason_named


@dataclass(frozen=True)
class Seen:
    """What could be gathered of a pool. keys: endpoint -> "Secret x, key y", of each of its API keys. routers: by
    Pod. result: the last run of the probe that is still there to be read. notes: what could not be looked at, and
    why. metrics: by Pod, where they were asked for."""

    keys: Mapping[str, Sequence[str]]
    routers: Mapping[str, RouterState]
    result: ProbeResult | None = None
    notes: tuple[str, ...] = ()
    metrics: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RouterView:
    """One router's view of the endpoint."""

    router: str
    state: EndpointState


@dataclass(frozen=True)
class Change:
    """One change of a breaker or of health, at one router."""

    router: str
    what: Transition


@dataclass(frozen=True)
class Facts:
    """headline: the pool in one line. probed: the probe status and its runs. last: the last run's phases. keys:
    where its API keys come from. counted: by router, since it started, where metrics were asked for."""

    pool: str
    endpoint: EndpointStatus
    probed: ProbedEndpoint | None = None
    last: EndpointProbe | None = None
    last_at: datetime | None = None
    routers: tuple[RouterView, ...] = ()
    changes: tuple[Change, ...] = ()
    keys: Sequence[str] = ()
    notes: tuple[str, ...] = ()
    headline: str = ""
    counted: Mapping[str, Counts] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Where its API keys come from, in one text; "" if it has none."""
        return "; ".join(self.keys)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is wrong, in words: as the status says, then as the probe status says, which may differ; or else what
        opened a breaker of one of its models."""
        said = (self.endpoint.reason, self.probed.reason if self.probed else "")
        causes = [word for view in self.routers for word in _causes(view.state)]
        return tuple(dict.fromkeys(word for word in said if word)) or tuple(causes[:1])

    @property
    def check_found(self) -> str:
        """What its failed health checks found last, in a word; "": they do not fail, or no router says."""
        if self.endpoint.reason not in CHECK_FAILED:
            return ""
        checks = (view.state.health_check for view in self.routers)
        found = (word(check.last_failure.result) for check in checks if check and check.last_failure)
        return next(filter(None, found), "")

    @property
    def unbelieved(self) -> str:
        """What the last run found, while it has no effect yet."""
        return self.last.why if self.last and not self.reasons and reason_named(self.last.why) else ""


def facts_of(pool: str, status: EndpointPoolStatus, endpoint: EndpointStatus, seen: Seen) -> Facts:
    probed = status.last_probe.endpoints if status.last_probe else ()
    last = seen.result.endpoints if seen.result else ()
    return Facts(
        pool=pool,
        endpoint=endpoint,
        probed=next((one for one in probed if one.name == endpoint.name), None),
        last=next((one for one in last if one.name == endpoint.name), None),
        last_at=seen.result.ended if seen.result else None,
        routers=tuple(
            RouterView(router, one)
            for router, state in sorted(seen.routers.items())
            for one in state.endpoints
            if one.name == endpoint.name
        ),
        changes=tuple(sorted(_changes(endpoint.name, seen.routers), key=_when)),
        keys=seen.keys.get(endpoint.name, ()),
        notes=seen.notes,
        headline=status.headline,
        counted={router: counts_of(text).get(endpoint.name, Counts()) for router, text in seen.metrics.items()},
    )


def _changes(endpoint: str, routers: Mapping[str, RouterState]) -> Iterable[Change]:
    for router, state in routers.items():
        yield from (Change(router, what) for what in state.transitions if what.endpoint == endpoint and what.at)


def _when(change: Change) -> tuple[float, str, int]:
    return (change.what.at.timestamp() if change.what.at else 0.0, change.router, change.what.sequence)


def _causes(state: EndpointState) -> Iterable[str]:
    return (model.reason for model in state.models if model.breaker != "Closed" and model.reason)
