"""What users declare about failing over: when an endpoint counts as broken, what is tried then, and for how long."""

from typing import Annotated, Literal

from pydantic import Field

from poolkeeper.api.base import Model
from poolkeeper.api.value_types import (
    ByteSize,
    Count,
    Duration,
    HeaderName,
    LongSpan,
    OptionalModelName,
    Percent,
    PositiveCount,
    PositiveSpan,
    Printable,
    Span,
    UnquotedSwitch,
)


class HealthCheck(Model):
    """The active check: does the endpoint answer at all, even without traffic?"""

    type: Literal["Auto", "TCP", "Models", "Completion", "None"] = "Auto"
    """Auto uses the free check of the provider (DeepSeek: balance; VLLM: /health; most others: the list of models). TCP
    only connects. Models sends GET /models. Completion requests one token of the endpoint's first model: it costs
    money, and finds more faults. None: only real traffic shows the state."""
    interval: Span = Duration("10s")
    """Time between two checks of an endpoint. Each router checks by itself, and skips an endpoint that has answered
    requests meanwhile. 0s: no checks, as with type None."""
    timeout: PositiveSpan = Duration("5s")
    """A check that takes longer, from connecting to the end of the answer, has failed."""
    unhealthy_threshold: PositiveCount = 3
    """Failed checks in a row until the endpoint is Unhealthy and gets no traffic."""
    healthy_threshold: PositiveCount = 2
    """Good checks in a row until it is Healthy again."""


class CircuitBreaker(Model):
    """When an endpoint gets no more requests because too many failed; kept for each (endpoint, model). Rate
    limits (429), the client's own mistakes and clients that go away never count as failures."""

    error_rate_percent: Percent = 50
    """The breaker opens when this share of the requests in slidingWindow failed. Be careful with 0 and 100: 0 opens it
    on the first failure."""
    sliding_window: PositiveSpan = Duration("60s")
    """How far back errorRatePercent looks."""
    minimum_requests: PositiveCount = 20
    """Requests in the window before the rate applies. For a quiet endpoint only consecutiveFailures applies."""
    consecutive_failures: Count = 5
    """The breaker opens after so many failures in a row, whatever the rate. 0: only the rate counts."""
    recovery_timeout: PositiveSpan = Duration("30s")
    """How long an open breaker waits until it is half-open, or up to a fifth less. The first three waits are the same;
    then they double each time a half-open request fails."""
    max_recovery_timeout: PositiveSpan = Duration("300s")
    """The longest such wait; not shorter than recoveryTimeout."""
    half_open_max_requests: PositiveCount = 5
    """Half-open requests. All succeed: the breaker closes. One fails: it opens again."""


class GlobalBreaker(Model):
    """The last line: when most of everything fails, stop asking and answer at once with the fallback, so that a
    provider in trouble can recover and clients do not wait for nothing."""

    error_rate_percent: Percent = 50
    """The pool breaker opens when this share of all requests of the pool failed within slidingWindow, after all their
    attempts."""
    sliding_window: PositiveSpan = Duration("60s")
    """How far back errorRatePercent looks."""
    minimum_requests: PositiveCount = 20
    """Requests in the window before the rate applies."""
    recovery_timeout: PositiveSpan = Duration("30s")
    """How long it stays open until it is half-open."""
    half_open_max_requests: PositiveCount = 5
    """Half-open requests."""


class Affinity(Model):
    """Keep a conversation on one endpoint while that is healthy: a provider's prefix cache makes repeated prompts
    up to fifty times cheaper and much faster."""

    mode: Literal["None", "Header", "Prefix"] = "None"
    """None: no affinity. Header: requests with the same value of the header stay at one endpoint. Prefix: so do
    requests for the same model with the same start: the same system prompt and the same messages up to the first one of
    the user, as written (of a prompt that is one text: its first 1024 bytes). For a new conversation every router finds
    the same endpoint by a hash. Affinity never overrides health, breakers, backoffs, tiers or connection limits. An
    endpoint that is more than half full and busier than the others of its tier gets no more conversations.
    poolkeeper_affinity_broken_total counts conversations that had to move."""
    header: HeaderName = HeaderName("x-session-id")
    """Request header that names the conversation, under mode Header."""
    ttl: LongSpan = Duration("10m")
    """How long after its last answer a router remembers the endpoint of a conversation, up to 24h. The conversation
    stays there even if weights or endpoints change meanwhile, and returns there after an outage. 0s: the router
    remembers nothing, only the hash decides, and no move is counted. Each router remembers by itself."""


