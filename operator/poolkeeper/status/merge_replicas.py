"""Many routers, one answer: the views of N replicas become the one that a status shows.

The rule, for each endpoint, each model's breaker and the active tier alike: line the reporting replicas up from the
worst view to the best and take the middle one; of two middles the worse. So a breaker is Open when at least half of
the replicas that report say Open; one of three is not enough, one of two is, because with few requests a second
replica may just not have met the trouble yet. Messages say how many agree: "2/3 replicas" counts those that see it as
bad or worse.

A breaker that is half-open only because checks or a probe say so waits for a request, which on a router without traffic
may take for ever. Such a router has no say while another one has; where all of them wait, the endpoint does
(AwaitingTraffic). A model that waits while others serve is well.

An endpoint whose requests have failed one after the other, with no good answer since, is Unhealthy, though its backoff
is over and the next request goes there again: that is a half-open request, not a recovery.

Only reports that count (plan/fresh_reports.py) come here. An endpoint that no router knows yet has no
view. Reason words are passed on only when they are words, so that no text from outside gets into a status.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from poolkeeper.api.router_reasons import AWAITS_TRAFFIC, BY_BREAKER, CHECK_FAILED, UNTRIED, WELL, word
from poolkeeper.api.router_state import (
    Breaker,
    ClientState,
    EndpointState,
    FailingRow,
    Health,
    KeyState,
    ModelState,
    RouterState,
)

_BREAKER_BADNESS: dict[Breaker, int] = {"Open": 2, "HalfOpen": 1, "Closed": 0}
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_FAILING_ATTEMPTS = 2
_FAILING_FOR = timedelta(seconds=3)
"""Under load some requests in a row fail within a moment, and the next one succeeds."""
_NO_TIER = 10
"""Worse than the last tier: this replica has none that can take a request."""

T = TypeVar("T")


@dataclass(frozen=True)
class View:
    """One endpoint as the routers see it together.

    reason: why it is not well ("": it is). only_models: the models whose breaker is not Closed, when others' are.
    """

    health: Health
    breaker: Breaker
    reason: str
    since: datetime | None
    agreeing: int
    reporting: int
    only_models: tuple[str, ...] = ()
    failing_since: datetime | None = None
    """Of a row of failed requests that no good answer has ended."""
    last_asked: datetime | None = None
    """The last request of that row; None: there is no row that counts."""
    check_found: str = ""
    """What its failed health checks found last."""
    retry_at: datetime | None = None
    """When the first of the routers that see it so sends it the next request."""
    is_half_open_next: bool = False
    """Only the row speaks against it: nothing keeps the next request from it."""


def endpoint_view(states: Iterable[RouterState], name: str, was_out: bool = False) -> View | None:
    """was_out: it was out at the last look, so that a single failure without a good answer since is enough."""
    reported = [_settled(endpoint) for state in states for endpoint in state.endpoints if endpoint.name == name]
    if not reported:
        return None
    seen = [_failing(endpoint, was_out) for endpoint in reported]
    with_a_say = [one for one in seen if one.reason not in AWAITS_TRAFFIC] or seen
    middle = _middle(with_a_say, _badness)
    like_it = [one for one in with_a_say if (one.health, one.breaker) == (middle.health, middle.breaker)]
    spokesman = min(like_it, key=lambda one: (one.since is None, one.since or _LONG_AGO, _why(one)))
    begun = [endpoint.failing for endpoint in reported if endpoint.failing]
    is_half_open_next = all(spokesman is not one for one in reported)
    rows = [row for row in begun if _is_row(row, is_half_open_next)]
    return View(
        health=middle.health,
        breaker=middle.breaker,
        reason=_why(spokesman),
        since=spokesman.since,
        agreeing=sum(_badness(one) >= _badness(middle) for one in seen),
        reporting=len(seen),
        only_models=_only_models(seen),
        failing_since=min((row.since for row in begun if row.since), default=None),
        last_asked=max((row.last_at for row in rows if row.last_at), default=None),
        check_found=_check_found(spokesman),
        retry_at=min((one.retry_at for one in like_it if one.retry_at), default=None),
        is_half_open_next=is_half_open_next,
    )


@dataclass(frozen=True)
class Substitute:
    """The model that answers in place of the one that is requested, as any router has seen it."""

    model: str
    answered_by: str
    since: datetime | None


def substitutes(states: Iterable[RouterState], name: str) -> tuple[Substitute, ...]:
    found = {
        model.name: Substitute(model.name, model.answered_by, model.answered_by_since)
        for model in _models(states, name)
        if model.answered_by
    }
    return tuple(found[model] for model in sorted(found))


@dataclass(frozen=True)
class Notice:
    """What any router's requests have shown of an endpoint's model, in a word."""

    model: str
    word: str
    since: datetime | None


def notices(states: Iterable[RouterState], name: str) -> tuple[Notice, ...]:
    found = {
        model.name: Notice(model.name, model.notice, model.notice_since)
        for model in _models(states, name)
        if model.notice
    }
    return tuple(found[model] for model in sorted(found))


def _models(states: Iterable[RouterState], name: str) -> Iterator[ModelState]:
    """Those of an endpoint, at each router."""
    for state in states:
        for endpoint in state.endpoints:
            if endpoint.name == name:
                yield from endpoint.models


@dataclass(frozen=True)
class KeyView:
    """One of several API keys as the routers see it together. reason: why it is left out ("": it is used)."""

    reason: str
    since: datetime | None
    agreeing: int
    reporting: int


def keys_view(states: Iterable[RouterState], name: str) -> Mapping[str, KeyView]:
    """By file. Left out is what at least half of the routers leave out that know the key."""
    said = [key for state in states for endpoint in state.endpoints if endpoint.name == name for key in endpoint.keys]
    return {file: _key_view([key for key in said if key.file == file]) for file in sorted({key.file for key in said})}


def _key_view(said: Sequence[KeyState]) -> KeyView:
    out = [key for key in said if word(key.reason)]
    if 2 * len(out) < len(said):
        return KeyView("", None, len(said) - len(out), len(said))
    first = min(out, key=lambda key: (key.since is None, key.since or _LONG_AGO, key.reason))
    return KeyView(first.reason, first.since, len(out), len(said))


def active_tier(states: Collection[RouterState]) -> int | None:
    tier = _middle(
        [_NO_TIER if state.active_tier is None else state.active_tier for state in states], lambda tier: tier
    )
    return None if tier == _NO_TIER else tier


def global_breaker(states: Collection[RouterState]) -> Breaker:
    return _middle([state.global_.breaker for state in states], _BREAKER_BADNESS.__getitem__)


def unserved_models(states: Collection[RouterState]) -> tuple[str, ...]:
    """The models that at least half of the replicas cannot get served."""
    counts = Counter(model for state in states for model in state.unserved_models)
    return tuple(sorted(model for model, count in counts.items() if 2 * count >= len(states)))


def clients_without_key(states: Collection[RouterState]) -> Mapping[str, tuple[ClientState, int]]:
    """Clients whose key at least half of the replicas cannot use: what one of them says, and how many say so."""
    said = [client for state in states for client in state.clients_without_key]
    counts = Counter(client.name for client in said)
    first = {client.name: client for client in reversed(said)}
    return {name: (first[name], count) for name, count in counts.items() if 2 * count >= len(states)}


def _settled(endpoint: EndpointState) -> EndpointState:
    """With the breakers that only wait for a request taken as closed; not the endpoint's own where all of them do."""
    models = tuple(map(_settled_model, endpoint.models))
    is_well = all(model.breaker == "Closed" for model in models) and endpoint.reason not in AWAITS_TRAFFIC
    breaker: Breaker = "Closed" if models and is_well else endpoint.breaker
    return endpoint.model_copy(update={"models": models, "breaker": breaker})


