"""What a small API server stores: objects by their path, and what happened to them, for watches.

It knows no schema. Server-side apply is a plain merge at the top and in metadata: enough for objects with one writer.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

Json = dict[str, Any]
Matches = Callable[[str, Mapping[str, Any]], bool]
"""Is the object with this path and body asked for?"""


@dataclass(frozen=True)
class Happened:
    version: int
    type: str
    path: str
    body: Json


class Objects:
    def __init__(self) -> None:
        self.by_path: dict[str, Json] = {}
        self.changed = threading.Condition()
        self.version = 1
        self.forgotten = 0
        """A watch from before this gets 410."""
        self._happened: list[Happened] = []
        self._lists: list[tuple[int, list[Json]]] = []
        """Each that was begun: its version, and what is in it."""

    def put(self, path: str, body: Mapping[str, Any], tell: bool = True) -> Json:
        """As somebody else: create or change. tell: False loses the event."""
        with self.changed:
            known = self.by_path.get(path)
            self.version += 1
            metadata = {
                "uid": (known or {}).get("metadata", {}).get("uid") or str(uuid4()),
                "creationTimestamp": "2026-11-22T00:00:00Z",
                "generation": 1,
                **body.get("metadata", {}),
                "resourceVersion": str(self.version),
            }
            self.by_path[path] = {**body, "metadata": metadata}
            if tell:
                self._tell("MODIFIED" if known else "ADDED", path, self.by_path[path])
            return self.by_path[path]

    def remove(self, path: str, tell: bool = True) -> None:
        with self.changed:
            self.version += 1
            body = self.by_path.pop(path)
            body = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}
            if tell:
                self._tell("DELETED", path, body)

    def forget(self) -> None:
        """A request for what happened before now gets 410."""
        with self.changed:
            self.forgotten = self.version
            self._happened.clear()

    def write(self, method: str, path: str, body: Json, is_merge: bool) -> tuple[int, Json]:
        """As a client does it; the answer's status and body."""
        with self.changed:
            at = path.removesuffix("/status")
            if method == "POST":
                at = f"{path}/{body['metadata']['name']}"
                return (409, status(409)) if at in self.by_path else (201, self.put(at, body))
            known = self.by_path.get(at)
            if known is None and (at != path or is_merge or method in ("PUT", "DELETE")):
                return 404, status(404)
            if method == "DELETE":
                self.remove(at)
                return 200, status(200)
            wanted, there = body.get("metadata", {}), (known or {}).get("metadata", {})
            if known and wanted.get("resourceVersion") not in (None, there["resourceVersion"]):
                return 409, status(409)
            if wanted.get("uid") not in (None, there.get("uid")):
                return 409, status(409)
            new = merged(known or {}, body) if method == "PATCH" else body
            return (200, known) if known and merged(known, new) == known else (200, self.put(at, new))

    def page(self, matches: Matches, query: Mapping[str, str]) -> tuple[int, Json]:
        """A list, or the part of it that is asked for: `continue` is which list, and where to go on. A page after the
        first is as its list was when it began, or it is gone (410)."""
        with self.changed:
            if "continue" in query:
                number, begin = map(int, query["continue"].split("."))
            else:
                number, begin = len(self._lists), 0
                items = [body for path, body in self.by_path.items() if matches(path, body)]
                self._lists.append((self.version, items))
            version, items = self._lists[number]
            if begin and version < self.forgotten:
                return 410, status(410)
            end = begin + (int(query.get("limit") or 0) or len(items))
            metadata = {"resourceVersion": str(version)}
            if end < len(items):
                metadata["continue"] = f"{number}.{end}"
            return 200, {"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items[begin:end]}

    def after(
        self, version: int, matches: Matches, ends: Callable[[], bool], until_s: float, bookmark_s: float
    ) -> list[Happened] | None:
        """What happened since, once something did; nothing when it is time for a bookmark; None when the watch ends."""
        with self.changed:
            while True:
                found = [one for one in self._happened if one.version > version and matches(one.path, one.body)]
                if found:
                    return found
                now_s = time.monotonic()
                if ends() or now_s >= until_s:
                    return None
                if now_s >= bookmark_s:
                    return []
                self.changed.wait(min(until_s, bookmark_s) - now_s)

    def _tell(self, kind: str, path: str, body: Json) -> None:
        self._happened.append(Happened(self.version, kind, path, body))
        self.changed.notify_all()


def merged(known: Mapping[str, Any], body: Mapping[str, Any]) -> Json:
    found = {**known, **{name: value for name, value in body.items() if name != "metadata"}}
    metadata, ours = known.get("metadata", {}), body.get("metadata", {})
    annotations = {**(metadata.get("annotations") or {}), **(ours.get("annotations") or {})}
    found["metadata"] = {**metadata, **ours, **({"annotations": annotations} if annotations else {})}
    return found


def status(code: int) -> Json:
    return {"kind": "Status", "apiVersion": "v1", "code": code, "message": f"the test says {code}"}
