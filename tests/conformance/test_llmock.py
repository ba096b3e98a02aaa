"""What an independent judge of LLM clients has against the router: nothing, with every fault it knows.

A server of llmock knows nothing of other providers, so it matters where a pool's endpoints are. ONE: both at one
server, which sees the next attempt as a retry. TWO: a server each, where the first says how long to wait (llmock adds a
Retry-After to 429, 503, 504, 529) and the pool need not, because it has another provider. LONE: one endpoint, where the
fault is the account's or the model's.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pytest

from testing.conformance.answer import of_stream, of_whole
from testing.conformance.caller import ask
from testing.conformance.case import Case, Mode, Play, Policy, When
from testing.conformance.llmock import Llmock, serving
from testing.conformance.with_poolkeeper import PoolkeeperUnderTest
from testing.gateways.environments import CLIENTS, CannotBeMadeError, environment

pytestmark = pytest.mark.conformance
ONE, TWO, LONE = (0, 0), (0, 1), (0,)
"""Which server each endpoint is at."""
TOOLS = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}]
GAVE_UP = "gave_up"
BOTH, STREAM = (Mode.STREAM, Mode.WHOLE), (Mode.STREAM,)


@dataclass(frozen=True)
class Fault:
    """behavior: as llmock's control API takes it. status: what the caller gets; 200 is the whole answer.

    may_give_up: llmock cannot see why there is no retry: it went to another server, or the caller got a Retry-After.
    """

    name: str
    behavior: dict[str, object]
    servers: tuple[int, ...] = ONE
    status: tuple[int, ...] = (200,)
    modes: tuple[Mode, ...] = BOTH
    may_give_up: bool = False
    request: dict[str, object] = field(default_factory=dict)
    finish_reason: str = "stop"

    @property
    def for_ever(self) -> bool:
        return "times" in self.behavior


def _fail(status: int, **more: object) -> dict[str, object]:
    return {"type": "fail", "status": status, **more}


def _cut(kind: str, after_chunks: int) -> dict[str, object]:
    return {"type": "stream_fault", "kind": kind, "after_chunks": after_chunks, "stall_seconds": 4}


FAULTS = (
    *(Fault(f"{status}", _fail(status)) for status in (408, 409, 500, 502)),
    *(Fault(f"{status}", _fail(status), TWO, may_give_up=True) for status in (429, 503, 504, 529)),
    *(Fault(f"{status}", _fail(status), status=(status,)) for status in (400, 422)),
    *(Fault(f"{status}", _fail(status), LONE, (status, 502, 503)) for status in (401, 403, 404)),
    Fault("429-retry-after", _fail(429, retry_after=0.7), LONE),
    Fault("429-beyond-the-deadline", _fail(429, retry_after=30, times=None), LONE, (429, 503), may_give_up=True),
    Fault("503-for-ever", _fail(503, times=None), TWO, (503,), may_give_up=True),
    Fault("500-for-ever", _fail(500, times=None), TWO, (500, 502, 503), may_give_up=True),
    Fault("delay", {"type": "delay", "seconds": 4}),
    Fault("slow-first-token", {"type": "slow_first_token", "seconds": 4}, modes=STREAM),
    *(
        Fault(f"{kind}-after-{chunks}", _cut(kind, chunks), modes=STREAM)
        for kind in ("disconnect", "truncate", "malformed", "stall")
        for chunks in (0, 1, 3)
    ),
    *(
        Fault(
            f"tool-{kind}", {"type": "tool_fault", "kind": kind}, request={"tools": TOOLS}, finish_reason="tool_calls"
        )
        for kind in ("malformed_arguments", "unknown_tool")
    ),
)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Callable[[int], Llmock]]:
    """By number, started when first asked for; fresh ones for each test, because what one still has in flight must not
    be counted against the next."""
    try:
        venv = environment("clients", CLIENTS)
    except CannotBeMadeError as reason:
        pytest.skip(f"llmock is not available: {reason}")
    with ExitStack() as stack:
        yield cache(lambda at: stack.enter_context(serving(venv.python, tmp_path / f"{at}.log")))


@pytest.mark.parametrize(
    ("fault", "mode"),
    [pytest.param(fault, mode, id=f"{fault.name}-{mode}") for fault in FAULTS for mode in fault.modes],
)
def test_llmock_finds_nothing(
    fault: Fault, mode: Mode, servers: Callable[[int], Llmock], gateway: PoolkeeperUnderTest
) -> None:
    case = Case(f"llmock-{fault.name}", "llmock", fault.name, mode, When.FIRST, (Play(),), (None,))
    case = replace(case, policy=Policy(recovery="Restart"))
    judges = {at: servers(at) for at in fault.servers}
    endpoints = [judges[at].endpoint("ab"[place], tier=place) for place, at in enumerate(fault.servers)]
    for at, judge in judges.items():
        if at == 0 or fault.for_ever:
            judge.script(fault.behavior)
    with gateway.serve(case, endpoints) as address:
        body = {"model": "flash", "stream": mode is Mode.STREAM, "messages": [{"role": "user", "content": fault.name}]}
        received = ask(address.base_url, {**body, **fault.request})
    assert received.status in fault.status
    if received.status == 200:
        answer = of_stream(received.body) if mode is Mode.STREAM else of_whole(received.body)
        assert (answer.finish_reason, answer.error, answer.strange) == (fault.finish_reason, None, [])
    found = [finding for judge in judges.values() for finding in judge.findings()]
    assert [finding for finding in found if not (fault.may_give_up and GAVE_UP in finding)] == []
