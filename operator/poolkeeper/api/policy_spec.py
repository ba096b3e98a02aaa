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
    """The active check: does the endpoint answer at all, even when there is no traffic to tell?"""

    type: Literal["Auto", "TCP", "Models", "Completion", "None"] = "Auto"
    """Auto takes what the provider offers for free (DeepSeek: balance; VLLM: /health; most others: the list of
    models). TCP only connects. Models asks GET /models. Completion asks the endpoint's first model for one token: it
    costs money, and sees more. None: only real traffic tells."""
    interval: Span = Duration("10s")
    """Time between two checks of an endpoint. Each router checks for itself, and leaves out an endpoint that has
    answered requests meanwhile. 0s: no checks, as with type None."""
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
    """Open when this share of the requests in slidingWindow failed; 0 or 100 both need care: 0 opens on the first
    failure."""
    sliding_window: PositiveSpan = Duration("60s")
    """How far back errorRatePercent looks."""
    minimum_requests: PositiveCount = 20
    """Requests in the window before the rate means anything; a quiet endpoint is judged by consecutiveFailures
    alone."""
    consecutive_failures: Count = 5
    """Open after so many failures in a row, whatever the rate. 0: only the rate counts."""
    recovery_timeout: PositiveSpan = Duration("30s")
    """How long an open breaker waits before it lets a few requests try (half-open), or up to a fifth less. The first
    three waits are alike; then they double each time the tries fail again."""
    max_recovery_timeout: PositiveSpan = Duration("300s")
    """The longest such wait; not shorter than recoveryTimeout."""
    half_open_max_requests: PositiveCount = 5
    """Requests let through while half-open. All good: the breaker closes. One bad: it opens again."""


class GlobalBreaker(Model):
    """The last line: when most of everything fails, stop asking and answer at once with the fallback, so that a
    provider in trouble can recover and clients do not wait for nothing."""

    error_rate_percent: Percent = 50
    """Open when this share of all requests of the pool, after all their attempts, failed within slidingWindow."""
    sliding_window: PositiveSpan = Duration("60s")
    """How far back errorRatePercent looks."""
    minimum_requests: PositiveCount = 20
    """Requests in the window before the rate means anything."""
    recovery_timeout: PositiveSpan = Duration("30s")
    """How long it waits before a few requests may try again."""
    half_open_max_requests: PositiveCount = 5
    """Requests let through while half-open."""


class Affinity(Model):
    """Keep a conversation on one endpoint while that is healthy: a provider's prefix cache makes repeated prompts
    up to fifty times cheaper and much faster."""

    mode: Literal["None", "Header", "Prefix"] = "None"
    """None: every request is placed afresh. Header: requests with the same value of the header stay together. Prefix:
    requests for the same model do that start alike: with the same system prompt and the same messages up to the first
    one of the user, as written (of a prompt that is one text: its first 1024 bytes). Where a conversation has no place
    yet, every router finds the same one by its hash. Affinity never overrides health, breakers, pauses, tiers or
    ceilings; an endpoint that is more than half full and busier than the others of its tier gets no more. A
    conversation that had to move is counted in poolkeeper_affinity_broken_total."""
    header: HeaderName = HeaderName("x-session-id")
    """Request header that names the conversation, under mode Header."""
    ttl: LongSpan = Duration("10m")
    """How long after its last answer a router remembers where a conversation was answered, up to 24h: it stays there
    even when weights or endpoints have changed meanwhile. 0s: nothing is remembered, its hash alone decides, and moves
    are not counted. Each router remembers for itself."""


class Balancing(Model):
    """How load is shared among the endpoints of a tier."""

    algorithm: Literal["Dynamic", "PowerOfTwo", "RoundRobin"] = "Dynamic"
    """Dynamic draws at random by weight x free capacity x (baseLatency / current latency), where requests that
    still wait count, too: an endpoint that falls silent loses its share at once. PowerOfTwo draws two
    by weight and takes the less busy one; better with very many endpoints. RoundRobin goes around by weight and
    looks at nothing else."""
    slow_start: Span = Duration("30s")
    """After it recovered, an endpoint's share grows from small to full over this time. 0s: full at once."""
    price_weight_percent: Percent = 0
    """How much prices say about shares: 0 nothing; 100 gives an endpoint that costs twice as much as the cheapest of
    its tier half the weight; 50 three quarters. Compared within a tier and a currency, three prompt tokens to one
    generated, at the prices of the moment (pricing.windows). An endpoint without pricing keeps its weight, and the
    dearest keeps a twentieth."""
    affinity: Affinity = Affinity()
    """Keep a conversation on one endpoint."""


class Retry(Model):
    """What happens to a request whose attempt failed before its first content reached the client: another
    endpoint is asked."""

    max_attempts: PositiveCount = 3
    """Attempts for one request, the first included. 1: never another."""
    budget_percent: Percent = 20
    """Extra attempts may be at most this share of all requests, so that retries cannot double the load of an
    outage. Counted as a token bucket that starts with 10 tokens: a quiet pool fails over too."""
    retry_after: Literal["Honor", "Ignore"] = "Honor"
    """Honor: an endpoint that says Retry-After rests for that long. Ignore: it rests by busyBackoff only."""
    tier_wait: Span = Duration("0s")
    """Rather wait so long for a Retry-After (of a 429) inside the tier than fall to the next one; all such waits of a
    request together, also of one that comes while the tier rests already. 0s: fall at once."""
    busy_backoff: tuple[Span, ...] = Field(
        (Duration("5s"), Duration("10s"), Duration("30s")), min_length=1, max_length=10
    )
    """How long an endpoint rests that says it is busy (429, 503, or a busy message): the first time, the second
    in a row, and so on; the last value for all further times. A good answer starts over."""


