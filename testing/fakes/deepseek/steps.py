"""What an answer does on the wire, as data: a scenario yields steps, the connection plays them.

Steps that end in a normal return leave the connection to the next request; `Close`, `Reset` and `Hang` are last.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Send:
    data: bytes
    chunks: int = 0
    """Chunks of content in here; their sum so far is the log's "client closed at chunk k"."""
    status: int = 0
    """The HTTP status, where this starts a response."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Everything sent so far is on the wire before the wait starts; 0 just flushes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Queue:
    """Wait for a free slot of the in-flight limit, sending `beat` in the meantime."""

    beat: bytes
    interval_s: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing more, keep the socket open until the client leaves."""


@dataclass(frozen=True, slots=True)
class Close:
    """An orderly end of the connection (FIN)."""

    finished: bool = False
    """The answer was complete before."""


@dataclass(frozen=True, slots=True)
class Reset:
    """A hard end of the connection (RST)."""


Step = Send | Wait | Queue | Hang | Close | Reset
Steps = Iterator[Step]
