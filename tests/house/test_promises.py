"""docs/promises.md and docs/threat-model.md name tests that exist: a promise without a test is none."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROMISES, THREATS = ROOT / "docs/promises.md", ROOT / "docs/threat-model.md"
ROW = re.compile(r"^\| (?!promise \|)(.+?) \| (.+) \|$", re.MULTILINE)
PROVED = re.compile(r"^\|(?:[^|\n]*\|)+ proved by \|\n\|[-|]+\|\n((?:\|.*\n?)+)", re.MULTILINE)
"""The rows of a table whose last column names tests."""
NAMED = re.compile(r"`((?:hack/)?tests/[^`:]+\.(?:py|lua))::([^`]+)`")


def rows() -> dict[str, list[tuple[str, str]]]:
    """Promise or threat -> the tests that are named for it: file, name."""
    promises = ROW.findall(PROMISES.read_text())
    tables = PROVED.findall(THREATS.read_text())
    threats = [line.strip("| ").split(" | ") for table in tables for line in table.splitlines()]
    return {f"{promise}": NAMED.findall(cell) for promise, cell in promises} | {
        f"threat: {cells[0]}: {cells[1]}": NAMED.findall(cells[-1]) for cells in threats
    }


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
    text = PROMISES.read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ") and line != "| promise | proved by |"]
    found = rows()
    promises = {promise: named for promise, named in found.items() if not promise.startswith("threat: ")}

    assert len(lines) == len(promises)
    assert text.count("::") == sum(len(named) for named in promises.values())
    assert THREATS.read_text().count("::") == sum(
        len(named) for threat, named in found.items() if threat.startswith("threat: ")
    )
