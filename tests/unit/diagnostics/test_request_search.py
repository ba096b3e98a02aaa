"""A search in request logs: by each field, together, the newest first, bounded, and only lines of the pool."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from poolkeeper.diagnostics import request_search
from poolkeeper.diagnostics.request_search import MOST_FOUND, NOT_OK, Query, searched
from poolkeeper.local.state_dir import StateDir

POOL = "default/chat"


def line(number: int, **fields: object) -> str:
    attempts = [{"endpoint": name, "span": f"{number:016x}"} for name in fields.pop("endpoints", ["official"])]  # type: ignore[attr-defined] # a list
    known = {
        "time": f"2026-11-29T02:{number // 60:02}:{number % 60:02}.000Z", "request": f"id-{number}",
        "trace": f"{number:032x}", "span": f"{number:016x}", "pool": POOL, "client": "", "outcome": "ok", "status": 200,
    }  # fmt: skip
    return json.dumps({**known, **fields, "attempts": attempts}, separators=(",", ":"))


LOG = (
    "2026/11/29 02:00:00 [warn] 7#7: a line of nginx",
    line(1, client="team-a"),
    line(2, client="team-b", endpoints=["official", "backup"]),
    line(3, outcome="error", status=503, endpoints=[]),
    line(4, outcome="cut", client="team-a", endpoints=["backup"]),
    line(5, outcome="client_gone"),
    line(6, pool="other/chat", client="team-a"),
    '{"time":"2026-11-29T02:00:07.000Z","request":"id-7"',
)


def ids(query: Query, logs: Mapping[str, tuple[str, ...]] | None = None) -> list[str]:
    return [one.line.request for one in searched(POOL, logs or {"r": LOG}, query).found]


@pytest.mark.parametrize(
    ("query", "want"),
    [
        (Query(), ["id-5", "id-4", "id-3", "id-2", "id-1"]),
        (Query(request="id-3"), ["id-3"]),
        (Query(request="id"), []),
        (Query(client="team-a"), ["id-4", "id-1"]),
        (Query(endpoint="backup"), ["id-4", "id-2"]),
        (Query(outcome="error"), ["id-3"]),
        (Query(outcome=NOT_OK), ["id-5", "id-4", "id-3"]),
        (Query(client="team-a", endpoint="backup", outcome="cut"), ["id-4"]),
        (Query(client="team-a", outcome="error"), []),
        (Query(client='team-a","outcome":"ok'), []),
    ],
)
def test_what_is_found(query: Query, want: list[str]) -> None:
    assert ids(query) == want


def test_of_several_routers_the_newest_first_with_whose_it_is() -> None:
    found = searched(POOL, {"r": (line(1), line(3)), "s": (line(2),)}, Query())

    assert [(one.router, one.line.request) for one in found.found] == [("r", "id-3"), ("s", "id-2"), ("r", "id-1")]
    assert (found.routers, found.lines, found.oldest[:19], found.is_cut) == (2, 3, "2026-11-29T02:00:01", False)


def test_more_than_it_shows_are_cut_and_it_says_so() -> None:
    found = searched(POOL, {"r": tuple(line(number) for number in range(MOST_FOUND + 1))}, Query())

    assert (len(found.found), found.is_cut, found.found[0].line.request) == (MOST_FOUND, True, f"id-{MOST_FOUND}")


def test_a_run_has_its_last_two_files_and_only_the_youngest_part_is_read(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.request_log.with_name("requests.log.1").write_text(line(1) + "\n" + line(2) + "\n")
    state.request_log.write_text(line(3) + "\n")
    assert list(request_search.lines_of_a_run(state).values()) == [[line(1), line(2), line(3)]]

    few_bytes = len(line(2)) + 10
    assert request_search.youngest_lines(state.request_log.with_name("requests.log.1"), few_bytes) == [line(2)]
    assert request_search.youngest_lines(tmp_path / "none", few_bytes) == []
