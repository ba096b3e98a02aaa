"""What an independent judge of LLM clients has against the router: nothing, with every fault it knows.

Where a fault is the account's or the model's (401, 403, 404, Retry-After), the pool has one endpoint: to llmock,
another endpoint of the same server would be the same account.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from conformance.caller import ask
from conformance.case import Case, Mode, Play, Policy, When
from conformance.environments import CLIENTS, CannotBeMadeError, environment
from conformance.gateways.poolkeeper import Poolkeeper
from conformance.llmock import Llmock, serving

pytestmark = pytest.mark.conformance
BOTH, STREAM = (Mode.STREAM, Mode.WHOLE), (Mode.STREAM,)


@dataclass(frozen=True)
class Fault:
    """behavior: as llmock's control API takes it. status: what the caller gets; 200 is the whole answer."""

    name: str
    behavior: dict[str, object]
    endpoints: int = 2
    status: tuple[int, ...] = (200,)
    modes: tuple[Mode, ...] = BOTH


def _fail(status: int, **more: object) -> dict[str, object]:
    return {"type": "fail", "status": status, **more}


def _cut(kind: str, after_chunks: int) -> dict[str, object]:
    return {"type": "stream_fault", "kind": kind, "after_chunks": after_chunks, "stall_seconds": 4}


FAULTS = (
    *(Fault(f"{status}", _fail(status)) for status in (408, 429, 500, 502, 503, 504, 529)),
    *(Fault(f"{status}", _fail(status), status=(status,)) for status in (400, 409, 422)),
    *(Fault(f"{status}", _fail(status), 1, (status, 502, 503)) for status in (401, 403, 404)),
    Fault("429-retry-after", _fail(429, retry_after=0.7), 1),
    Fault("429-retry-after-for-ever", _fail(429, retry_after=30, times=None), 1, (429, 503)),
    Fault("503-for-ever", _fail(503, times=None), 2, (503,)),
    Fault("500-for-ever", _fail(500, times=None), 2, (500, 502, 503)),
    Fault("delay", {"type": "delay", "seconds": 4}),
    Fault("slow-first-token", {"type": "slow_first_token", "seconds": 4}, modes=STREAM),
    *(
        Fault(f"{kind}-after-{chunks}", _cut(kind, chunks), modes=STREAM)
        for kind in ("disconnect", "truncate", "malformed", "stall")
        for chunks in (0, 1, 3)
    ),
    Fault("malformed-tool-call", {"type": "tool_fault", "kind": "malformed_arguments"}),
)


@pytest.fixture(scope="module")
def llmock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llmock]:
    try:
        venv = environment("clients", CLIENTS)
    except CannotBeMadeError as reason:
        pytest.skip(f"llmock is not to be had: {reason}")
    folder: Path = tmp_path_factory.mktemp("llmock")
    with serving(venv.python, folder / "log") as server:
        yield server


@pytest.mark.parametrize(
    ("fault", "mode"),
    [pytest.param(fault, mode, id=f"{fault.name}-{mode}") for fault in FAULTS for mode in fault.modes],
)
def test_llmock_finds_nothing(fault: Fault, mode: Mode, llmock: Llmock, gateway: Poolkeeper) -> None:
    case = Case(f"llmock-{fault.name}", "llmock", fault.name, mode, When.FIRST, (Play(),), (None,))
    case = replace(case, policy=Policy(recovery="Restart"))
    endpoints = [llmock.endpoint(name, tier) for tier, name in enumerate("ab"[: fault.endpoints])]
    llmock.script(fault.behavior)
    with gateway.serve(case, endpoints) as address:
        body = {"model": "flash", "stream": mode is Mode.STREAM, "messages": [{"role": "user", "content": fault.name}]}
        received = ask(address.base_url, body)
    assert received.status in fault.status
    assert llmock.findings() == []