def _is_row(row: FailingRow, was_out: bool) -> bool:
    if row.since is None or row.last_at is None:
        return False
    return was_out or (row.attempts >= _FAILING_ATTEMPTS and row.last_at - row.since >= _FAILING_FOR)


def _failing(endpoint: EndpointState, was_out: bool) -> EndpointState:
    row = endpoint.failing
    if row is None or not _is_row(row, was_out) or endpoint.breaker != "Closed" or endpoint.health == "Unhealthy":
        return endpoint
    if endpoint.reason not in WELL:
        return endpoint
    why = _last_error(endpoint)
    return endpoint.model_copy(update={"health": "Unhealthy", "reason": why, "since": row.since})


def _settled_model(model: ModelState) -> ModelState:
    waits = model.breaker == "HalfOpen" and model.reason in UNTRIED
    return model.model_copy(update={"breaker": "Closed"}) if waits else model


def _why(endpoint: EndpointState) -> str:
    """The cause of an open breaker: the reason of the models for which it is open, or else the last error."""
    said = "" if endpoint.reason in WELL | BY_BREAKER else word(endpoint.reason)
    if said or endpoint.breaker == "Closed":
        return said
    causes = sorted(word(model.reason) for model in endpoint.models if model.breaker == "Open" and word(model.reason))
    return causes[0] if causes else _last_error(endpoint)


def _last_error(endpoint: EndpointState) -> str:
    found = endpoint.last_error
    return word(found.cause or found.class_) if found else ""


def _check_found(endpoint: EndpointState) -> str:
    check = endpoint.health_check
    if endpoint.reason not in CHECK_FAILED or check is None or check.last_failure is None:
        return ""
    return word(check.last_failure.result)


def _badness(endpoint: EndpointState) -> int:
    if endpoint.health == "Unhealthy":
        return 4
    if endpoint.breaker != "Closed":
        return 1 + _BREAKER_BADNESS[endpoint.breaker]
    return 1 if endpoint.health == "Healthy" else 0  # a replica that knows counts for more than one that does not


def _only_models(seen: Sequence[EndpointState]) -> tuple[str, ...]:
    names = sorted({model.name for endpoint in seen for model in endpoint.models})
    sick = tuple(name for name in names if _middle(_breakers(seen, name), _BREAKER_BADNESS.__getitem__) != "Closed")
    return sick if len(sick) < len(names) else ()


def _breakers(seen: Iterable[EndpointState], name: str) -> list[Breaker]:
    return [model.breaker for endpoint in seen for model in endpoint.models if model.name == name]


def _middle(views: Sequence[T], badness: Callable[[T], int]) -> T:
    return sorted(views, key=badness, reverse=True)[(len(views) - 1) // 2]
