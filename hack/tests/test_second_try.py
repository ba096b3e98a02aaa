"""`make test` gives what failed a second try. A test that needed it is named at the very end: a bug all the same."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ("test.sh", "pytest.sh")
AT_ONCE = ("hack/ci/install.sh", "hack/cluster/build.sh", "bin/make", "bin/busted")
"""What `make test` calls beside pytest."""
STEADY = """
import pytest

def test_steady():
    pass

@pytest.mark.conformance
def test_conforms():
    pass
"""
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
TOLD = "flaky, passed at the second try only:"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with the real runner, where all but the tests passes at once and there is no cluster."""
    for name in SCRIPTS:
        (tmp_path / "hack/ci").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "hack/ci" / name, tmp_path / "hack/ci" / name)
    for name, does in [*((name, "true") for name in AT_ONCE), ("hack/cluster/ground.sh", "echo none: not here")]:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/usr/bin/env bash\n{does}\n")
        file.chmod(0o755)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    write(tmp_path, "steady", STEADY)
    return tmp_path


def write(tree: Path, name: str, text: str) -> None:
    (tree / "tests").mkdir(exist_ok=True)
    (tree / "hack/tests").mkdir(parents=True, exist_ok=True)
    (tree / "tests" / f"test_{name}.py").write_text(text)


def make_test(tree: Path) -> tuple[int, str]:
    """How it ended, and what stands behind its table."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = f"{tree / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        [tree / "hack/ci/test.sh"], env={**env, "PATH": path}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout[done.stdout.rindex("stage  ") :].partition("real cluster")[2]


def test_a_flaky_test_is_named_last_and_fails_nothing(tree: Path) -> None:
    write(tree, "flaky", FLAKY)

    code, end = make_test(tree)

    assert code == 0, end
    assert end.splitlines()[-2:] == [TOLD, "  tests/test_flaky.py::test_flaky"]


def test_what_fails_twice_is_broken_and_not_flaky(tree: Path) -> None:
    write(tree, "flaky", FLAKY)
    write(tree, "broken", BROKEN)

    code, end = make_test(tree)

    assert code == 1
    assert end.splitlines()[-2:] == [TOLD, "  tests/test_flaky.py::test_flaky"]


def test_nothing_is_said_where_nothing_is_flaky(tree: Path) -> None:
    code, end = make_test(tree)

    assert code == 0
    assert TOLD not in end


def test_tests_that_were_broken_off_are_not_saved_by_a_second_try(tree: Path) -> None:
    """The second try plays what had failed until then, and not what was never played."""
    write(tree, "flaky", FLAKY)
    write(tree, "later", "def test_later():\n    raise KeyboardInterrupt\n")

    assert make_test(tree)[0] == 1
