"""Asked for by name, as a stage of `make test` does: `pytest -m chaos tests`. On a control plane of its own."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from testing.chaos import history
from testing.chaos.cases import SAMPLE
from testing.chaos.client import User
from testing.chaos.control_plane import ControlPlane, missing
from testing.chaos.fleet import Fleet
from testing.chaos.history import Outcome

MARK = "chaos"
AT_ONCE = 3
"""They wait more than they compute."""


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    return None if MARK in str(config.option.markexpr) else True


@dataclass(frozen=True)
class Played:
    """without: the run without faults. All others start at once, a few at a time."""

    without: Outcome
    runs: dict[str, Future[Outcome]]


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    why = missing()
    if why:
        pytest.skip(f"no control plane: {why}")
    with ControlPlane.start(tmp_path_factory.mktemp("plane")) as plane:
        user = User(plane.url, plane.token)
        user.install()
        user.close()
        yield plane


@pytest.fixture(scope="module")
def fleet(plane: ControlPlane) -> Iterator[Fleet]:
    with Fleet(plane.url, plane.token) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def played(
    plane: ControlPlane, fleet: Fleet, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("histories")
    asked = {item.name for item in request.session.items}
    without = history.run(plane, folder, "without-faults")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {
            case.name: pool.submit(history.run, plane, folder, case.namespace, case.faults, without)
            for case in SAMPLE
            if f"test_with_faults_the_same_is_left[{case.name}]" in asked
        }
        yield Played(without, runs)
