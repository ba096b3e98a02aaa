"""An API server (or somebody with the right to write) that puts nonsense into any place of any object: no turn ends in
an error that nobody has thought of, and once the truth is back all is as before, without a write more than it takes."""

import asyncio
import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from poolkeeper.errors import PoolkeeperError
from poolkeeper.kube.client import RESOURCES
from poolkeeper.kube.json_fields import mapping, text
from poolkeeper.plan.snapshot import Settings
from testing.chaos.objects import difference
from testing.walks.walker import POLICY, POOL, Walker
from unit.kube import things
from unit.kube.test_walks import MemoryWorld

NAMESPACE = things.KEY.namespace
SETTINGS = Settings("router:1", "probe:1", flapping_pace_s=0)
Place = tuple[str | int, ...]
NONSENSE: tuple[object, ...] = (
    None,
    True,
    -1,
    10**30,
    1.5,
    float("inf"),
    float("nan"),
    "",
    "x" * 5000,
    "\x1b[31m\u202e\x00",
    "\ufffd",
    "2199-01-01T00:00:00",
    "0001-01-01T00:00:00+14:00",
    [],
    {},
    [None],
    [[]],
    [{}, {"name": None}],
    {"": ""},
    {"name": {"name": []}},
)


class Bed:
    """A pool with a child of each kind, its policy and a router Pod, settled."""

    def __init__(self) -> None:
        self.world = MemoryWorld()
        self.walker = Walker(self.world, NAMESPACE, SETTINGS)
        self.walker.specs[POOL] |= {
            "failoverPolicyRef": {"name": "standard"},
            "probe": {"schedule": "0 0 * * *"},
            "router": {"replicas": 2, "autoscaling": {"minReplicas": 1, "maxReplicas": 4}},
        }
        self.walker.declare()
        asyncio.run(self.walker.settle())
        self._deploy()
        asyncio.run(self.walker.settle())
        self.true = copy.deepcopy(self.world.api.objects)
        self.state = self.walker.state()

    def _deploy(self) -> None:
        """What a cluster makes of the Deployment."""
        api = self.world.api
        path = RESOURCES["Deployment"].path(NAMESPACE, "chat-router")
        deployment = api.objects[path]
        status = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "observedGeneration": 9, "conditions": [{}]}
        api.put(path, {**deployment, "status": status})
        (_, replicaset), pod = things.chain(), things.pod()
        owner = things.owner("chat-router", text(deployment, "metadata", "uid"), "Deployment")
        replicaset = {**replicaset, "metadata": {**mapping(replicaset, "metadata"), "ownerReferences": [owner]}}
        api.put(RESOURCES["ReplicaSet"].path(NAMESPACE, "chat-router-5f"), replicaset)
        api.put(RESOURCES["Pod"].path(NAMESPACE, "chat-router-1"), {**pod, "kind": "Pod"})

    def put(self, path: str, body: dict[str, Any]) -> None:
        """As it is, in a new version."""
        self.world.api._version += 1
        metadata = body.get("metadata")
        if isinstance(metadata, dict) and isinstance(metadata.get("resourceVersion"), str):
            body = {**body, "metadata": {**metadata, "resourceVersion": str(self.world.api._version)}}
        self.world.api.objects[path] = body

    async def turn(self) -> None:
        with suppress(PoolkeeperError):  # it is tried again later
            await self.walker._round()


def _places(value: object, at: Place = ()) -> Iterator[Place]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in items:
        yield (*at, step)
        yield from _places(one, (*at, step))


def _with(body: Any, place: Place, value: object) -> Any:
    changed = copy.deepcopy(body)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return changed


BED = Bed()
PLACES = [
    (path, place)
    for path, body in sorted(BED.true.items())
    if text(body, "kind") != "Event"
    for place in _places(body)
    if place != ("kind",)
]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(NONSENSE), st.booleans())
def test_nonsense_in_any_place_of_any_object(of: tuple[str, Place], nonsense: object, starts_again: bool) -> None:
    path, place = of

    asyncio.run(_story(BED, path, _with(BED.true[path], place, nonsense), starts_again))

    assert difference(BED.state, BED.walker.state()) == ""


async def _story(bed: Bed, path: str, lie: dict[str, Any], starts_again: bool) -> None:
    bed.put(path, lie)
    if starts_again:
        bed.walker.restart()
    for _ in range(2):
        await bed.turn()
    for at, body in bed.true.items():
        bed.put(at, copy.deepcopy(body))
    for at in [at for at in bed.world.api.objects if at not in bed.true]:
        bed.world.api.remove(at)
    await bed.walker.settle()


def test_a_bed_has_an_object_of_each_kind() -> None:
    kinds = {text(body, "kind") for body in BED.true.values()}
    assert kinds >= {POOL, POLICY, "ConfigMap", "Service", "Deployment", "CronJob", "HorizontalPodAutoscaler", "Pod"}
    assert json.dumps(BED.true)
