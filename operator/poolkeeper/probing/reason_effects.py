"""What a reason is worth: how many runs it takes to believe it, and what it does to the endpoint's traffic. One table.

Sure: it is deterministic, one run is enough. Broken: an answer failed, which a network may do once. Slow: it took long,
which everything does at times. Silent: it says nothing about the endpoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from poolkeeper.api.reasons import ProbeReason


class Proof(Enum):
    SURE = "sure"
    BROKEN = "broken"
    SLOW = "slow"
    SILENT = "silent"


@dataclass(frozen=True)
class Meaning:
    """weight_percent: of the endpoint's weight while it is Grey for this. is_dead: when no sample of a run got past it,
    this endpoint gives no answer at all: Unhealthy, and excluded."""

    proof: Proof
    weight_percent: int = 100
    is_dead: bool = False


_DEAD = Meaning(Proof.BROKEN, 10, is_dead=True)
_SURELY_DEAD = Meaning(Proof.SURE, 10, is_dead=True)
_BAD = Meaning(Proof.BROKEN, 10)
_SLOW = Meaning(Proof.SLOW, 10)
_TELL = Meaning(Proof.SURE)
"""A human should know; less traffic would not make it better."""
_OVERLOADED = Meaning(Proof.BROKEN)
"""Over before the next probe: the router's breakers are quicker."""

MEANING: Mapping[ProbeReason, Meaning] = MappingProxyType(
    {
        ProbeReason.DnsFailed: _DEAD,
        ProbeReason.AddressRefused: _SURELY_DEAD,
        ProbeReason.ProxyFailed: _DEAD,
        ProbeReason.ConnectFailed: _DEAD,
        ProbeReason.TlsFailed: _DEAD,
        ProbeReason.CertificateInvalid: _SURELY_DEAD,
        ProbeReason.SecretNotFound: _SURELY_DEAD,
        ProbeReason.CredentialsRejected: _SURELY_DEAD,
        ProbeReason.BalanceExhausted: _SURELY_DEAD,
        ProbeReason.ModelMissing: _TELL,
        ProbeReason.NoAnswer: _DEAD,
        ProbeReason.KeepAliveOnly: _DEAD,
        ProbeReason.EmptyAnswer: _DEAD,
        ProbeReason.InvalidAnswer: _DEAD,
        ProbeReason.ServerError: _OVERLOADED,
        ProbeReason.Busy: _OVERLOADED,
        ProbeReason.CutAtRoundSeconds: _BAD,
        ProbeReason.TruncatedStream: _BAD,
        ProbeReason.SlowFirstToken: _SLOW,
        ProbeReason.SlowTokens: _SLOW,
        ProbeReason.WrongModel: _TELL,
        ProbeReason.BufferedStream: Meaning(Proof.BROKEN, 50),
        ProbeReason.CertificateExpiring: _TELL,
        ProbeReason.SampleRefused: _TELL,
        ProbeReason.RateLimited: Meaning(Proof.SILENT),
    }
)

_ORDER = {reason: place for place, reason in enumerate(ProbeReason)}


_BY_WORD = {reason.value: reason for reason in ProbeReason}


def reason_named(word: str) -> ProbeReason | None:
    """None for "", and for a word that this version does not know."""
    return _BY_WORD.get(word)


def worst(reasons: list[ProbeReason]) -> ProbeReason | None:
    """The first of them in the order of ProbeReason."""
    return min(reasons, key=_ORDER.__getitem__, default=None)
