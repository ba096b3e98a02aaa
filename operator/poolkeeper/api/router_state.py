"""What a router says of itself (GET /state on its admin port): the operator's only view of breakers and health.

A field that is not known is ignored: a router one version ahead may say more than this operator knows, and that must
not blind it. What is known is bounded (foreign_values); one value that does not hold refuses the whole answer. Written
by router/lua/nginx/admin.lua.
"""

from typing import Literal

from pydantic import ConfigDict, Field, ValidationError

from poolkeeper.api.base import Model
from poolkeeper.api.foreign_values import Count, Figure, Instant, Line, Name, Tier

MOST_ENDPOINTS = 64
MOST_MODELS = 128
MOST_CLIENTS = 128
MOST_KEYS = 16
MOST_TRANSITIONS = 1024
"""Each well above what a spec or a router can have."""

Health = Literal["Healthy", "Unhealthy", "Unknown"]
Breaker = Literal["Closed", "Open", "HalfOpen"]


class Heard(Model):
    model_config = ConfigDict(extra="ignore")


class ModelState(Heard):
    """since: when the breaker last changed. answered_by: the other model that answers in its place. notice: what
    requests have shown that keeps nobody from using it (router/lua/nginx/endpoint/notices.lua)."""

    name: Name
    breaker: Breaker = "Closed"
    reason: Name = ""
    since: Instant | None = None
    retry_at: Instant | None = None
    answered_by: Line | None = None
    answered_by_since: Instant | None = None
    notice: Name | None = None
    notice_since: Instant | None = None


class LastError(Heard):
    """The class of the last failed attempt (design's classes), never the upstream's words. cause: a word that may say
    more; "" from older routers."""

    class_: Name = Field(default="", alias="class")
    cause: Name = ""
    at: Instant | None = None


class CheckFailure(Heard):
    """What the last failed health check found, in a word."""

    result: Name = ""
    at: Instant | None = None


class CheckState(Heard):
    state: Name = ""
    last_failure: CheckFailure | None = None


class FailingRow(Heard):
    """Requests that failed one after the other, without a good answer in between: it outlives backoffs and breakers."""

    since: Instant | None = None
    attempts: Count = 0
    last_at: Instant | None = None


class KeyState(Heard):
    """One of several API keys of an endpoint. key: its place in the list, from 1. file: its name below the credentials
    folder. reason: why it is left out, "" while it is used."""

    key: Count = 0
    file: Name = ""
    reason: Name = ""
    since: Instant | None = None
    retry_at: Instant | None = None
    in_flight: Count = 0


class EndpointState(Heard):
    """One endpoint as this replica sees it. since: when health, breaker or reason last changed.
    limit: requests in flight that it may have now, at most max_connections. is_awaited: it is a cold standby, and a
    request waits for it. key_changed_at: when its API key last
    changed while this replica ran, by its own file; None: not since its start."""

    name: Name
    fingerprint: Name = ""
    tier: Tier = 0
    region: Name = ""
    health: Health = "Unknown"
    breaker: Breaker = "Closed"
    reason: Name = ""
    since: Instant | None = None
    weight: Figure = 0.0
    in_flight: Count = 0
    max_connections: Count = 0
    limit: Count = 0
    is_awaited: bool = False
    ttft_ms: Figure | None = None
    error_rate_percent: Figure = 0.0
    retry_at: Instant | None = None
    last_error: LastError | None = None
    failing: FailingRow | None = None
    health_check: CheckState | None = None
    key_changed_at: Instant | None = None
    keys: tuple[KeyState, ...] = Field((), max_length=MOST_KEYS)
    models: tuple[ModelState, ...] = Field((), max_length=MOST_MODELS)


class GlobalState(Heard):
    """The pool breaker, over all requests of the pool."""

    breaker: Breaker = "Closed"
    error_rate_percent: Figure = 0.0


class HeldTier(Heard):
    """Under failback Manual: the tier a model stays on."""

    model: Name
    tier: Tier


class FailbackState(Heard):
    """told_at: the last `failback` that this router knows, from its document."""

    told_at: Name = ""
    held: tuple[HeldTier, ...] = Field((), max_length=MOST_MODELS)


class ClientState(Heard):
    """A client whose key cannot be used: nobody can call in its name. shared_with: another client with that key."""

    name: Name
    since: Instant | None = None
    problem: Literal["Missing", "TooShort", "Shared"] = "Missing"
    shared_with: Name | None = None


class RefusedConfig(Heard):
    """A document that this router rejected, and why; it keeps serving with its last one."""

    generation: Count = 0
    message: Line = ""


class ConfigState(Heard):
    refused: RefusedConfig | None = None


class Transition(Heard):
    """One change of a breaker or of health; sequence grows per router start. key: of several, the one it is about."""

    sequence: Count = 0
    at: Instant | None = None
    endpoint: Name = ""
    model: Name = ""
    key: Count | None = None
    from_: Name = Field(default="", alias="from")
    to: Name = ""
    reason: Name = ""


class RouterState(Heard):
    """One router replica. generation and config_hash name the document it serves (0 and "" before the first).

    unserved_models: those that no endpoint can serve now, half-open requests not counted.
    """

    pool: Name = ""
    generation: Count = 0
    config_hash: Name = ""
    ready: bool = False
    active_tier: Tier | None = None
    unserved_models: tuple[Name, ...] = Field((), max_length=MOST_MODELS)
    failback: FailbackState = FailbackState()
    global_: GlobalState = Field(default=GlobalState(), alias="global")
    endpoints: tuple[EndpointState, ...] = Field((), max_length=MOST_ENDPOINTS)
    clients_without_key: tuple[ClientState, ...] = Field((), max_length=MOST_CLIENTS)
    config: ConfigState = ConfigState()
    transitions: tuple[Transition, ...] = Field((), max_length=MOST_TRANSITIONS)


def wrong_with(error: ValidationError) -> str:
    """Where an answer does not hold, in our own words for the place; never what it said."""
    place = ".".join(str(step) for step in error.errors(include_input=False, include_url=False)[0]["loc"])
    return f"not a router's state ({place})" if place else "not a router's state"