class Balancing(Model):
    """How load is shared among the endpoints of a tier."""

    algorithm: Literal["Dynamic", "PowerOfTwo", "RoundRobin"] = "Dynamic"
    """Dynamic picks at random, in proportion to weight x free connections x (baseLatency / current latency). Requests
    that still wait count, too: an endpoint that goes silent loses its share at once. PowerOfTwo picks two by weight and
    uses the less busy one; better with very many endpoints. RoundRobin uses each in turn, by weight only."""
    slow_start: Span = Duration("30s")
    """After a recovery the endpoint's share grows from small to full over this time. 0s: full at once."""
    price_weight_percent: Percent = 0
    """How much prices affect shares. 0: not at all. 100: an endpoint that costs twice as much as the cheapest of its
    tier gets half the weight. 50: three quarters. Prices are compared within a tier and a currency, three prompt tokens
    to one generated, at the current price (pricing.windows). An endpoint without pricing keeps its weight, and the most
    expensive one keeps at least a twentieth."""
    affinity: Affinity = Affinity()
    """Keep a conversation on one endpoint."""


class Retry(Model):
    """What happens to a request whose attempt failed before its first content reached the client: another
    endpoint is asked."""

    max_attempts: PositiveCount = 3
    """Attempts for one request, including the first. 1: no retry."""
    budget_percent: Percent = 20
    """Retry budget: extra attempts are at most this share of all requests, so that retries cannot double the load in an
    outage. It is a token bucket that starts with 10 tokens, so a quiet pool fails over, too."""
    retry_after: Literal["Honor", "Ignore"] = "Honor"
    """Honor: the Retry-After of an endpoint is its backoff. Ignore: only busyBackoff applies."""
    tier_wait: Span = Duration("0s")
    """How long a request waits for a Retry-After (of a 429) inside the tier, or for a cold standby that is asleep or
    being woken, before it goes to the next tier: all such waits of a request together, also if it comes while the tier
    is already in backoff. 0s: it goes at once."""
    busy_backoff: tuple[Span, ...] = Field(
        (Duration("5s"), Duration("10s"), Duration("30s")), min_length=1, max_length=10
    )
    """Backoff of an endpoint that is busy (429, 503, or a busy message): the first time, the second in a row, and so
    on; the last value for all further times. A good answer resets it."""


class Timeouts(Model):
    """How long to wait for what. Each can be 0s, no limit, except connect."""

    connect: PositiveSpan = Duration("2s")
    """To connect, TLS included."""
    first_token: Span = Duration("30s")
    """Of a stream: from sending the request to the first content. Keep-alive comments and empty pieces are not content;
    reasoning is. Then the router uses the next endpoint. The same for whole answers (streaming.wholeAnswers) while
    another endpoint could answer; else one may take as long as timeouts.request. Asked as a whole, an answer has no
    visible first token: it may take timeouts.request, or half of what is left of that while another endpoint could
    answer."""
    inter_token: Span = Duration("30s")
    """Between two pieces of content of a stream; then the stream counts as stalled (see streaming.recovery)."""
    request: Span = Duration("600s")
    """For the whole request, all attempts and the full answer together."""


class Streaming(Model):
    """How answers are asked of an endpoint, and what happens to one that breaks off."""

    recovery: Literal["Continue", "Restart", "Error"] = "Continue"
    """Continue: another endpoint with the capability PrefixCompletion continues the answer; without one it acts as
    Restart. Restart: another endpoint answers again; the router sends the rest if the text agrees with what was sent,
    else it acts as Error. Error: the stream ends with an error event. A cut answer never ends as if it were complete.
    """
    stall: Literal["Fixed", "Adaptive"] = "Fixed"
    """When a stream counts as stalled. Fixed: after timeouts.interToken. Adaptive: after twenty times the usual pause
    of this very stream, but not before 5s and not after timeouts.interToken. For models that never pause long within
    an answer: no tools that the provider runs, no silent thinking."""
    whole_answers: Literal["Stream", "AsAsked"] = "Stream"
    """A request that the client did not ask to be streamed. Stream: the router asks the endpoint for a stream and puts
    the whole answer together, so that firstToken, interToken, recovery and hedging apply to it, too; where a stream
    could not give the same answer, the router asks as the client did. AsAsked: always so; then only timeouts.request
    bounds the answer until it begins."""


class Concurrency(Model):
    """How the router finds the limit of requests in flight at an endpoint."""

    mode: Literal["Static", "Adaptive"] = "Static"
    """Static: maxConnections is the limit. Adaptive: below maxConnections the limit grows slowly while requests
    succeed, and halves when the endpoint refuses; for accounts with an unknown limit."""


