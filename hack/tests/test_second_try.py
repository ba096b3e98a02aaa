"""`make test` gives what failed a second try. A test that needed it is named at the very end: it is still a bug."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAKY = """
from pathlib import Path

def test_flaky():
    tried = Path("tried")
    was_tried = tried.exists()
    tried.touch()
    assert was_tried
"""
BROKEN = """
def test_broken():
    raise AssertionError
"""
UNLIKE = """
import os
from pathlib import Path

import pytest

@pytest.mark.parametrize("worker", [os.getpid()])
def test_unlike(worker):
    Path("played").touch()
"""
NAMES_ONE = 'echo "$*" >>played; echo tests/test_flaky.py::test_flaky >>"$FLAKY"'
PASSES = 'echo "$*" >>played'
FAILS = "false"
HEADLINE = "flaky, passed at the second try only:"


def script(tree: Path, name: str, does: str) -> None:
    file = tree / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/usr/bin/env bash\n{does}\n")
    file.chmod(0o755)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with the real scripts, and pytest in it."""
    (tmp_path / "hack/ci").mkdir(parents=True)
    for name in ("test.sh", "stages.sh", "pytest.sh"):
        shutil.copy(ROOT / "hack/ci" / name, tmp_path / "hack/ci" / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "tests").mkdir()
    return tmp_path


class TestPytest:
    """hack/ci/pytest.sh, with real tests on two workers."""

    def played(self, tree: Path, **tests: str) -> tuple[int, str]:
        """How it ended, and which tests it named in $FLAKY."""
        for name, text in tests.items():
            (tree / "tests" / f"test_{name}.py").write_text(text)
        named = tree / "named"
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        ended = subprocess.run(
            [tree / "hack/ci/pytest.sh", "-n", "2", "-p", "no:hypothesispytest", "tests"],
            env={**env, "FLAKY": str(named)},
            capture_output=True,
            check=False,
        )
        return ended.returncode, named.read_text() if named.exists() else ""

    def test_what_fails_once_is_flaky_and_fails_nothing(self, tree: Path) -> None:
        assert self.played(tree, flaky=FLAKY) == (0, "tests/test_flaky.py::test_flaky\n")

    def test_what_fails_twice_is_broken_and_not_flaky(self, tree: Path) -> None:
        assert self.played(tree, flaky=FLAKY, broken=BROKEN) == (1, "tests/test_flaky.py::test_flaky\n")

    def test_tests_that_were_broken_off_are_not_saved_by_a_second_try(self, tree: Path) -> None:
        """The second try plays what had failed until then, and not what was never played."""
        code, named = self.played(tree, flaky=FLAKY, later="def test_later():\n    raise KeyboardInterrupt\n")

        assert (code > 1, named) == (True, "")

    def test_workers_that_collect_different_tests_play_nothing_alone(self, tree: Path) -> None:
        """Neither does a second try: without a test that failed, pytest would play all of them, one after the other."""
        code, named = self.played(tree, unlike=UNLIKE)

        assert (code, named, (tree / "played").exists()) == (1, "", False)


class TestMakeTest:
    """hack/ci/test.sh, where all other programs only say what they were asked for, and there is no cluster."""

    def ended(self, tree: Path, pytest_does: str, build_does: str = "true") -> tuple[int, str]:
        """How it ended, and its table with what stands behind it."""
        for name in ("hack/ci/install.sh", "bin/make", "bin/busted"):
            script(tree, name, "true")
        script(tree, "hack/cluster/build.sh", build_does)
        script(tree, "hack/cluster/ground.sh", "echo none: not here")
        script(tree, "hack/ci/pytest.sh", pytest_does)
        path = f"{tree / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            [tree / "hack/ci/test.sh"], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout[done.stdout.rindex("stage  ") :]

    def test_a_flaky_test_is_named_last_and_fails_nothing(self, tree: Path) -> None:
        code, end = self.ended(tree, NAMES_ONE)

        assert code == 0, end
        assert HEADLINE in end
        assert end.splitlines()[-1] == "  tests/test_flaky.py::test_flaky"

    def test_nothing_is_said_where_nothing_is_flaky(self, tree: Path) -> None:
        code, end = self.ended(tree, PASSES)

        assert code == 0, end
        assert HEADLINE not in end

    def test_a_stage_that_failed_is_reported_and_the_next_ones_are_played(self, tree: Path) -> None:
        code, end = self.ended(tree, FAILS)

        assert code == 1
        assert [line.split()[-1] for line in end.splitlines() if "conformance" in line] == ["FAILED"]

    def test_a_stage_that_runs_beside_others_is_in_the_table(self, tree: Path) -> None:
        code, end = self.ended(tree, PASSES, build_does="exit 3")

        assert code == 1
        assert [line.split()[-1] for line in end.splitlines() if "helm" in line] == ["FAILED"]

    def test_every_test_is_in_one_stage(self, tree: Path) -> None:
        """By its marks: those that measure time, and those with a pace of their own, have a stage each."""
        self.ended(tree, PASSES)

        assert (tree / "played").read_text().splitlines() == [
            "-m not (paced or timing or cluster) hack/tests tests",
            "-m conformance and not clients tests",
            "-m paced hack/tests tests",
            "-n 0 -m timing hack/tests tests",
            "-n 0 -m chaos tests",
        ]
