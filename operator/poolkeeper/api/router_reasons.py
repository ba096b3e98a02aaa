"""The reason words of routers (in /state, see router/lua/core/health/summary.lua) that mean something to a condition.

All others are only passed on, when they are words at all.
"""

import re

KEY_MISSING = frozenset({"SecretNotFound"})
"""The file of an API key is missing or empty."""
KEY_REFUSED = frozenset({"CredentialsRejected"})
OUT_OF_MONEY = frozenset({"BalanceExhausted"})
AT_REST = frozenset({"RateLimited", "Busy"})
"""The provider set a backoff of some seconds; the breaker need not be open for that."""
OFF_SCHEDULE = "OffSchedule"
"""Its schedule gives it no weight at this time of the week."""
FORBIDDEN = "Forbidden"
"""The pool's data policy does not permit it."""
ASLEEP = frozenset({"Asleep", "Waking", "ScaledToZero"})
"""A cold standby without a Pod that is ready."""
WELL = frozenset({"Healthy", "NoDataYet"})
CHECK_FAILED = frozenset({"HealthCheckFailed"})
"""Health checks fail. The breaker need not know: it counts requests."""
UNTRIED = frozenset({"HealthCheckPassed", "ProbePassed"})
"""Of a half-open breaker: health checks pass, or a probe was answered well, and no request has come to try."""
AWAITING_TRAFFIC = "AwaitingTraffic"
AWAITS_TRAFFIC = frozenset({AWAITING_TRAFFIC})
"""That is so for all its models: only a request can show more."""
WRONG_MODEL = "WrongModel"
"""Its answers name another model than the one that was requested."""
BY_BREAKER = frozenset({"BreakerOpen", "BreakerHalfOpen"})
"""Says what the breaker says; why it opened stands at the models."""
_WORD = re.compile(r"[A-Z][A-Za-z0-9]{0,63}")


def word(reason: str) -> str:
    """A reason as a router gives it, if it is one of our own kind."""
    return reason if _WORD.fullmatch(reason) else ""
