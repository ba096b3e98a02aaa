"""What an answer does on the wire, as data: a scenario yields steps, the connection plays them.

Steps that end in a normal return leave the connection to the next request; `Close`, `Reset` and `Hang` are last.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Send:
    data: bytes
    chunks: int = 0
    """How many chunks of content the client has after this: the log's "client closed at chunk k"."""


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


@dataclass(frozen=True, slots=True)
class Reset:
    """A hard end of the connection (RST)."""


Step = Send | Wait | Queue | Hang | Close | Reset
Steps = Iterator[Step]
