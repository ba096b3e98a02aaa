"""The page's search: of the pools that the page shows, one at a time, and what went wrong in words."""

import json
from threading import Event, Thread
from typing import Any

from poolkeeper.api.request_line import RequestLine
from poolkeeper.dashboard.request_search import RequestSearch
from poolkeeper.diagnostics.pool_locator import Target
from poolkeeper.diagnostics.request_log import Found
from poolkeeper.diagnostics.request_search import Query, Searched
from poolkeeper.errors import PoolkeeperError, Refused
from poolkeeper.local.run_record import PoolMeta, PoolRecord

TARGET = Target(PoolRecord(metadata=PoolMeta(name="chat", namespace="team")), lambda changes: None)
LINE = RequestLine.model_validate(
    {
        "time": "2026-11-29T02:00:00.000Z", "request": "id-1", "client": "team-a", "outcome": "ok", "status": 200,
        "queued_ms": 12, "fallback": "model",
        "attempts": [
            {"endpoint": "official", "class": "Busy", "status": 503},
            {"endpoint": "backup", "tier": 1, "tokens": {"input": 7, "output": 9}, "cost": 0.25, "currency": "USD"},
        ],
    }
)  # fmt: skip


def asked(search: RequestSearch, **words: str) -> dict[str, Any]:
    found = json.loads(search.answer({"pool": "team/chat", **words}))
    assert isinstance(found, dict)
    return found


def test_a_request_with_its_attempts() -> None:
    wanted: list[Query] = []

    def find(target: Target, query: Query) -> Searched:
        wanted.append(query)
        return Searched([Found("r", LINE)], 2, 7, LINE.time)

    found = asked(RequestSearch(lambda: [TARGET], find), request=" id-1 ", client="team-a")

    assert wanted == [Query("id-1", "team-a")]
    assert (found["routers"], found["lines"], found["trouble"]) == (2, 7, "")
    (hit,) = found["found"]
    assert (hit["request"], hit["router"], hit["also"]) == (
        "id-1",
        "r",
        ["waited 12 ms in the queue", "fallback: model"],
    )
    assert [(one["endpoint"], one["failure"], one["tokensOut"], one["cost"]) for one in hit["attempts"]] == [
        ("official", "Busy", None, None),
        ("backup", "", 9, 0.25),
    ]


def test_a_pool_that_the_page_does_not_show_is_not_searched() -> None:
    found = json.loads(RequestSearch(lambda: [TARGET]).answer({"pool": "other/chat"}))

    assert found["trouble"] == "there is no such pool; the pools are: team/chat"


def test_what_goes_wrong_is_told_with_the_permission_that_it_wants() -> None:
    def refusing(error: PoolkeeperError) -> RequestSearch:
        def find(target: Target, query: Query) -> Searched:
            raise error

        return RequestSearch(lambda: [TARGET], find)

    told = str(asked(refusing(Refused("reading pods: 403: forbidden", "Forbidden")))["trouble"])
    assert "403: forbidden" in told
    assert "it wants pods/log: get (the chart's page: dashboard.requestSearch)" in told


def test_one_at_a_time() -> None:
    begun, go_on = Event(), Event()

    def find(target: Target, query: Query) -> Searched:
        begun.set()
        assert go_on.wait(10)
        return Searched()

    search = RequestSearch(lambda: [TARGET], find)
    first: list[dict[str, Any]] = []
    thread = Thread(target=lambda: first.append(asked(search)))
    thread.start()
    assert begun.wait(10)
    assert "another search is under way" in str(asked(search)["trouble"])
    go_on.set()
    thread.join(10)
    assert first[0]["trouble"] == ""
