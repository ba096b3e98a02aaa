"""Who asked what with which key, and how it ended; and the counters.

In flight counts what an account's concurrency limit counts: requests that generate, answered well or badly, from the
moment the head is read to the end of the response (its last byte handed to the kernel) or of the connection. Models,
balance and health do not count. The keys stand here in full: this is a test double, and a test has to prove which key
arrived where. Never point it at real keys.
"""

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from testing.fakes.deepseek.ask import GENERATING, ROUTES, Surface
from testing.fakes.deepseek.http1 import Request


class Outcome(StrEnum):
    IN_PROGRESS = "in_progress"
    FINISHED = "finished"
    CLOSED = "closed_by_fake"
    RESET = "reset_by_fake"
    CLIENT_CLOSED = "client_closed"


@dataclass(frozen=True, slots=True)
class Clock:
    wall_s: Callable[[], float] = time.time
    monotonic_s: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Caller:
    connection: int
    client: str
    sni: str | None


@dataclass(slots=True)
class Entry:
    seq: int
    connection: int
    client: str
    sni: str | None
    method: str
    path: str
    surface: Surface | None
    key: str | None
    headers: dict[str, str]
    in_flight: int
    started_wall_s: float
    started_monotonic_s: float
    model: str = ""
    stream: bool = False
    scenario: str = ""
    status: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt, from the prefix cache."""
    spoken: int = 0
    """Tokens of the whole answer, thinking included."""
    chunks: int = 0
    """Chunks of content handed to the kernel: with client_closed, where the client left."""
    outcome: Outcome = Outcome.IN_PROGRESS
    ended_wall_s: float | None = None
    ended_monotonic_s: float | None = None
    body_sha256: str = ""
    body: str | None = None


@dataclass(slots=True)
class Log:
    size: int = 20_000
    clock: Clock = field(default_factory=Clock)
    entries: deque[Entry] = field(init=False)
    seq: int = 0
    total: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    by_scenario: Counter[str] = field(default_factory=Counter)
    by_outcome: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    _forgotten: int = 0

    def __post_init__(self) -> None:
        self.entries = deque(maxlen=self.size)

    def begin(self, caller: Caller, request: Request) -> Entry:
        surface = ROUTES.get((request.method, request.path))
        self.seq += 1
        self.total += 1
        if surface in GENERATING:
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
        entry = Entry(
            seq=self.seq,
            connection=caller.connection,
            client=caller.client,
            sni=caller.sni,
            method=request.method,
            path=request.target,
            surface=surface,
            key=key_of(surface, request.headers),
            headers=request.headers,
            in_flight=self.in_flight,
            started_wall_s=self.clock.wall_s(),
            started_monotonic_s=self.clock.monotonic_s(),
        )
        self.entries.append(entry)
        return entry

    def end(self, entry: Entry, outcome: Outcome) -> None:
        if entry.outcome is not Outcome.IN_PROGRESS:
            return
        entry.outcome = outcome
        entry.ended_wall_s = self.clock.wall_s()
        entry.ended_monotonic_s = self.clock.monotonic_s()
        if entry.surface in GENERATING:
            self.in_flight -= 1
        if entry.seq > self._forgotten:
            self.by_scenario[entry.scenario] += 1
            self.by_outcome[outcome] += 1
            self.by_status[entry.status] += 1

    def since(self, seq: int) -> list[Entry]:
        return [entry for entry in self.entries if entry.seq > seq]

    def reset(self) -> None:
        """Forget; what is in flight stays in flight, and is not counted when it ends."""
        self.entries.clear()
        self._forgotten = self.seq
        self.total = 0
        self.max_in_flight = self.in_flight
        self.by_scenario.clear()
        self.by_outcome.clear()
        self.by_status.clear()


def key_of(surface: Surface | None, headers: dict[str, str]) -> str | None:
    """On the Messages surface also Anthropic's way; Authorization takes precedence there."""
    return bearer(headers) or (headers.get("x-api-key") if surface is Surface.MESSAGES else None)


def bearer(headers: dict[str, str]) -> str | None:
    """The key as the client gave it; None without an Authorization of the form `Bearer KEY`."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" and key else None
