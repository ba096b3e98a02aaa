"""docs/promises.md names tests that exist: a promise without a test is none."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/promises.md"
ROW = re.compile(r"^\| (?!promise \|)(.+?) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`((?:hack/)?tests/[^`:]+\.(?:py|lua))::([^`]+)`")


def rows() -> dict[str, list[tuple[str, str]]]:
    """Promise -> the tests that are named for it: file, name."""
    return {promise: NAMED.findall(cell) for promise, cell in ROW.findall(PAGE.read_text())}


def is_there(file: str, name: str) -> bool:
    """A Python test by its function; a Lua one by what it, or its row in a table of cases, is called."""
    path = ROOT / file
    text = path.read_text() if path.is_file() else ""
    return f"def {name}(" in text if path.suffix == ".py" else f'"{name}"' in text


@pytest.mark.parametrize("promise", rows())
def test_a_promise_is_held_by_tests_that_exist(promise: str) -> None:
    named = rows()[promise]

    assert named, "no test is named"
    assert [f"{file}::{name}" for file, name in named if not is_there(file, name)] == []


def test_every_word_of_the_tables_is_read() -> None:
    text = PAGE.read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ") and line != "| promise | proved by |"]

    assert len(lines) == len(rows())
    assert text.count("::") == sum(len(named) for named in rows().values())
