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
class Meaning:
    outcome: OutcomeClass
    reason: str


Statuses = int | tuple[int, ...]
Words = str | tuple[str, ...]
"""Several: all of them, in any order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    meaning: Meaning
    status: Statuses | None = None
    code: str | None = None
    type: str | None = None
    starts: str | None = None
    says: Words | None = None
    has: Words | None = None


def coded(meaning: Meaning, *words: str, status: Statuses | None = None) -> tuple[Rule, ...]:
    return tuple(Rule(meaning=meaning, status=status, code=word) for word in words)


def typed(meaning: Meaning, *words: str) -> tuple[Rule, ...]:
    return tuple(Rule(meaning=meaning, type=word) for word in words)


def starting(meaning: Meaning, status: Statuses, *words: str) -> tuple[Rule, ...]:
    return tuple(Rule(meaning=meaning, status=status, starts=start) for start in words)


def saying(meaning: Meaning, status: Statuses, *words: Words) -> tuple[Rule, ...]:
    return tuple(Rule(meaning=meaning, status=status, says=part) for part in words)


def having(meaning: Meaning, status: Statuses | None, *words: Words) -> tuple[Rule, ...]:
    return tuple(Rule(meaning=meaning, status=status, has=part) for part in words)


def in_chinese(*words: str) -> tuple[str, ...]:
    """As they stand in a body: as characters, or escaped."""
    return (*words, *(word.encode("unicode_escape").decode() for word in words))


BUSY = Meaning("Busy", "Busy")
LOADING = Meaning("Busy", "ModelLoading")
RATE_LIMITED = Meaning("RateLimited", "RateLimited")
SERVER_ERROR = Meaning("ServerError", "ServerError")
INVALID_ANSWER = Meaning("ServerError", "InvalidAnswer")
REDIRECT = Meaning("ServerError", "RedirectRefused")
KEY_REFUSED = Meaning("Credential", "CredentialsRejected")
OUT_OF_BALANCE = Meaning("Credential", "BalanceExhausted")
NO_MODEL = Meaning("ModelMissing", "ModelMissing")
NO_SURFACE = Meaning("ModelMissing", "SurfaceMissing")
TOO_LONG = Meaning("ContextTooLong", "ContextTooLong")
BAD_HISTORY = Meaning("Incompatible", "IncompatibleHistory")
NOT_HERE = Meaning("Incompatible", "NotSupported")
NEVER_FITS = Meaning("Incompatible", "RequestTooLarge")
BLOCKED = Meaning("Incompatible", "FirewallBlocked")
LOOP = Meaning("Incompatible", "PoolLoop")
INVALID = Meaning("ClientFault", "InvalidRequest")
FILTERED = Meaning("ClientFault", "ContentFilter")
TOO_LARGE = Meaning("ClientFault", "BodyTooLarge")
