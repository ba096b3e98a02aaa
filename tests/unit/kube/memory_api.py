"""An API server in memory, below KubeApi, so that tests go through the real client's verbs."""

import json
from collections.abc import Callable, Mapping
from uuid import uuid4

from kubernetes.aio.client.exceptions import ApiException

from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.errors import sorted_error
from poolkeeper.kube.json_fields import Json, mapping, text
from poolkeeper.plan.snapshot import Manifest


class MemoryApi(KubeApi):
    """calls: every request (method, path), in order. bodies: of every write. refusals: answered with an error."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.calls: list[tuple[str, str]] = []
        self.bodies: list[Manifest] = []
        self.refusals: dict[tuple[str, str], tuple[int, Mapping[str, object]]] = {}
        self.gone: set[str] = set()
        """Paths at which an apply finds nothing."""
        self._version = 0
        self._refused_while: dict[tuple[str, str], Callable[[], bool]] = {}
        self._wrote = lambda kind, verb: None
        self._failed = lambda kind, verb, result: None

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.calls if method != "GET"]

    def put(self, path: str, body: Manifest) -> Json:
        """As somebody else: create or change an object."""
        self._version += 1
        known = self.objects.get(path, {})
        uid = text(body, "metadata", "uid") or text(known, "metadata", "uid") or str(uuid4())
        metadata = {**mapping(body, "metadata"), "uid": uid, "resourceVersion": str(self._version)}
        self.objects[path] = {**body, "metadata": metadata}
        return self.objects[path]

    def remove(self, path: str) -> None:
        del self.objects[path]

    def refuse(self, method: str, path: str, status: int, body: Mapping[str, object]) -> None:
        self.refusals[method, path] = (status, body)

    def refuse_while(self, method: str, path: str, is_so: Callable[[], bool]) -> None:
        """An apply is refused as invalid as long as that is so; a merge patch is not."""
        self._refused_while[method, path] = is_so

    async def _call(
        self,
        method: str,
        path: str,
        doing: str,
        body: Manifest | None = None,
        query: Mapping[str, str] | None = None,
        content: str = "",
        accept: str = "",
    ) -> Json | None:
        self.calls.append((method, path))
        if (method, path) in self.refusals:
            status, said = self.refusals[method, path]
            raise sorted_error(ApiException(status=status, reason="no", body=json.dumps(said)), doing)
        is_refused = self._refused_while.get((method, path), lambda: False)
        if content != "application/merge-patch+json" and is_refused():
            raise sorted_error(ApiException(status=422, reason="Invalid", body="{}"), doing)
        if path in self.gone:
            return None
        if method == "GET":
            return self.objects.get(path) or self._listed(path)
        if method == "DELETE":
            return self.objects.pop(path, None)
        assert body is not None
        self.bodies.append(body)
        if content == "application/merge-patch+json":
            return self._merged(path, body)
        if method == "POST":
            return self.put(f"{path}/{text(body, 'metadata', 'name')}", body)
        return self._applied(path, body)

    async def get_text(self, path: str, query: Mapping[str, str] | None = None) -> str | None:
        """An object of a Pod's page: its text, or itself as JSON."""
        found = await self._call("GET", path, f"reading {path}")
        return None if found is None else text(found, "text") or json.dumps(found)

    def _listed(self, path: str) -> Json | None:
        items = [found for at, found in self.objects.items() if at.rpartition("/")[0] == path]
        return {"items": items} if items else None

    def _merged(self, path: str, body: Manifest) -> Json | None:
        known = self.objects.get(path)
        if known is None:
            return None
        annotations = {**mapping(known, "metadata", "annotations"), **mapping(body, "metadata", "annotations")}
        spec = {**mapping(known, "spec"), **mapping(body, "spec")}
        merged = {**known, "metadata": {**mapping(known, "metadata"), "annotations": annotations}}
        if spec:
            merged["spec"] = {name: value for name, value in spec.items() if value is not None}
        return self.put(path, merged)

    def _applied(self, path: str, body: Manifest) -> Json:
        known = self.objects.get(path, {})
        ours = {**mapping(known, "metadata"), **mapping(body, "metadata")}
        if {**known, **body, "metadata": ours} == known:
            return known
        return self.put(path, {**known, **body, "metadata": ours})
