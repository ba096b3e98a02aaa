"""What an answer to a list or a watch must be before anybody acts on it. Pure: bytes in, an answer or an error out.

Between us and the API server stand load balancers, proxies and login pages, and an API server without a leader says so
in the middle of a stream.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from poolkeeper.errors import PoolkeeperError
from poolkeeper.kube.client import MOST_PAGES
from poolkeeper.kube.json_fields import find, mapping, natural, number, text
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Seen

LARGEST_PAGE_BYTES = 64 << 20
LARGEST_EVENT_BYTES = 8 << 20
"""etcd takes objects of 1.5 MB; an event is one in JSON."""
SHOWN = 80

LIST_AGAIN = b'{"type":"ERROR","object":{"kind":"Status","code":410}}\n'
"""What kopf lists again for; every other error ends it."""


class NotAnAnswerError(PoolkeeperError):
    """The message says what came instead."""


@dataclass(frozen=True)
class Place:
    """Where a list or a watch looks. namespace: empty for all."""

    kind: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.kind} in namespace {self.namespace}" if self.namespace else self.kind


@dataclass(frozen=True)
class Page:
    """A part of a list. rest: what to ask for the next part with; "" after the last."""

    bodies: tuple[Mapping[str, object], ...]
    resource_version: str
    rest: str = ""


@dataclass(frozen=True)
class Listed:
    """All there is. version: of the list, 0 when it is no number."""

    seen: tuple[Seen, ...]
    resource_version: str

    @property
    def version(self) -> int:
        return natural(self.resource_version) or 0


@dataclass(frozen=True)
class Changed:
    """What an event says. version: as it is written."""

    seen: Seen
    version: str
    is_gone: bool


class Listing:
    """A list while it comes: of each page only what is kept. All pages are of one version, or it is no list."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._seen: list[Seen] = []
        self._version = ""
        self._pages = 0
        self.rest = ""
        """As Page.rest."""

    def add(self, page: Page) -> None:
        self._pages += 1
        if self._version and page.resource_version != self._version:
            raise NotAnAnswerError(f"{self._place}: a list of version {self._version} and {page.resource_version}")
        if page.rest and (page.rest == self.rest or self._pages >= MOST_PAGES):
            raise NotAnAnswerError(f"{self._place}: a list without an end, after {self._pages} pages")
        self._version, self.rest = page.resource_version, page.rest
        self._seen.extend(map(observe, page.bodies))

    def whole(self) -> Listed:
        return Listed(tuple(self._seen), self._version)


def page(data: bytes, place: Place) -> Page:
    answer = _parsed(data, "a list")
    items = find(answer, "items")
    version = text(answer, "metadata", "resourceVersion")
    if not isinstance(items, list) or not version:
        raise NotAnAnswerError(f"instead of a list: {_shown(data)}")
    bodies = tuple({**_object(item, place), "kind": place.kind} for item in items)
    return Page(bodies, version, text(answer, "metadata", "continue"))


def event_of(line: bytes, place: Place) -> Changed | None:
    """None: a bookmark."""
    event = _parsed(line, "an event")
    kind, body = find(event, "type"), find(event, "object")
    if kind == "ERROR":
        raise NotAnAnswerError(f"{number(body, 'code')}: {text(body, 'message')[:SHOWN]}")
    if kind == "BOOKMARK" and text(body, "metadata", "resourceVersion"):
        return None
    if kind not in ("ADDED", "MODIFIED", "DELETED"):
        raise NotAnAnswerError(f"instead of an event: {_shown(line)}")
    there = {**_object(body, place), "kind": place.kind}
    return Changed(observe(there), text(there, "metadata", "resourceVersion"), is_gone=kind == "DELETED")


def bookmark(version: str) -> bytes:
    """What kopf goes on from when it asks again."""
    return json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}).encode()


def _object(body: object, place: Place) -> Mapping[str, object]:
    metadata = mapping(body, "metadata")
    named = [metadata.get(name) for name in ("name", "namespace", "uid", "resourceVersion")]
    if not all(isinstance(value, str) and value for value in named):
        raise NotAnAnswerError(f"{place}: an object without name, namespace, uid or resourceVersion")
    if place.namespace and metadata["namespace"] != place.namespace:
        raise NotAnAnswerError(f"{place}: an object of another namespace")
    return mapping(body)


def _parsed(data: bytes, what: str) -> Mapping[str, object]:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):  # ValueError: also bytes that are no UTF-8, and numbers of 5000 digits
        answer = None
    if not isinstance(answer, dict):
        raise NotAnAnswerError(f"instead of {what}: {_shown(data)}")
    return answer


def _shown(data: bytes) -> str:
    start = data[:SHOWN].decode("utf-8", "replace")
    return f"{len(data)} bytes that begin with {start!r}"
