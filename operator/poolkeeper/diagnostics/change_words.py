"""What happened to an endpoint at a router, in a sentence without internal words. A table, and pure."""

from collections.abc import Mapping
from types import MappingProxyType

from poolkeeper.api.router_reasons import word
from poolkeeper.api.router_state import Transition
from poolkeeper.status.fault_words import FAULTS, fault, page_of

_BY_REASON: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("HalfOpen", "RecoveryTimeoutPassed"): "its pause is over: single requests try it",
        ("HalfOpen", "HealthCheckPassed"): "its health checks pass again: the next request tries it",
        ("HalfOpen", "ProbePassed"): "a probe was answered well: the next request tries it",
        ("Closed", "TrialsPassed"): "half-open requests succeeded: it takes requests again",
        ("InService", "Answered"): "it answered: it takes requests again",
        ("InService", "HealthCheckPassed"): "its health checks pass: it takes requests again",
    }
)
_TO: Mapping[str, str] = MappingProxyType(
    {
        "Open": "no more requests for a while (its breaker opened)",
        "HalfOpen": "single requests try it",
        "Closed": "it takes requests again",
        "OutOfService": "it gets no more requests",
        "InService": "it takes requests again",
    }
)


_OF_THE_POOL: Mapping[str, str] = MappingProxyType(
    {
        "Open": "most of its requests end without an answer: callers get the fallback at once (pool breaker opened)",
        "HalfOpen": "single requests try whether the pool answers again",
        "Closed": "the pool answers again: requests go to endpoints (pool breaker closed)",
    }
)


def _text_of_key(to: str, reason: str) -> str:
    if to == "InService":
        return "this API key is used again"
    return f"this API key is left out, the others serve ({reason})" if reason else "this API key is left out"


def change_text(what: Transition) -> str:
    """Goes on after the endpoint's name; without one it is about the pool breaker."""
    if not what.endpoint and what.to in _OF_THE_POOL:
        return _OF_THE_POOL[what.to]
    reason = word(what.reason)
    if what.key:
        return _text_of_key(what.to, reason)
    known = _BY_REASON.get((what.to, reason))
    if known:
        return known
    done = _TO.get(what.to, f"{word(what.from_)} -> {word(what.to)}")
    if reason in FAULTS or page_of(reason) in FAULTS:
        return f"{fault(reason).seen}: {done}"
    return f"{done} ({reason})" if reason else done
