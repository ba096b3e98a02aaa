"""What a router says of itself (GET /state on its admin port): the operator's only view of breakers and health.

Parsed leniently, unlike everything else here: a router one version ahead may say more than this operator knows, and
that must not blind it. Written by router/lua/nginx/admin.lua.
"""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from poolkeeper.api.base import Model

Health = Literal["Healthy", "Unhealthy", "Unknown"]
Breaker = Literal["Closed", "Open", "HalfOpen"]


class Heard(Model):
    model_config = ConfigDict(extra="ignore")


class ModelState(Heard):
    """since: when the breaker last changed."""

    name: str
    breaker: Breaker = "Closed"
    reason: str = ""
    since: datetime | None = None
    retry_at: datetime | None = None


class LastError(Heard):
    """The class of the last failed attempt (design's classes), never the upstream's words."""

    class_: str = Field(default="", alias="class")
    at: datetime | None = None


class EndpointState(Heard):
    """One endpoint as this replica sees it. since: when health, breaker or reason last changed.
    limit: requests in flight that it may have now, at most max_connections."""

    name: str
    fingerprint: str = ""
    tier: int = 0
    region: str = ""
    health: Health = "Unknown"
    breaker: Breaker = "Closed"
    reason: str = ""
    since: datetime | None = None
    weight: float = 0.0
    in_flight: int = 0
    max_connections: int = 0
    limit: int = 0
    ttft_ms: float | None = None
    error_rate_percent: float = 0.0
    retry_at: datetime | None = None
    last_error: LastError | None = None
    models: tuple[ModelState, ...] = ()


class GlobalState(Heard):
    """The pool's own breaker, over all its requests."""

    breaker: Breaker = "Closed"
    error_rate_percent: float = 0.0


class HeldTier(Heard):
    """Under failback Manual: the tier a model stays on."""

    model: str
    tier: int


class FailbackState(Heard):
    """told_at: the `failback` that this router has heard of, as its document said it."""

    told_at: str = ""
    held: tuple[HeldTier, ...] = ()


class ClientState(Heard):
    """A client whose key file is missing or empty: nobody can call in its name."""

    name: str
    since: datetime | None = None


class RefusedConfig(Heard):
    """A document this router would not take, and why; it goes on serving the one it has."""

    generation: int = 0
    message: str = ""


class ConfigState(Heard):
    refused: RefusedConfig | None = None


class Transition(Heard):
    """One change of a breaker or of health, for Events; sequence grows per router start."""

    sequence: int = 0
    at: datetime | None = None
    endpoint: str = ""
    model: str = ""
    from_: str = Field(default="", alias="from")
    to: str = ""
    reason: str = ""


class RouterState(Heard):
    """One router replica. generation and config_hash name the document it serves (0 and "" before the first).

    unserved_models: those that no endpoint can serve now, not counting the breakers' trials.
    """

    pool: str = ""
    generation: int = 0
    config_hash: str = ""
    ready: bool = False
    active_tier: int | None = None
    unserved_models: tuple[str, ...] = ()
    failback: FailbackState = FailbackState()
    global_: GlobalState = Field(default=GlobalState(), alias="global")
    endpoints: tuple[EndpointState, ...] = ()
    clients_without_key: tuple[ClientState, ...] = ()
    config: ConfigState = ConfigState()
    transitions: tuple[Transition, ...] = ()
