"""A case as data: what the providers play, what the caller must get, what the providers must have seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from testing.gateways import gateway

NAMES = ("a", "b", "c")
"""Endpoints by their place in a case: a is tried first (tier 0), then b, then c."""
MODELS = ("flash", "pro")
"""What callers ask for; each endpoint has names of its own for them."""
HOST_NAME = "api.test"
CALLER_KEY = "sk-conformance-caller"
"""What the caller shows to the gateway: no provider may ever see it."""

Dials = Mapping[str, object]


class Mode(StrEnum):
    STREAM = "stream"
    WHOLE = "whole"


class Surface(StrEnum):
    """What is asked; speech.py says how."""

    CHAT = "chat"
    MESSAGES = "messages"
    RESPONSES = "responses"


class When(StrEnum):
    FIRST = "first attempt"
    LATER = "later attempt"
    AFTER = "after commit"
    AGAIN = "request after request"
    ALL = "every endpoint"


class Line(StrEnum):
    """What stands at an endpoint's address."""

    SCRIPTED = "the scripted provider"
    WIRE = "a provider that plays a program of wire.py"
    NO_SUCH_NAME = "a host name that does not exist"
    STRANGER = "a scripted provider that says another text to the same question"
    NAMED = "the scripted provider under a name of the case's zone"
    UNTRUSTED = "the scripted provider behind a certificate nobody vouches for"
    DEAF = "a socket that never completes a connection"


@dataclass(frozen=True)
class Play:
    """What an endpoint does. plan: of the scripted provider, or {"program": name, ...} of wire.py."""

    plan: Dials = field(default_factory=lambda: {"scenario": "ok"})
    line: Line = Line.SCRIPTED
    dialect: str = "DeepSeek"
    capabilities: tuple[str, ...] = ()
    tier: int | None = None
    models: tuple[str, ...] = MODELS
    """The pool's models that it serves."""
    max_connections: int = 50


@dataclass(frozen=True)
class Zone:
    """What a case's name server says of HOST_NAME. silent, failing: kinds of question (1: A, 28: AAAA) that it never
    answers, or with an error. aliases: other names before the addresses."""

    a: tuple[str, ...] = ()
    aaaa: tuple[str, ...] = ()
    silent: tuple[int, ...] = ()
    failing: tuple[int, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manner:
    """How the caller sends a request. path: in place of the surface's; {model}: the model's name there."""

    path: str = ""
    encoding: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    key_header: str = ""
    before: str = ""
    """Bytes before the body."""


@dataclass(frozen=True)
class Policy(gateway.Policy):
    """Short times, so that a case takes a second or two; a healthy answer takes some 30 ms."""

    connect_ms: int = 1000
    first_token_ms: int = 1000
    inter_token_ms: int = 1000
    request_ms: int = 8000
    consecutive_failures: int = 3
    recovery_timeout_ms: int = 1000
    budget_percent: int = 100
    busy_backoff_ms: tuple[int, ...] = (500, 1000, 2000)
    tier_wait_ms: int = 0
    recovery: str = "Continue"
    whole_answers: str = "Stream"
    """How a whole answer is asked for; as_asked.py plays some cases the other way, too."""
    affinity: str = "None"
    """By what a conversation is known."""
    health_check: str = "None"
    """Its type. None, so that providers see what callers ask for and nothing else."""


# --- what the caller must get


@dataclass(frozen=True)
class Whole:
    """The complete answer, word for word, and properly ended. within_ms: for ends that must not wait for a timer."""

    within_ms: int | None = None


@dataclass(frozen=True)
class ProviderError:
    """The provider's own error, straight through: its status, its message."""

    status: int
    message: str


@dataclass(frozen=True)
class Refused:
    """An error of the gateway's own: an OpenAI-shaped body; Retry-After where waiting helps."""

    statuses: tuple[int, ...] = (408, 500, 502, 503, 504)
    retry_after: bool = False
    within_ms: int | None = None


@dataclass(frozen=True)
class Broken:
    """A stream that began, and says by an error event that it is not whole: never a clean end, never wrong text."""


@dataclass(frozen=True)
class WholeOrBroken:
    """Either of the two; nothing in between."""


@dataclass(frozen=True)
class Called:
    """These tool calls (name, arguments), in this order. or_broken: or an error event that says they are not whole."""

    calls: tuple[tuple[str, str], ...]
    or_broken: bool = False


@dataclass(frozen=True)
class Body:
    """This JSON: every member that is named here, with this value. Others say nothing (null, empty)."""

    value: Mapping[str, object]


@dataclass(frozen=True)
class Nothing:
    """The caller has left."""


Want = Whole | ProviderError | Refused | Broken | WholeOrBroken | Called | Body | Nothing


@dataclass(frozen=True)
class Leave:
    """The caller hangs up: after so many pieces of content, or (0) after so long without any."""

    after_chunks: int = 0
    after_ms: int = 0


@dataclass(frozen=True)
class Turn:
    """One request, or several. until: repeat until that endpoint (its place) was asked so often in the whole case."""

    want: Want = field(default_factory=Whole)
    times: int = 1
    pause_ms: int = 0
    leave: Leave | None = None
    model: str = MODELS[0]
    until: tuple[int, int] | None = None


@dataclass(frozen=True)
class Seen:
    """What an endpoint must have seen. gap_ms: between its first attempt and its second, at least."""

    at_least: int
    at_most: int
    gap_ms: int = 0
    cancelled: bool = False
    """Each attempt was given up before half of the answer was out."""


ONCE, NEVER = Seen(1, 1), Seen(0, 0)


def times(count: int) -> Seen:
    return Seen(count, count)


@dataclass(frozen=True)
class Case:
    name: str
    klass: str
    """The failure class of the design that it belongs to."""
    title: str
    mode: Mode
    when: When
    plays: tuple[Play, ...]
    seen: tuple[Seen | None, ...]
    """For each endpoint; None: it does not know (nothing that it could count arrived)."""
    turns: tuple[Turn, ...] = (Turn(),)
    policy: Policy = Policy()
    dials: Dials = field(default_factory=dict)
    """Of the answer itself, the same for all endpoints: its length, whether it thinks."""
    request: Dials = field(default_factory=dict)
    """Further members of the request body."""
    hostile_text: bool = False
    """The text itself looks like the framing around it. Cases that are not about this get text that does not."""
    surface: Surface = Surface.CHAT
    manner: Manner = Manner()
    zone: Zone | None = None
    talk: int | None = None
    """The turns are one conversation, which may change endpoints so often; None: each asks something else."""
    steady: int = 0
    """So many of its last turns find all that the provider, asked directly, would have in its cache."""
    routers: int = 1
    """Replicas of the gateway that share the turns, where it can run as several without another service."""
    series: str = ""
    """Cases of a series are one row of the scorecard."""
