"""The document a router runs on (router.json): the whole contract between the operator and the data plane.

One JSON document a pool, the same for all its router Pods. Everything in it is resolved: no defaults to fill in, no
references to follow, no durations to parse (integers, milliseconds); credentials are file names below the mounted
credentials folder, never values. The router validates it again (router/lua/core/document/config.lua) and refuses what
it does not know, because a document it misreads is worse than yesterday's. `generation` only ever grows; `hash` covers
everything except itself, `generation` and the startup hints, so a router (and the operator, from /state) can recognise
equal from new.
"""

from typing import Literal

from pydantic import Field

from poolkeeper.api.base import Model
from poolkeeper.api.request_changes import HeaderDoc, ParameterDoc
from poolkeeper.api.startup_hints import AnsweredDoc, OutagesDoc
from poolkeeper.api.time_window import Day

ModeDoc = Literal["Active", "Draining", "Disabled", "Forbidden", "Asleep", "Waking", "ScaledToZero"]
"""Forbidden: the pool's data policy does not permit the endpoint. It gets nothing, of requests in flight either.
Asleep, Waking: a cold standby without a Pod that is ready; requests may wait for it. ScaledToZero: one that nobody
wakes now."""


class ModelRoute(Model):
    """One model of the pool on one endpoint: what clients ask for, what this endpoint calls it, and its other names
    (aliases). parameters: the later of two for the same path counts."""

    name: str
    upstream_name: str
    aliases: tuple[str, ...] = ()
    parameters: tuple[ParameterDoc, ...] = ()


class Credential(Model):
    """A key as a file below the credentials folder; source says in words where it comes from, for messages."""

    file: str
    source: str


class Tls(Model):
    """How the server proves itself: the name it must have (also the SNI), and by whose signature (None: the system)."""

    server_name: str
    ca_file: str | None = None


class Offset(Model):
    """From this moment (seconds since 1970, UTC) on, a zone's clocks are so far ahead of UTC."""

    since_s: int
    offset_s: int


class TimeZoneDoc(Model):
    """A time zone as far as routers need it: its offsets from UTC, for years ahead."""

    name: str
    offsets: tuple[Offset, ...]


class DaySpan(Model):
    """Days from the first to the last, counted from 1970-01-01."""

    first_day: int
    last_day: int


class CalendarDoc(Model):
    """Dates with a name. spans: in order and apart."""

    name: str
    spans: tuple[DaySpan, ...] = ()


class WindowDoc(Model):
    """A part of the week by the clocks of a zone; from later than to: over midnight. percent: multiplies. dates and
    calendars: it starts only on these (both empty: on any); except_*: and not on these."""

    days: tuple[Day, ...]
    from_minute: int
    to_minute: int
    time_zone: str
    percent: int
    dates: tuple[DaySpan, ...] = ()
    calendars: tuple[str, ...] = ()
    except_dates: tuple[DaySpan, ...] = ()
    except_calendars: tuple[str, ...] = ()


class PricingDoc(Model):
    """Prices for a million tokens, as decimal text; cached None: as any input. windows multiply all three."""

    currency: str
    input_per_million: str
    cached_input_per_million: str | None = None
    output_per_million: str
    windows: tuple[WindowDoc, ...] = ()


class EgressProxy(Model):
    """Through whom an endpoint is reached: by CONNECT when it speaks TLS, else by forwarding."""

    host: str
    port: int


class AdviceDoc(Model):
    """What probes say should be done: weight_percent of the weight, 0: nothing as long as there is another, both until
    then. reason: a ProbeReason, since when. Times are in milliseconds since 1970."""

    weight_percent: int
    reason: str
    since_ms: int
    until_ms: int


class EndpointDoc(Model):
    """One upstream endpoint.

    fingerprint: changes when what the endpoint *is* changes (address, credential reference, provider): its breaker and
    latency start anew then, and only then. credentials: all of them where it has several API keys (credential is then
    the first); the file names stay when the list changes. max_connections: this replica's share of the declared
    connection limit. host: a DNS name or IP literal without brackets. path: prefix without a trailing slash, "" or
    "/v1".
    """

    name: str
    fingerprint: str
    provider: str
    tier: int
    weight: int
    mode: ModeDoc
    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    tls: Tls | None = None
    egress_proxy: EgressProxy | None = None
    credential: Credential | None = None
    credentials: tuple[Credential, ...] = ()
    max_connections: int
    base_latency_ms: int
    models: tuple[ModelRoute, ...]
    headers: tuple[HeaderDoc, ...] = ()
    capabilities: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    region: str = ""
    advice: AdviceDoc | None = None
    schedule: tuple[WindowDoc, ...] = ()
    pricing: PricingDoc | None = None


class CircuitBreakerDoc(Model):
    error_rate_percent: int
    sliding_window_ms: int
    minimum_requests: int
    consecutive_failures: int
    recovery_timeout_ms: int
    max_recovery_timeout_ms: int
    half_open_max_requests: int


class RetryDoc(Model):
    max_attempts: int
    budget_percent: int
    honor_retry_after: bool
    busy_backoff_ms: tuple[int, ...]
    tier_wait_ms: int


class TimeoutsDoc(Model):
    connect_ms: int
    first_token_ms: int
    inter_token_ms: int
    request_ms: int


class AffinityDoc(Model):
    """How a request shows which conversation it belongs to, and how long the router remembers it."""

    mode: Literal["Header", "Prefix"]
    header: str
    ttl_ms: int


