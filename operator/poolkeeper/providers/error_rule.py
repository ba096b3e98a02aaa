"""What a rule about refusals is, and which results exist. The rules themselves: error_rules.py."""

from dataclasses import dataclass
from typing import Literal

OutcomeClass = Literal[
    "Busy", "RateLimited", "ServerError", "Credential", "ModelMissing", "ContextTooLong", "Incompatible", "ClientFault"
]
"""Those of the classes that an answer can have; the others (Connect, Truncated, …) are seen by its absence."""


REQUESTS_OWN: frozenset[OutcomeClass] = frozenset({"ContextTooLong", "Incompatible", "ClientFault"})
"""What is about this request, and nothing else that the endpoint is asked."""


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: OutcomeClass
    reason: str


Statuses = int | tuple[int, ...]
Words = str | tuple[str, ...]
"""Several: all of them, in any order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    verdict: Verdict
    status: Statuses | None = None
    code: str | None = None
    type: str | None = None
    starts: str | None = None
    says: Words | None = None
    has: Words | None = None


def coded(verdict: Verdict, *words: str, status: Statuses | None = None) -> tuple[Rule, ...]:
    return tuple(Rule(verdict=verdict, status=status, code=word) for word in words)


def typed(verdict: Verdict, *words: str) -> tuple[Rule, ...]:
    return tuple(Rule(verdict=verdict, type=word) for word in words)


def starting(verdict: Verdict, status: Statuses, *words: str) -> tuple[Rule, ...]:
    return tuple(Rule(verdict=verdict, status=status, starts=start) for start in words)


def saying(verdict: Verdict, status: Statuses, *words: Words) -> tuple[Rule, ...]:
    return tuple(Rule(verdict=verdict, status=status, says=part) for part in words)


def having(verdict: Verdict, status: Statuses | None, *words: Words) -> tuple[Rule, ...]:
    return tuple(Rule(verdict=verdict, status=status, has=part) for part in words)


def in_chinese(*words: str) -> tuple[str, ...]:
    """As they stand in a body: as characters, or escaped."""
    return (*words, *(word.encode("unicode_escape").decode() for word in words))


BUSY = Verdict("Busy", "Busy")
LOADING = Verdict("Busy", "ModelLoading")
RATE_LIMITED = Verdict("RateLimited", "RateLimited")
SERVER_ERROR = Verdict("ServerError", "ServerError")
INVALID_ANSWER = Verdict("ServerError", "InvalidAnswer")
REDIRECT = Verdict("ServerError", "RedirectRefused")
KEY_REFUSED = Verdict("Credential", "CredentialsRejected")
OUT_OF_BALANCE = Verdict("Credential", "BalanceExhausted")
NO_MODEL = Verdict("ModelMissing", "ModelMissing")
NO_SURFACE = Verdict("ModelMissing", "SurfaceMissing")
TOO_LONG = Verdict("ContextTooLong", "ContextTooLong")
BAD_HISTORY = Verdict("Incompatible", "IncompatibleHistory")
NOT_HERE = Verdict("Incompatible", "NotSupported")
NEVER_FITS = Verdict("Incompatible", "RequestTooLarge")
BLOCKED = Verdict("Incompatible", "FirewallBlocked")
INVALID = Verdict("ClientFault", "InvalidRequest")
FILTERED = Verdict("ClientFault", "ContentFilter")
TOO_LARGE = Verdict("ClientFault", "BodyTooLarge")
