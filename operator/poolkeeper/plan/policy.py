"""The failover policy as a router wants it: every duration in milliseconds, only what is in force."""

from poolkeeper.api.policy_spec import (
    Affinity,
    Balancing,
    ContextRecovery,
    Failback,
    FailoverPolicySpec,
    Fallback,
    GlobalBreaker,
    Hedging,
    Queue,
)
from poolkeeper.api.router_document import (
    AffinityDoc,
    BalancingDoc,
    CircuitBreakerDoc,
    ConcurrencyDoc,
    ContextRecoveryDoc,
    FailbackDoc,
    FallbackDoc,
    GlobalBreakerDoc,
    HealthCheckDoc,
    HedgingDoc,
    HeldTier,
    PolicyDoc,
    QueueDoc,
    RetryDoc,
    StreamingDoc,
    TiersDoc,
    TimeoutsDoc,
)


def policy_doc(spec: FailoverPolicySpec, told_at: str = "", held: tuple[HeldTier, ...] = ()) -> PolicyDoc:
    """told_at and held: see plan/annotations.py; they mean something under failback Manual only."""
    breaker, retry, timeouts = spec.circuit_breaker, spec.retry, spec.timeouts
    check = spec.health_check
    return PolicyDoc(
        health_check=HealthCheckDoc(
            type=check.type if check.interval.ms else "None",
            interval_ms=check.interval.ms,
            timeout_ms=check.timeout.ms,
            unhealthy_threshold=check.unhealthy_threshold,
            healthy_threshold=check.healthy_threshold,
        ),
        circuit_breaker=CircuitBreakerDoc(
            error_rate_percent=breaker.error_rate_percent,
            sliding_window_ms=breaker.sliding_window.ms,
            minimum_requests=breaker.minimum_requests,
            consecutive_failures=breaker.consecutive_failures,
            recovery_timeout_ms=breaker.recovery_timeout.ms,
            max_recovery_timeout_ms=breaker.max_recovery_timeout.ms,
            half_open_max_requests=breaker.half_open_max_requests,
        ),
        retry=RetryDoc(
            max_attempts=retry.max_attempts,
            budget_percent=retry.budget_percent,
            honor_retry_after=retry.retry_after == "Honor",
            busy_backoff_ms=tuple(pause.ms for pause in retry.busy_backoff),
            tier_wait_ms=retry.tier_wait.ms,
        ),
        timeouts=TimeoutsDoc(
            connect_ms=timeouts.connect.ms,
            first_token_ms=timeouts.first_token.ms,
            inter_token_ms=timeouts.inter_token.ms,
            request_ms=timeouts.request.ms,
        ),
        balancing=_balancing(spec.balancing),
        streaming=StreamingDoc(
            recovery=spec.streaming.recovery,
            whole_answers=spec.streaming.whole_answers,
            stall=spec.streaming.stall,
        ),
        substitution=spec.substitution,
        concurrency=ConcurrencyDoc(mode=spec.concurrency.mode),
        queue=_queue(spec.queue),
        tiers=TiersDoc(spill=spec.tiers.spill),
        failback=_failback(spec.failback, told_at, held),
        hedging=_hedging(spec.hedging),
        context_recovery=_context_recovery(spec.context_recovery),
        global_breaker=_global_breaker(spec.global_breaker),
        fallback=_fallback(spec.fallback),
    )


def _hedging(spec: Hedging) -> HedgingDoc | None:
    if spec.mode == "Off":
        return None
    return HedgingDoc(after_percentile=spec.after_percentile, budget_percent=spec.budget_percent)


def _context_recovery(spec: ContextRecovery) -> ContextRecoveryDoc | None:
    return None if spec.mode == "Off" else ContextRecoveryDoc(keep_turns=spec.keep_turns)


def _global_breaker(spec: GlobalBreaker) -> GlobalBreakerDoc:
    return GlobalBreakerDoc(
        error_rate_percent=spec.error_rate_percent,
        sliding_window_ms=spec.sliding_window.ms,
        minimum_requests=spec.minimum_requests,
        recovery_timeout_ms=spec.recovery_timeout.ms,
        half_open_max_requests=spec.half_open_max_requests,
    )


def _fallback(spec: Fallback) -> FallbackDoc:
    return FallbackDoc(
        degraded_model=spec.degraded_model,
        cache_ttl_ms=spec.cache_ttl.ms if spec.cache_size.bytes else 0,
        cache_bytes=spec.cache_size.bytes if spec.cache_ttl.ms else 0,
        default_response=spec.default_response,
        format=spec.format,
    )


def _balancing(spec: Balancing) -> BalancingDoc:
    return BalancingDoc(
        algorithm=spec.algorithm,
        slow_start_ms=spec.slow_start.ms,
        price_weight_percent=spec.price_weight_percent,
        affinity=_affinity(spec.affinity),
    )


def _affinity(spec: Affinity) -> AffinityDoc | None:
    if spec.mode == "None":
        return None
    return AffinityDoc(mode=spec.mode, header=spec.header.lower(), ttl_ms=spec.ttl.ms)


def _queue(spec: Queue) -> QueueDoc | None:
    if spec.max_wait.ms == 0 or spec.max_depth == 0:
        return None
    return QueueDoc(max_wait_ms=spec.max_wait.ms, max_depth=spec.max_depth)


def _failback(spec: Failback, told_at: str, held: tuple[HeldTier, ...]) -> FailbackDoc:
    if spec.mode == "Automatic":
        return FailbackDoc(mode="Automatic", stabilization_ms=spec.stabilization.ms)
    return FailbackDoc(mode="Manual", stabilization_ms=spec.stabilization.ms, told_at=told_at, held=held)
