"""What the operator keeps of a pool: a fraction of what the API server sends of it, and as much of the last as of the
first."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest

from poolkeeper.api.router_state import EndpointState, RouterState
from poolkeeper.clock import now
from poolkeeper.handlers.dispatch import Dispatcher
from poolkeeper.handlers.router_poller import Poller
from poolkeeper.handlers.state_fingerprint import meaning
from poolkeeper.handlers.watch.answers import Listing, Place, page
from poolkeeper.kube.backend import KubeBackend
from poolkeeper.kube.client import PAGE_OBJECTS, RESOURCES
from poolkeeper.kube.events import Recorder
from poolkeeper.kube.json_fields import Json, mapping
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Ref, Store
from poolkeeper.plan.snapshot import LivePod, PoolKey, RouterReport, Settings
from poolkeeper.telemetry.metrics import Metrics
from testing.fakes.kube import one_of_many
from testing.fakes.kube.one_of_many import ROUTERS
from unit.kube.memory_api import MemoryApi
from unit.kube.things import pod

FEW, MANY = 30, 90


def pool(name: str) -> Json:
    return one_of_many.pool(name, "team", uid=f"uid-of-{name}", generation=1)


@dataclass
class Routers:
    """Each says the same, in objects of its own."""

    async def ask(
        self, pods: Sequence[LivePod], before: Sequence[RouterReport], now: datetime
    ) -> tuple[RouterReport, ...]:
        return tuple(RouterReport(pod.name, RouterState.model_validate_json(STATE), now) for pod in pods)


STATE = RouterState(
    pool="team/chat",
    generation=1,
    ready=True,
    active_tier=0,
    endpoints=tuple(EndpointState(name=f"endpoint-{one}", fingerprint="f" * 16, health="Healthy") for one in range(4)),
).model_dump_json(by_alias=True)


class Bed:
    """The operator without its watches: they fill the store with what observe() makes of an object."""

    def __init__(self) -> None:
        self.api, self.store, self.metrics = MemoryApi(), Store(), Metrics()
        recorder = Recorder(self.api, "operator-0", now)
        self.turns = Dispatcher(KubeBackend(self.api, self.store, Settings("router:1"), recorder), self.metrics)
        self.poller = Poller(self.store, Routers(), meaning, now, lambda ref: None)
        self.sent: list[str] = []
        """The objects of the pool that was looked at last."""

    async def grow(self, begin: int, end: int) -> None:
        """Every pool is looked at, its routers start and are asked. The API server keeps nothing: it is another's."""
        for number in range(begin, end):
            name = f"pool-{number}"
            self.see(self.api.put(RESOURCES["EndpointPool"].path("team", name), pool(name)))
            for _ in range(2):
                await self.turns.take(Ref("EndpointPool", "team", name))
                self.sent.clear()
                for body in self.api.objects.values():
                    self.see(body)
                self.start_routers(name)
                key = PoolKey("team", name)
                self.store.put_reports(key, await Routers().ask(self.store.pods(key), (), now()))
            self.api.objects.clear()
            self.api.calls.clear()
            self.api.bodies.clear()
        await self.poller.round()
        await asyncio.sleep(0)  # until then its tasks are kept

    def start_routers(self, name: str) -> None:
        deployment = self.store.get(Ref("Deployment", "team", f"{name}-router"))
        assert deployment is not None
        of_deployment = {"kind": "Deployment", "name": f"{name}-router", "uid": deployment.uid, "controller": True}
        owner = {"kind": "ReplicaSet", "name": f"{name}-router-5f", "uid": f"rs-{name}", "controller": True}
        labels = {"poolkeeper.dev/pool": name, "app.kubernetes.io/component": "router"}
        common = {"namespace": "team", "labels": labels, "resourceVersion": "1"}
        of_pods = {**common, "name": f"{name}-router-5f", "uid": f"rs-{name}", "ownerReferences": [of_deployment]}
        self.see({"kind": "ReplicaSet", "metadata": of_pods})
        for number in range(ROUTERS):
            one = pod(f"{name}-router-5f-{number}")
            metadata = {**mapping(one, "metadata"), **common, "ownerReferences": [owner]}
            self.see({**one, "metadata": metadata})

    def see(self, body: Json) -> None:
        text = json.dumps(body)
        self.sent.append(text)
        self.store.put(observe(json.loads(text)))


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def kept() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.slow
def test_a_pool_takes_a_part_of_what_its_objects_take_and_the_last_as_much_as_the_first() -> None:
    async def story() -> tuple[float, float]:
        bed = Bed()
        await bed.grow(0, 1)  # what is made once
        begin, sizes = 1, [kept()]
        for end in (FEW, MANY):
            await bed.grow(begin, end)
            sizes.append(kept())
            begin = end
        assert len(bed.store.reports(PoolKey("team", "pool-7"))) == ROUTERS
        return (sizes[1] - sizes[0]) / (FEW - 1), (sizes[2] - sizes[1]) / (MANY - FEW)

    async def as_objects() -> float:
        """What a cache of whole objects would keep of a pool."""
        bed = Bed()
        await bed.grow(0, 1)
        before = kept()
        objects = [json.loads(text) for text in bed.sent]
        return kept() - before - 8 * len(objects)

    with traced():
        early, late = asyncio.run(story())
        whole = asyncio.run(as_objects())

    assert late < 1.5 * early
    assert late < whole / 2


def test_a_list_takes_what_is_kept_of_it_and_one_page() -> None:
    """In JSON, and as dicts, its objects take many times as much."""

    def pages(objects: int) -> Iterator[bytes]:
        for begin in range(0, objects, PAGE_OBJECTS):
            items = [pod(f"pod-{number}") for number in range(begin, min(objects, begin + PAGE_OBJECTS))]
            rest = str(begin) if begin + PAGE_OBJECTS < objects else ""
            yield json.dumps({"metadata": {"resourceVersion": "7", "continue": rest}, "items": items}).encode()

    def beyond_what_is_kept(objects: int) -> int:
        place = Place("Pod", "")
        listing = Listing(place)
        with traced():
            for data in pages(objects):
                listing.add(page(data, place))
            most = tracemalloc.get_traced_memory()[1]
            assert len(listing.whole().seen) == objects
            return most - kept()

    assert beyond_what_is_kept(10 * PAGE_OBJECTS) < 2 * beyond_what_is_kept(2 * PAGE_OBJECTS)
