"""How each list-and-watch is doing: one stream a kind and namespace, and what is wrong with it at a time. Pure.

A stream is one state machine; every event is legal in every state, because each says by itself how things are now:

    idle     nobody asks: kopf is between two requests. For long: kopf has stopped watching
    resting  a question is put off, because the one before went wrong
    asking   a list or a watch is asked for
    open     a watch is open

What counts as well is only a watch that stays open or says something: an API server may give the list and refuse the
watch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from poolkeeper.handlers.watch.answers import Place

POOL = "EndpointPool"
FIRST_REST_S = 0.25
LONGEST_REST_S = 8.0
LONGEST_ASKED_REST_S = 30.0
"""An API server that has too much to do says how long to wait."""


@dataclass(frozen=True)
class Patience:
    """Seconds. watch_s: the server ends a watch after so long, so that a quiet one shows that it is alive."""

    watch_s: float = 30.0
    silent_s: float = 7.0
    """A watch is this much overdue: it is silent."""
    settled_s: float = 2.0
    """A watch that stays open for so long is well, though it has not said anything."""
    failing_s: float = 3.0
    """One failure is no failure: the next list may succeed."""
    dead_s: float = 5.0
    answer_s: float = 7.0
    """For the answer to begin."""
    hopeless_s: float = 15.0
    """Nothing at all can be watched for so long: another process may do better."""


class State(Enum):
    IDLE = auto()
    RESTING = auto()
    ASKING = auto()
    OPEN = auto()


@dataclass
class Stream:
    """since_s: of the state. heard_s: when there last was a list, an opened watch, a bookmark or an event. wrong: what
    went wrong last, until it is well again. is_refused: by status 401, 403 or 404. asked_rest_s: how long the API
    server wants us to wait."""

    place: Place
    since_s: float
    heard_s: float
    state: State = State.IDLE
    wrong: str = ""
    wrong_since_s: float = 0.0
    is_refused: bool = False
    failures: int = 0
    asked_rest_s: float = 0.0

    def rest_s(self, share: float) -> float:
        """How long to rest before the next question; share: of our own rest, which doubles with each failure."""
        if not self.failures:
            return 0.0
        ours_s = min(FIRST_REST_S * 2.0 ** min(self.failures - 1, 16), LONGEST_REST_S)
        return max(share * ours_s, min(self.asked_rest_s, LONGEST_ASKED_REST_S))

    def asks(self, now_s: float) -> None:
        self._is(State.ASKING, now_s)

    def has_listed(self, now_s: float) -> None:
        self.heard_s = now_s
        self._is(State.IDLE, now_s)

    def has_opened(self, now_s: float) -> None:
        self.heard_s = now_s
        self._is(State.OPEN, now_s)

    def says(self, now_s: float) -> None:
        """A bookmark or an event."""
        self.heard_s = now_s
        self._is_well()

    def has_ended(self, now_s: float, patience: Patience) -> None:
        """A watch, as watches end."""
        self._settle(now_s, patience)
        self._is(State.IDLE, now_s)

    def fails(
        self, wrong: str, now_s: float, patience: Patience, is_refused: bool = False, asked_rest_s: float = 0.0
    ) -> None:
        self._settle(now_s, patience)
        if not self.wrong:
            self.wrong_since_s = now_s
        self.wrong, self.is_refused = wrong, is_refused
        self.failures += 1
        self.asked_rest_s = asked_rest_s
        self._is(State.IDLE, now_s)

    def rests(self, now_s: float) -> None:
        self._is(State.RESTING, now_s)

    def problem(self, now_s: float, patience: Patience) -> str:
        """What people should know, or ""."""
        for_s = now_s - self.since_s
        if self.state is State.IDLE and for_s > patience.dead_s:
            return f"nobody has watched it for {for_s:.0f} s"
        if self.wrong and not self._is_settled(now_s, patience):
            failing_s = now_s - self.wrong_since_s
            return f"failing for {failing_s:.0f} s: {self.wrong}" if failing_s > patience.failing_s else ""
        if self.state is State.ASKING and for_s > patience.answer_s:
            return f"no answer for {for_s:.0f} s"
        silent_s = now_s - self.heard_s
        if self.state is State.OPEN and silent_s > patience.watch_s + patience.silent_s:
            return f"silent for {silent_s:.0f} s"
        return ""

    def is_dead(self, now_s: float, patience: Patience) -> bool:
        return self.state is State.IDLE and now_s - self.since_s > patience.dead_s

    def _is(self, state: State, now_s: float) -> None:
        self.state, self.since_s = state, now_s

    def _is_settled(self, now_s: float, patience: Patience) -> bool:
        return self.state is State.OPEN and now_s - self.since_s > patience.settled_s

    def _settle(self, now_s: float, patience: Patience) -> None:
        if self._is_settled(now_s, patience):
            self._is_well()

    def _is_well(self) -> None:
        self.wrong, self.is_refused, self.failures = "", False, 0


@dataclass(frozen=True)
class Watching:
    """All streams at a time. problems: what (a kind, and where) and why. unreadable: namespaces that are left out, and
    why. is_hopeless: nothing at all can be watched. is_dead: kopf has stopped watching something."""

    problems: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    is_hopeless: bool = False
    is_dead: bool = False


def watching(streams: Iterable[Stream], now_s: float, patience: Patience) -> Watching:
    known = list(streams)
    wrong = {stream.place: problem for stream in known if (problem := stream.problem(now_s, patience))}
    unreadable = {
        stream.place.namespace: wrong[stream.place]
        for stream in known
        if stream.place.kind == POOL and stream.place.namespace and stream.is_refused and stream.place in wrong
    }
    is_all = unreadable.keys() == {stream.place.namespace for stream in known}
    shown = {str(place): why for place, why in wrong.items() if is_all or place.namespace not in unreadable}
    return Watching(
        problems=dict(sorted(shown.items())),
        unreadable=unreadable,
        is_hopeless=bool(known) and len(wrong) == len(known),
        is_dead=any(stream.is_dead(now_s, patience) for stream in known),
    )


def in_words(problems: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"the watch of {what}: {why}" for what, why in problems.items())


def oldest_s(streams: Sequence[Stream], kind: str, now_s: float) -> float:
    """Of the kind's streams: how long the one that was silent longest has been so."""
    return max((now_s - stream.heard_s for stream in streams if stream.place.kind == kind), default=0.0)
