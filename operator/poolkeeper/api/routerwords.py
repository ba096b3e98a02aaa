"""The reason words of routers (in /state, see router/lua/pool/health.lua) that mean something to a condition.

All others are only passed on, when they are words at all.
"""

KEY_MISSING = frozenset({"SecretNotFound"})
"""The file of a key is not there, or empty."""
KEY_REFUSED = frozenset({"CredentialsRejected"})
OUT_OF_MONEY = frozenset({"BalanceExhausted"})
AT_REST = frozenset({"RateLimited", "Busy"})
"""The provider asked for a pause of some seconds; the breaker need not be open for that."""
OFF_SCHEDULE = "OffSchedule"
"""Its schedule gives it no weight at this time of the week."""
WELL = frozenset({"Healthy", "NoDataYet"})
BY_BREAKER = frozenset({"BreakerOpen", "BreakerHalfOpen"})
"""Says what the breaker says; why it opened stands at the models."""
