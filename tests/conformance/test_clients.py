"""What real client libraries hold at the end of a stream, whatever the first tier does: what one healthy endpoint says.

Libraries of our own environment are asked a sample of it in `make test`; `make test-clients` asks all of them all.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from testing.clients.library import LIBRARIES, Held, Library, Program, started
from testing.clients.questions import CHAT, FAULTS, dials, question
from testing.conformance.case import CALLER_KEY, Policy
from testing.fakes.harness import FakeProvider
from testing.gateways.environments import CannotBeMadeError

pytestmark = pytest.mark.conformance
SAMPLE = {("tools", "busy"), ("tools", "cut early"), ("thinking", "cut late"), ("thinking", "silent")}
Talk = Callable[[Library], Program]


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    """The program of a library, started once."""
    with ExitStack() as stack:
        programs: dict[str, Program] = {}

        def program(library: Library) -> Program:
            try:
                if library.name not in programs:
                    programs[library.name] = stack.enter_context(started(library))
            except CannotBeMadeError as why:
                pytest.skip(f"{library.name}: {why}")
            return programs[library.name]

        yield program


def _cases() -> Iterator[object]:
    for library in LIBRARIES:
        for kind in CHAT:
            for fault in FAULTS:
                is_sample = library.is_ours and (kind, fault) in SAMPLE
                marks = () if is_sample else (pytest.mark.clients,)
                yield pytest.param(library, kind, fault, marks=marks, id=f"{library.name}: {kind}, {fault}")


@pytest.mark.parametrize(("library", "kind", "fault"), list(_cases()))
def test_a_client_holds_what_one_healthy_endpoint_says(
    library: Library,
    kind: str,
    fault: str,
    talk: Talk,
    pool_at: Callable[[Policy], str],
    official: FakeProvider,
    backup: FakeProvider,
) -> None:
    program = talk(library)
    backup.play({"scenario": "ok", "params": dials(kind)})
    want = program.ask(question(backup.url, CALLER_KEY, kind))
    assert "error" not in want
    assert want["calls" if kind == "tools" else "text"]
    scenario, changes = FAULTS[fault]
    official.play({"scenario": scenario, "params": {**dials(kind), **changes}})

    held = program.ask(question(pool_at(Policy()), CALLER_KEY, kind))

    assert held == want
    assert official.log()  # the first tier was asked


@pytest.mark.parametrize(
    "library",
    [pytest.param(one, marks=() if one.is_ours else (pytest.mark.clients,), id=one.name) for one in LIBRARIES],
)
@pytest.mark.parametrize("kind", ["text", "tools"])
def test_a_client_gets_an_exception_where_no_endpoint_ends_its_answer(
    library: Library,
    kind: str,
    talk: Talk,
    pool_at: Callable[[Policy], str],
    official: FakeProvider,
    backup: FakeProvider,
) -> None:
    for fake in (official, backup):
        fake.play({"scenario": "cut", "params": {**dials(kind), "after_chunks": 3}})

    held: Held = talk(library).ask(question(pool_at(Policy()), CALLER_KEY, kind))

    assert held.get("error") in library.broken, _shown(held)


def _shown(held: Mapping[str, object]) -> str:
    return f"seen {held}, wanted an exception"
