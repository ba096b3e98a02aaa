"""Which faults `make mutants` puts into Lua, and how a score is counted."""

from pathlib import Path

import pytest

from hack.mutants.__main__ import batches
from hack.mutants.lua import changed, changes
from hack.mutants.result import Result, Survivor, table


def mutants_of(text: str) -> list[str]:
    return [changed(text, change) for change in changes(text)]


@pytest.mark.parametrize(
    ("text", "want_mutants"),
    [
        ("return a == b", ["return a ~= b"]),
        ("return a <= b", ["return a < b"]),
        ("return a - b", ["return a + b"]),
        ("return a and b", ["return a or b"]),
        ("return not a", ["return  a"]),
        ("return true", ["return false"]),
        ("return 41", ["return 42"]),
        ("if ready then", ["if not (ready) then"]),
        ("while x do", ["while not (x) do"]),
        ("return -1", ["return -2"]),
        ("return 0.5", []),
        ('return "a == 1 and b"', []),
        ("-- a == 1 and b", []),
        ('if name == "a" then', ['if name ~= "a" then', 'if not (name == "a") then']),
    ],
)
def test_a_change_is_one_operator_constant_or_branch_of_code(text: str, want_mutants: list[str]) -> None:
    assert sorted(mutants_of(text)) == sorted(want_mutants)


def test_a_score_is_the_part_of_mutants_that_tests_noticed() -> None:
    results = [Result("b.lua", 4, (Survivor("b.lua:1", "- x\n+ y"),)), Result("a.py", 1, ())]

    assert table(results).splitlines()[2:] == [
        "| `a.py` | 1 | 1 | 100 % |",
        "| `b.lua` | 4 | 3 | 75 % |",
        "| `all` | 5 | 4 | 80 % |",
    ]


def test_files_of_a_package_share_a_run_and_a_lua_file_has_its_own() -> None:
    plan, probing, lua = Path("/r/plan"), Path("/r/probing"), Path("/r/core")

    assert batches([plan / "a.py", lua / "x.lua", probing / "b.py", plan / "c.py", lua / "y.lua"]) == [
        [plan / "a.py", plan / "c.py"],
        [lua / "x.lua"],
        [probing / "b.py"],
        [lua / "y.lua"],
    ]
