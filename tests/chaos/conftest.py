"""Asked for by name, as a stage of `make test` does: `pytest -m chaos tests`. On a control plane of its own."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from chaos.lying import Liars, Seen, lie
from testing.chaos import history
from testing.chaos.api_world import every_step, walks
from testing.chaos.cases import SAMPLE, Case
from testing.chaos.control_plane import ControlPlane, missing
from testing.chaos.fleet import Fleet
from testing.chaos.history import Outcome
from testing.walks.walker import Walked

MARK = "chaos"
AT_ONCE = 6
"""They wait more than they compute."""
WALKED = 80
"""Moves of a walk, out of some two thousand."""


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    return None if MARK in str(config.option.markexpr) else True


@dataclass(frozen=True)
class Started:
    """All that this session was asked for, at once, a few at a time: each test waits for what it is about.

    without: the history without faults. histories: by case, compared with it. moves: how those of `walked` came about.
    """

    without: Future[Outcome]
    histories: dict[str, Future[Outcome]]
    lies: Future[Seen]
    walked: Future[list[Walked]]
    moves: str


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    why = missing()
    if why:
        pytest.skip(f"no control plane: {why}")
    with ControlPlane.start(tmp_path_factory.mktemp("plane")) as plane:
        yield plane


@pytest.fixture(scope="session")
def started(
    plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Started]:
    asked = {item.name for item in request.session.items}
    files = {item.path.name for item in request.session.items}
    folder, liars, seed = tmp_path_factory.mktemp("chaos"), Liars(), int(time.time())
    with Fleet(plane.url, plane.token, liars.says) as _, ThreadPoolExecutor(AT_ONCE) as pool:
        without = pool.submit(history.run, plane, folder, "without-faults")
        lies = pool.submit(lie, plane, folder / "lies", liars) if "test_lies.py" in files else Future[Seen]()
        steps = every_step(seed)[:WALKED] if "test_walks.py" in files else []
        walked = pool.submit(walks, folder / "walks", steps)

        def compared(case: Case) -> Outcome:
            return history.run(plane, folder, case.namespace, case.faults, without.result())

        histories = {
            case.name: pool.submit(compared, case)
            for case in SAMPLE
            if f"test_with_faults_the_same_is_left[{case.name}]" in asked
        }
        yield Started(without, histories, lies, walked, f"every_step({seed})[:{WALKED}]")
