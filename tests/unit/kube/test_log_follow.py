"""The logs of router Pods, look after look: each line once, whatever the API server's whole seconds return."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from poolkeeper.errors import Refused
from poolkeeper.kube.client import RESOURCES
from poolkeeper.kube.log_follow import LIMIT_BYTES, new_lines
from poolkeeper.plan.child_names import selector
from unit.kube.memory_api import MemoryApi
from unit.kube.things import KEY

SINCE = datetime(2026, 11, 29, 8, tzinfo=UTC)


class LogApi(MemoryApi):
    """logs: Pod -> (time, line); a query returns what the kubelet would."""

    def __init__(self, logs: dict[str, list[tuple[str, str]]]) -> None:
        super().__init__()
        self.logs = logs
        self.limit_bytes = LIMIT_BYTES
        self.queries: list[Mapping[str, str]] = []
        self.unreadable: set[str] = set()

    async def list_metadata(self, kind: str, namespace: str, selector_text: str) -> list[Mapping[str, object]]:
        assert selector_text == ",".join(f"{name}={value}" for name, value in sorted(selector(KEY).items()))
        return [{"metadata": {"name": name}} for name in self.logs]

    async def get_text(self, path: str, query: Mapping[str, str] | None = None) -> str | None:
        assert query is not None
        self.queries.append(query)
        if path in self.unreadable:
            raise Refused("container router is waiting to start", "Invalid")
        name = path.split("/")[-2]
        assert path == RESOURCES["Pod"].path(KEY.namespace, name, "log")
        since = query["sinceTime"].removesuffix("Z")
        text = "".join(f"{at} {line}\n" for at, line in self.logs[name] if at[:19] >= since)
        return text[: min(self.limit_bytes, int(query["limitBytes"]))]


def look(api: LogApi, cursors: dict[str, str]) -> Mapping[str, Sequence[str]]:
    return asyncio.run(new_lines(api, KEY, cursors, SINCE))


def test_each_line_comes_once_also_within_one_second() -> None:
    api = LogApi({"p": [("2026-11-29T07:59:59.9Z", "old"), ("2026-11-29T08:00:00.100000001Z", "one")]})
    cursors: dict[str, str] = {}

    assert look(api, cursors) == {"p": ["one"]}
    assert look(api, cursors) == {"p": []}
    api.logs["p"] += [("2026-11-29T08:00:00.10000001Z", "two"), ("2026-11-29T08:00:00.2Z", "three three")]
    assert look(api, cursors) == {"p": ["two", "three three"]}
    assert {query["container"] for query in api.queries} == {"router"}


def test_what_the_limit_cuts_comes_at_the_next_look() -> None:
    api = LogApi({"p": [(f"2026-11-29T08:00:0{second}Z", f"line {second}") for second in range(1, 8)]})
    api.limit_bytes = 70
    cursors: dict[str, str] = {}

    seen = [line for _ in range(7) for line in look(api, cursors)["p"]]

    assert seen == [f"line {second}" for second in range(1, 8)]


def test_a_pod_that_has_not_started_takes_no_line_of_another_and_is_read_later() -> None:
    line = ("2026-11-29T08:00:01Z", "one")
    api = LogApi({"p": [line], "q": [line]})
    api.unreadable = {RESOURCES["Pod"].path(KEY.namespace, "q", "log")}
    cursors: dict[str, str] = {}

    assert look(api, cursors) == {"p": ["one"]}
    api.unreadable.clear()
    assert look(api, cursors) == {"p": [], "q": ["one"]}


def test_no_pod_that_can_be_read_is_an_error() -> None:
    api = LogApi({"p": []})
    api.unreadable = {RESOURCES["Pod"].path(KEY.namespace, "p", "log")}

    with pytest.raises(Refused):
        look(api, {})


def test_a_pod_that_comes_is_read_from_its_start_and_one_that_is_gone_is_forgotten() -> None:
    api = LogApi({"p": [("2026-11-29T08:00:05Z", "one")]})
    cursors: dict[str, str] = {}
    look(api, cursors)

    del api.logs["p"]
    api.logs["q"] = [("2026-11-29T08:00:04Z", "before the last of p")]

    assert look(api, cursors) == {"q": ["before the last of p"]}
    assert cursors.keys() == {"q"}