class Queue(Model):
    """What happens when every endpoint that could serve is full: requests wait for a place, by their clients' priority.
    Of five places that come free, four go to the first priority that somebody waits in, one to those after it; so
    premium callers come first and nobody is starved. Within a priority: first come, first served."""

    max_wait: Span = Duration("0s")
    """How long a request may wait for a free connection, within timeouts.request; then 503 queue_timeout. 0s: no queue,
    503 pool_saturated at once. Each with Retry-After."""
    max_depth: Count = 100
    """Requests that may wait in each router, shared equally by the priorities of the pool's clients. Further requests
    get 503 queue_full. 0: no queue."""


class Hedging(Model):
    """Ask a second endpoint when the first is unusually slow, and take whichever answers first. Costs tokens twice."""

    mode: Annotated[Literal["Off", "On"], UnquotedSwitch()] = "Off"
    """Off, or On. No quotes needed."""
    after_percentile: Percent = 95
    """The router hedges when the first content takes longer than this percentile of the endpoint's recent answers."""
    budget_percent: Percent = 2
    """Share of requests that may be hedged."""


class Tiers(Model):
    """When the next tier is used."""

    spill: Literal["Strict", "Proportional"] = "Strict"
    """Strict: only when no endpoint above can take the request. Proportional: in proportion to the unusable part of the
    tier above, before all of it is down."""


class ContextRecovery(Model):
    """What happens when a request is refused as too long for the model's context, after LargeContext endpoints
    were asked."""

    mode: Annotated[Literal["Off", "TrimOldest"], UnquotedSwitch()] = "Off"
    """Off: the client gets the provider's error. TrimOldest: the router repeats the request with the system prompt and
    the last keepTurns turns; the header x-poolkeeper-context-trimmed says so."""
    keep_turns: PositiveCount = 4
    """Turns (a question with its answer) to keep."""


class Fallback(Model):
    """What the client gets when no endpoint can serve the model it asked for: tried in the order of the fields."""

    degraded_model: OptionalModelName = OptionalModelName("")
    """Fallback model, such as a smaller one on your own server. Empty: none."""
    cache_ttl: LongSpan = Field(Duration("3600s"), alias="cacheTTL")
    """Maximum age of a cached answer to the identical request, up to 24h. 0s: no cache."""
    cache_size: ByteSize = ByteSize("64Mi")
    """Memory for cached answers in each router. 0: no cache."""
    default_response: Printable = Printable("System busy, please retry shortly")
    """The text of the default answer, when nothing else is left."""
    format: Literal["Error", "Completion"] = "Error"
    """Error: status 503 with the text as an error and a Retry-After. Completion: status 200 with the text as if
    the model had said it, for clients that cannot show errors."""


class Failback(Model):
    """How traffic returns to a tier that has recovered."""

    mode: Literal["Automatic", "Manual"] = "Automatic"
    """Automatic: by itself. Manual: only after `kubectl poolkeeper failback POOL`."""
    stabilization: Span = Duration("30s")
    """How long the upper tier must be healthy before traffic returns, so that it does not flap. 0s: at once."""


class FailoverPolicySpec(Model):
    """How a pool fails over. Every field has a default; an empty spec is a good policy."""

    health_check: HealthCheck = HealthCheck()
    """The active check of each endpoint."""
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    """When an endpoint gets no more requests because too many failed."""
    global_breaker: GlobalBreaker = GlobalBreaker()
    """When the whole pool answers with its fallback at once."""
    balancing: Balancing = Balancing()
    """How load is shared among the endpoints of a tier."""
    retry: Retry = Retry()
    """What happens to a request whose attempt failed."""
    timeouts: Timeouts = Timeouts()
    """How long to wait for what."""
    streaming: Streaming = Streaming()
    """How answers are asked of an endpoint, and what happens to one that breaks off."""
    substitution: Literal["Report", "NextEndpoint"] = "Report"
    """What happens to an answer that names another model than the one that was requested. Report: the client gets it;
    a metric, the Degraded condition and an Event say so. NextEndpoint: another endpoint answers, and this one gets no
    requests for the model for a while. Dated names, a provider's prefix and declared aliases are no other model."""
    concurrency: Concurrency = Concurrency()
    """How the router finds the limit of requests in flight at an endpoint."""
    queue: Queue = Queue()
    """What happens when every endpoint is full."""
    hedging: Hedging = Hedging()
    """Send the request to a second endpoint when the first is slow."""
    tiers: Tiers = Tiers()
    """When the next tier is used."""
    context_recovery: ContextRecovery = ContextRecovery()
    """What happens to a request that is too long."""
    fallback: Fallback = Fallback()
    """What the client gets when no endpoint can serve."""
    failback: Failback = Failback()
    """How traffic returns to a tier that has recovered."""