class BalancingDoc(Model):
    """affinity: None if conversations do not matter."""

    algorithm: Literal["Dynamic", "PowerOfTwo", "RoundRobin"]
    slow_start_ms: int
    price_weight_percent: int = 0
    affinity: AffinityDoc | None = None


class TiersDoc(Model):
    spill: Literal["Strict", "Proportional"] = "Strict"


class HeldTier(Model):
    """The tier that a model had to go down to, and stays on."""

    model: str
    tier: int


class StreamingDoc(Model):
    """recovery: how an answer is continued that broke off after its caller saw a part of it. whole_answers: how an
    answer is asked for that its caller wants whole. stall: by which bound a stream counts as stalled."""

    recovery: Literal["Continue", "Restart", "Error"]
    whole_answers: Literal["Stream", "AsAsked"]
    stall: Literal["Fixed", "Adaptive"] = "Fixed"


class FailbackDoc(Model):
    """told_at: when people last said `failback`; what was held before it is free again. held: what the routers that
    run already hold, for one that has just started."""

    mode: Literal["Automatic", "Manual"] = "Automatic"
    stabilization_ms: int
    told_at: str = ""
    held: tuple[HeldTier, ...] = ()


class HedgingDoc(Model):
    after_percentile: int
    budget_percent: int


class GlobalBreakerDoc(Model):
    error_rate_percent: int
    sliding_window_ms: int
    minimum_requests: int
    recovery_timeout_ms: int
    half_open_max_requests: int


class ConcurrencyDoc(Model):
    """How the limit of requests in flight at an endpoint is found, below its max_connections."""

    mode: Literal["Static", "Adaptive"] = "Static"


class QueueDoc(Model):
    """The queue of each router: how long a request may wait in it, and how many may."""

    max_wait_ms: int
    max_depth: int


class ContextRecoveryDoc(Model):
    keep_turns: int


class FallbackDoc(Model):
    """What is tried when no endpoint can serve the model that was asked for, in this order.

    degraded_model: "" where there is none. cache_ttl_ms, cache_bytes: 0 switches the cache off.
    """

    degraded_model: str = ""
    cache_ttl_ms: int = 0
    cache_bytes: int = 0
    default_response: str
    format: Literal["Error", "Completion"] = "Error"


class HealthCheckDoc(Model):
    """How endpoints are checked. type None: not at all, which is also what an interval of 0s comes to."""

    type: Literal["Auto", "TCP", "Models", "Completion", "None"]
    interval_ms: int
    timeout_ms: int
    unhealthy_threshold: int
    healthy_threshold: int


class PolicyDoc(Model):
    """queue: None where no request waits for a place."""

    health_check: HealthCheckDoc
    circuit_breaker: CircuitBreakerDoc
    retry: RetryDoc
    timeouts: TimeoutsDoc
    balancing: BalancingDoc
    streaming: StreamingDoc
    substitution: Literal["Report", "NextEndpoint"] = "Report"
    concurrency: ConcurrencyDoc = ConcurrencyDoc()
    queue: QueueDoc | None = None
    tiers: TiersDoc = TiersDoc()
    failback: FailbackDoc
    hedging: HedgingDoc | None = None
    context_recovery: ContextRecoveryDoc | None = None
    global_breaker: GlobalBreakerDoc | None = None
    fallback: FallbackDoc


class ClientDoc(Model):
    """A caller allowed in under access mode Keys; its key is a file below the clients folder.

    max_connections: this replica's share of the declared connection limit. allowed_models and
    allowed_endpoints: None: all. debug: it may ask why an endpoint was chosen.
    """

    name: str
    key_file: str
    source: str
    priority: int = 0
    max_connections: int = 100
    allowed_models: tuple[str, ...] | None = None
    allowed_endpoints: tuple[str, ...] | None = None
    debug: bool = False


class CorsDoc(Model):
    """Web pages that may call, by their origin ("*": any), and what they may send beside what the router reads."""

    origins: tuple[str, ...]
    headers: tuple[str, ...] = ()
    max_age_s: int = 600


class AccessDoc(Model):
    mode: Literal["Open", "Keys"]
    clients: tuple[ClientDoc, ...] = ()
    cors: CorsDoc | None = Field(None, exclude_if=lambda cors: cors is None)


class RouterDoc(Model):
    """The whole document. id: which pool of the world this is, where it asks other pools ("": nobody needs to know).
    models: names clients may ask for, the first is the default. pool: "namespace/name".
    time_zones: those that windows name. outages, answered: news, see routernews.py.

    allow_loopback: `poolkeeper run` only; in a cluster the router refuses to connect to loopback, link-local and
    metadata addresses whatever a name resolves to.
    """

    format: Literal[1] = 1
    pool: str
    id: str = Field("", exclude_if=lambda value: not value)
    generation: int = Field(ge=1)
    hash: str
    allow_loopback: bool = False
    models: tuple[str, ...]
    endpoints: tuple[EndpointDoc, ...]
    policy: PolicyDoc
    access: AccessDoc
    log_percent: int = 100
    failover_to_tier: int | None = None
    time_zones: tuple[TimeZoneDoc, ...] = ()
    calendars: tuple[CalendarDoc, ...] = ()
    outages: OutagesDoc | None = None
    answered: tuple[AnsweredDoc, ...] = Field((), exclude_if=lambda answered: not answered)
