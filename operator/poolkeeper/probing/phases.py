"""What a probe sees, in plain numbers: the way to an endpoint, and one request over it.

Every time is in milliseconds from where its part began: of a Reach each phase by itself, of an Exchange from the moment
the request was sent, so that building a connection is never taken for slowness of the model.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from poolkeeper.api.reasons import ProbeReason


@dataclass(frozen=True)
class Certificate:
    """The life of the certificate that was shown, and accepted."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Reach:
    """The way to an endpoint. None: that phase was not needed, or not come to. failed: what ended it.

    unreachable: how many of its addresses took no connection.
    """

    dns_ms: float | None = None
    addresses: int = 0
    unreachable: int = 0
    tcp_ms: float | None = None
    proxy_ms: float | None = None
    tls_ms: float | None = None
    certificate: Certificate | None = None
    failed: ProbeReason | None = None


class Ending(Enum):
    """How an answer's body ended."""

    COMPLETE = "complete"
    """With [DONE], or with a reason to finish and then in good order."""
    CUT = "cut"
    """The connection ended, or the provider gave up, before the answer was complete."""
    GAVE_UP = "gave up"
    """We stopped waiting."""


@dataclass(frozen=True)
class Usage:
    """Tokens, as the provider counts them. cached: of the prompt's."""

    prompt: int
    completion: int
    cached: int = 0


@dataclass(frozen=True)
class Exchange:
    """One request. refused: what its status or error body said, when it was no answer at all.

    alive_ms: the first byte of the body, whatever it was. pieces: events with content. finish: the reason to finish, in
    the provider's word. model: who answered, by its own account. stalled_ms: the longest that we ourselves were kept
    from looking.
    """

    status: int = 0
    refused: ProbeReason | None = None
    headers_ms: float | None = None
    alive_ms: float | None = None
    first_content_ms: float | None = None
    last_content_ms: float | None = None
    ended_ms: float = 0.0
    ending: Ending = Ending.GAVE_UP
    pieces: int = 0
    has_text: bool = False
    has_reasoning: bool = False
    finish: str | None = None
    model: str = ""
    usage: Usage | None = None
    is_invalid: bool = False
    stalled_ms: float = 0.0

    @property
    def tokens_per_second(self) -> float | None:
        """After the first; None when there are too few, or they came at once."""
        if self.first_content_ms is None or self.last_content_ms is None:
            return None
        tokens = self.usage.completion if self.usage else self.pieces
        spread_ms = self.last_content_ms - self.first_content_ms
        return (tokens - 1) / spread_ms * 1000 if tokens >= FEWEST_TOKENS and spread_ms > 0 else None


FEWEST_TOKENS = 8
"""A speed measured over fewer is noise."""