class Timeouts(Model):
    """How long to wait for what. Each can be 0s, no limit, except connect."""

    connect: PositiveSpan = Duration("2s")
    """To connect, TLS included."""
    first_token: Span = Duration("30s")
    """Of a stream: from sending the request to the first content. Keep-alive comments and empty pieces are not
    content; reasoning is. Then the next endpoint is asked. Of a whole answer no first token can be seen: it may
    take as long as timeouts.request."""
    inter_token: Span = Duration("30s")
    """Between two pieces of content of a stream; then the stream counts as stalled (see streaming.recovery)."""
    request: Span = Duration("600s")
    """For the whole request, all attempts and the full answer together."""


class Streaming(Model):
    """What happens to a stream that breaks after the client has seen its beginning."""

    recovery: Literal["Continue", "Restart", "Error"] = "Continue"
    """Continue asks another endpoint to go on from what was sent, where one has the capability PrefixCompletion,
    and else acts as Restart. Restart generates the answer again and goes on where the text agrees with what was
    sent, and else acts as Error. Error ends the stream with an error event. A cut answer never ends as if it were
    complete."""


class Concurrency(Model):
    """How the limit of requests in flight at an endpoint is found."""

    mode: Literal["Static", "Adaptive"] = "Static"
    """Static: maxConnections is the limit. Adaptive: below maxConnections the limit grows slowly while all is
    well and halves when the endpoint says it has enough; for accounts whose real limit is not known."""


class Queue(Model):
    """What happens when every endpoint that could serve is full: requests wait for a place, by their clients' priority.
    Of five places that come free, four go to the first priority that somebody waits in, one to those after it; so
    premium callers come first and nobody is starved. Within a priority: first come, first served."""

    max_wait: Span = Duration("0s")
    """How long a request may wait for a place, within timeouts.request; then 503 queue_timeout. 0s: no queue, 503
    pool_saturated at once. Each with Retry-After."""
    max_depth: Count = 100
    """Requests that may wait in each router, shared equally by the priorities of the pool's clients; one more is
    answered 503 queue_full. 0: no queue."""


class Hedging(Model):
    """Ask a second endpoint when the first is unusually slow, and take whichever answers first. Costs tokens twice."""

    mode: Annotated[Literal["Off", "On"], UnquotedSwitch()] = "Off"
    """Off, or On: ask a second one. Unquoted is fine."""
    after_percentile: Percent = 95
    """Hedge when the first content takes longer than this percentile of the endpoint's recent answers."""
    budget_percent: Percent = 2
    """Share of requests that may be hedged."""


class Tiers(Model):
    """When the next tier is used."""

    spill: Literal["Strict", "Proportional"] = "Strict"
    """Strict: only when no endpoint above can take the request. Proportional: in proportion to how much of the
    tier above is unusable, before it is all gone."""


class ContextRecovery(Model):
    """What happens when a request is refused as too long for the model's context, after LargeContext endpoints
    were asked."""

    mode: Annotated[Literal["Off", "TrimOldest"], UnquotedSwitch()] = "Off"
    """Off: the client gets the provider's error. TrimOldest: once more with the system prompt and the last
    keepTurns turns; the response says so in x-poolkeeper-context-trimmed."""
    keep_turns: PositiveCount = 4
    """Turns (a question with its answer) that are kept."""


class Fallback(Model):
    """What the client gets when no endpoint can serve the model it asked for: tried in the order of the fields."""

    degraded_model: OptionalModelName = OptionalModelName("")
    """Model to serve instead, such as a smaller one on an own server. Empty: none."""
    cache_ttl: LongSpan = Field(Duration("3600s"), alias="cacheTTL")
    """Oldest answer to the very same request that may be served again, up to 24h. 0s: no cache."""
    cache_size: ByteSize = ByteSize("64Mi")
    """Memory for such answers in each router. 0: no cache."""
    default_response: Printable = Printable("System busy, please retry shortly")
    """The text of the last answer when nothing else is left."""
    format: Literal["Error", "Completion"] = "Error"
    """Error: status 503 with the text as an error and a Retry-After. Completion: status 200 with the text as if
    the model had said it, for clients that cannot show errors."""


class Failback(Model):
    """How traffic returns to a tier that has recovered."""

    mode: Literal["Automatic", "Manual"] = "Automatic"
    """Automatic: by itself. Manual: only after `kubectl poolkeeper failback POOL`."""
    stabilization: Span = Duration("30s")
    """How long the upper tier must have been well before traffic returns, so that it does not flap. 0s: at once."""


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
    """What happens to a stream that breaks half-way."""
    concurrency: Concurrency = Concurrency()
    """How the limit of requests in flight at an endpoint is found."""
    queue: Queue = Queue()
    """What happens when every endpoint is full."""
    hedging: Hedging = Hedging()
    """Ask a second endpoint when the first is slow."""
    tiers: Tiers = Tiers()
    """When the next tier is used."""
    context_recovery: ContextRecovery = ContextRecovery()
    """What happens to a request that is too long."""
    fallback: Fallback = Fallback()
    """What the client gets when nothing can serve."""
    failback: Failback = Failback()
    """How traffic returns to a tier that has recovered."""
