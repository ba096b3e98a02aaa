"""What an answer of 200 must be before anybody acts on it. Pure.

Between us and the API server stand load balancers, proxies and login pages; what they say for a moment is no answer,
and the same question may get one later.
"""

import json
from collections.abc import Mapping

from poolkeeper.errors import RetryLater
from poolkeeper.kube.json_fields import Json, find, mapping, text

SHOWN = 80


def parsed(data: bytes, doing: str) -> Json:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):  # ValueError: also bytes that are no UTF-8, and numbers of 5000 digits
        answer = None
    if not isinstance(answer, dict):
        raise _no_answer(doing, f"{len(data)} bytes that begin with {data[:SHOWN].decode('utf-8', 'replace')!r}")
    return answer


def checked_object(answer: Json, doing: str) -> Json:
    if not _is_object(answer):
        raise _no_answer(doing, "an object without name and uid")
    return answer


def checked_list(answer: Json | None, doing: str) -> list[Mapping[str, object]]:
    """None: 404, so nothing is there. An empty list may have no items."""
    items = find(answer, "items")
    if items is None and (answer is None or text(answer, "kind").endswith("List")):
        return []
    if not isinstance(items, list):
        raise _no_answer(doing, "an object that is no list")
    if not all(map(_is_object, items)):
        raise _no_answer(doing, "a list with an object without name and uid")
    return [mapping(item) for item in items]


def _is_object(body: object) -> bool:
    return any(text(body, "metadata", name) for name in ("name", "uid"))


def _no_answer(doing: str, instead: str) -> RetryLater:
    return RetryLater(f"{doing}: the API server's answer is none, but {instead}")
