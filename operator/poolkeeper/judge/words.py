"""The reason words of routers (in /state) that mean something to a condition; all others are only passed on."""

KEY_MISSING = frozenset({"CredentialMissing"})
"""The file of a key is not there, or empty."""
KEY_REFUSED = frozenset({"CredentialsRejected"})
OUT_OF_MONEY = frozenset({"BalanceExhausted"})
AT_REST = frozenset({"RateLimited", "Busy"})
"""The provider asked for a pause; the breaker need not be open for that."""
