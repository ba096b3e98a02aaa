"""A pool that was changed in any way, and back, is what it would be if its last spec had been the first; what must be
refused leaves the last good configuration serving, and says so.

Here against an API server in memory; tests/chaos takes such walks on a real one, and `make chaos` makes every move.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from poolkeeper.api.installation import Limits
from poolkeeper.kube.client import RESOURCES
from poolkeeper.kube.json_fields import Json, mapping, number, text
from poolkeeper.plan.snapshot import Manifest, Settings
from testing.chaos.objects import still
from testing.walks.moves import moves
from testing.walks.walker import NAMES, POLICY, POOL, Step, walk
from unit.kube.memory_api import MemoryApi

LONGEST = 8
NAMESPACE = "walks-of-a-team"
STATUS = "/status"
UNLIMITED, LIMITED = Settings("router:1", "probe:1", flapping_pace_s=0), Settings("router:1", limits=Limits())


class StatusApi(MemoryApi):
    """As far as a walk needs it: status is a part of its object, and a new spec is a new generation."""

    written = 0

    async def _call(self, method: str, *arguments: Any, **named: Any) -> Json | None:
        self.written += method != "GET"
        return await super()._call(method, *arguments, **named)

    def put(self, path: str, body: Manifest) -> Json:
        known = self.objects.get(path, {})
        is_new = mapping(known, "spec") != mapping(body, "spec")
        generation = number(known, "metadata", "generation") + is_new
        return super().put(path, {**body, "metadata": {**mapping(body, "metadata"), "generation": generation}})

    def _applied(self, path: str, body: Manifest) -> Json:
        if not path.endswith(STATUS):
            known = self.objects.get(path)
            if known:  # annotations that we no longer apply are gone: they are nobody else's
                kept = {name: value for name, value in mapping(known, "metadata").items() if name != "annotations"}
                same = mapping(known, "metadata", "annotations") == mapping(body, "metadata", "annotations")
                self.objects[path] = known if same else {**known, "metadata": kept}
            return super()._applied(path, body)
        known = self.objects[path.removesuffix(STATUS)]
        if known.get("status") == body["status"]:
            return known
        return self.put(path.removesuffix(STATUS), {**known, "status": body["status"]})


class ForgetsNothingApi(StatusApi):
    def _applied(self, path: str, body: Manifest) -> Json:
        known = self.objects.get(path, {})
        return super()._applied(path, {**body, **{name: known[name] for name in ("spec",) if name in known}})


@dataclass
class MemoryWorld:
    api: StatusApi = field(default_factory=StatusApi)

    @property
    def writes(self) -> int:
        return self.api.written

    def declare(self, namespace: str, body: dict[str, Any]) -> bool:
        """It takes everything: there are API servers whose schema is older than the operator."""
        path = RESOURCES[body["kind"]].path(namespace, body["metadata"]["name"])
        known = self.api.objects.get(path, {})
        metadata = {**mapping(known, "metadata"), **body["metadata"], "namespace": namespace}
        self.api.put(path, {**known, **body, "metadata": metadata})
        return True

    def forget(self, namespace: str) -> None:
        gone = [at for at, body in self.api.objects.items() if text(body, "metadata", "namespace") == namespace]
        for at in gone:
            self.api.remove(at)

    def state(self, namespace: str) -> Json:
        return dict(self._state(namespace))

    def _state(self, namespace: str) -> Iterator[tuple[str, Json]]:
        for body in self.api.objects.values():
            kind = text(body, "kind")
            if text(body, "metadata", "namespace") == namespace and kind != "Event":
                name = text(body, "metadata", "name")
                yield f"{kind} {name}", still(body, namespace, keep_status=kind in NAMES)


STEPS = st.one_of(
    st.builds(Step, st.just(POOL), st.sampled_from(moves(POOL))),
    st.builds(Step, st.just(POLICY), st.sampled_from(moves(POLICY))),
    st.just(Step(POOL, None)),
)
"""None: the operator starts again."""


@settings(max_examples=15)
@given(st.lists(STEPS, min_size=1, max_size=LONGEST), st.sampled_from([UNLIMITED, LIMITED]))
def test_any_walk(steps: list[Step], of: Settings) -> None:
    walked = asyncio.run(walk(MemoryWorld(), NAMESPACE, steps, of))

    assert walked.wrong == []


def test_a_walk_sees_a_child_that_keeps_what_is_no_longer_declared() -> None:
    """An API server that forgets nothing, as if no field were ever removed."""
    world = MemoryWorld(ForgetsNothingApi())
    ports = [move for move in moves(POOL) if move.name in ("router.service.port = 1", "router.service.port removed")]

    walked = asyncio.run(walk(world, NAMESPACE, [Step(POOL, move) for move in ports], UNLIMITED))

    assert "router.service.port = 1" in walked.wrong[0]


def test_a_walk_knows_what_is_held() -> None:
    nonsense = [move for move in moves(POOL) if move.name == "endpoints[].mode = 'Nonsense'"]

    walked = asyncio.run(walk(MemoryWorld(), NAMESPACE, [Step(POOL, move) for move in nonsense], UNLIMITED))

    assert (walked.steps, walked.held, walked.wrong) == (1, 1, [])
