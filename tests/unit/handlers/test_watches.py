"""kopf against an API server that gives every answer it should not: changes are still noticed, failures are named."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from kubernetes.aio.client.configuration import Configuration

from poolkeeper.errors import RetryLater
from poolkeeper.handlers.enqueue import Inbox
from poolkeeper.handlers.watch.answers import LARGEST_EVENT_BYTES, Place
from poolkeeper.handlers.watch.scopes import Scopes
from poolkeeper.handlers.watch.streams import Patience, Stream, Watching
from poolkeeper.handlers.watch.watches import Wanted, Watches
from poolkeeper.kube.client import PAGE_OBJECTS, Cluster
from poolkeeper.kube.store import Ref, Store
from testing.fakes.kube import hostile
from testing.fakes.kube.server import ApiServer
from unit.kube.things import pod, pool

pytestmark = pytest.mark.slow  # it waits for time-outs, one after the other

GUARD_S = 30.0
"""A hang guard, never an expectation."""
KINDS = ("EndpointPool", "Pod")
POOLS = "/apis/poolkeeper.dev/v1alpha1/namespaces/{}/endpointpools/{}"
PODS = "/api/v1/namespaces/{}/pods/{}"
PLURALS = {"EndpointPool": "endpointpools", "Pod": "pods"}
QUICK = Patience(watch_s=0.5, silent_s=0.3, settled_s=0.2, failing_s=0.2, dead_s=3.0, answer_s=1.0)

HOSTILE = {
    "an ERROR of etcd (500)": hostile.error_event(500),
    "an ERROR: too old (410)": hostile.error_event(410),
    "an ERROR: not allowed any more (403)": hostile.error_event(403),
    "an ERROR without anything": hostile.stream(hostile.event("ERROR", None)),
    "a page of HTML": hostile.page(),
    "an empty answer": hostile.answer(200),
    "null": hostile.answer(200, b"null"),
    "a Status with 200": hostile.answer(200, {"kind": "Status", "code": 500}),
    "401": hostile.refusal(401),
    "403": hostile.refusal(403),
    "404": hostile.refusal(404),
    "410": hostile.refusal(410),
    "429": hostile.refusal(429),
    "500": hostile.refusal(500),
    "503 of a load balancer": hostile.answer(503, b"<html>no backend</html>", "text/html"),
    "204": hostile.answer(204),
    "302": hostile.answer(302),
    "half a line": hostile.stream(b'{"type": "ADDED", "object": {"meta'),
    "half a line, then cut": hostile.stream(b'{"type": "ADDED", "object": {"meta', whole=False),
    "cut in the head": hostile.Play(b"HTTP/1.1 200 O"),
    "no HTTP": hostile.Play(b"\x15\x03\x01 what?\r\n\r\n"),
    "closed at once": hostile.Play(b""),
    "an event without an object": hostile.stream(b'{"type": "MODIFIED"}\n'),
    "an event without metadata": hostile.stream(hostile.event("ADDED", {})),
    "an event of no known type": hostile.stream(hostile.event("PARTIAL", {})),
    "an event that is a list": hostile.stream(b"[1, 2]\n"),
    "no UTF-8": hostile.stream(b'{"type": "\xff\xfe"}\n'),
    "nested beyond reason": hostile.stream(b"[" * 50_000 + b"\n"),
    "an event without end": hostile.stream(b"x" * (LARGEST_EVENT_BYTES + (1 << 20)), whole=False),
    "ended at once": hostile.stream(),
    "silence": hostile.silence(),
    "no answer": hostile.no_answer(),
}


class Bed:
    """What the operator does with watches: a store that is filled, and turns."""

    def __init__(self, server: ApiServer, namespaces: tuple[str, ...] = (), patience: Patience = QUICK) -> None:
        self.turns: list[Ref] = []
        self.store = Store()
        scopes = Scopes(KINDS, namespaces, self.turns.append)
        inbox = Inbox(self.store, scopes.tell, scopes.has_listed)
        wanted = Wanted(namespaces, gives_up=lambda: True, patience=patience, kinds=KINDS)
        self.watches = Watches(Cluster(Configuration(host=server.url)), wanted, inbox)

    def look(self) -> Watching:
        return self.watches.look()

    def break_kopf(self, place: Place) -> None:
        """What is asked there raises what nobody has thought of."""
        del self.watches.streams[place]
        self.watches.streams[Place("Nobody", "asks")] = Stream(place, 0, 0)

    def knows(self, ref: Ref) -> bool:
        return self.store.get(ref) is not None


async def until(what: str, is_so: Callable[[], bool], running: asyncio.Task[None] | None = None) -> None:
    end_s = time.monotonic() + GUARD_S
    while not is_so():
        assert time.monotonic() < end_s, f"waited {GUARD_S:.0f} s for {what}"
        if running and running.done():
            running.result()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def watched(bed: Bed) -> AsyncIterator[asyncio.Task[None]]:
    running = asyncio.create_task(bed.watches.run())
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(bookmark_s=0.2) as server:
        server.objects.put(POOLS.format("team", "chat"), pool())
        yield server


def run(story: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(story, timeout=2 * GUARD_S))


def _left_out(seen: Watching) -> list[str]:
    """Those, while nothing else is wrong."""
    return [] if seen.problems else list(seen.unreadable)


CHAT, NEW = Ref("EndpointPool", "team", "chat"), Ref("EndpointPool", "team", "new")
NEW_POD = Ref("Pod", "team", "new")


def make(server: ApiServer, kind: str) -> Ref:
    """Somebody makes an object, and nobody reports it as an event."""
    if kind == "Pod":
        server.objects.put(PODS.format("team", "new"), pod("new"), tell=False)
        return NEW_POD
    server.objects.put(POOLS.format("team", "new"), pool("new", uid="new"), tell=False)
    return NEW


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("play", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_watch_that_goes_wrong_is_mended_by_a_new_one(server: ApiServer, kind: str, play: hostile.Play) -> None:
    async def story() -> None:
        bed = Bed(server)
        async with watched(bed) as running:
            await until("the first lists", lambda: CHAT in bed.turns, running)
            server.play(PLURALS[kind], "watch", play)
            await until("the answer to be given", lambda: not server.is_playing, running)
            server.objects.put(POOLS.format("team", "new"), pool("new", uid="new"))
            server.objects.put(PODS.format("team", "new"), pod("new"))
            await until("what changed then", lambda: bed.knows(NEW) and bed.knows(NEW_POD), running)
            await until("all to be well", lambda: not bed.look().problems, running)

    run(story())


LIES = ["a page of HTML", "an empty answer", "a Status with 200", "403", "404", "410", "429", "500", "302", "no HTTP"]
LIES += ["closed at once", "cut in the head", "null", "401", "503 of a load balancer"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LIES)
def test_a_list_that_goes_wrong_is_asked_for_again(server: ApiServer, kind: str, name: str) -> None:
    async def story() -> None:
        server.play(PLURALS[kind], "list", HOSTILE[name], times=2)
        bed = Bed(server)
        async with watched(bed) as running:
            await until("the first turn", lambda: CHAT in bed.turns, running)
            assert len(server.requests(PLURALS[kind], "list")) == 3

    run(story())


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_an_api_server_that_is_too_busy_is_asked_no_sooner_than_it_wants(server: ApiServer, verb: str) -> None:
    async def story() -> None:
        bed, pods, none = Bed(server), Place("Pod", ""), Stream(Place("Pod", ""), 0, 0)
        server.play("pods", verb, hostile.too_busy(2), times=2)
        async with watched(bed) as running:
            await until("the first refusal", lambda: "429" in bed.watches.streams.get(pods, none).wrong, running)
            began_s = time.monotonic()
            await until("the answers to be given", lambda: not server.is_playing, running)
            assert time.monotonic() - began_s > 1.5
            await until("all to be well", lambda: CHAT in bed.turns and not bed.look().problems, running)

    run(story())


def test_an_object_without_a_name_in_a_list_refuses_the_list(server: ApiServer) -> None:
    async def story() -> None:
        body = {"metadata": {"resourceVersion": "9"}, "items": [pod(), {"metadata": {}}]}
        server.play("pods", "list", hostile.answer(200, json.dumps(body).encode()))
        bed = Bed(server)
        async with watched(bed) as running:
            await until("the first turn", lambda: CHAT in bed.turns, running)
            assert not bed.knows(Ref("Pod", "team", "chat-router-1"))

    run(story())


@pytest.mark.parametrize("fails", [False, True], ids=["at once", "after a page that has expired"])
def test_a_list_comes_in_pages_and_goes_on_as_one(server: ApiServer, fails: bool) -> None:
    """Else an old Pod would seem to be gone while the rest of the list is on its way."""
    names = [f"pod-{number}" for number in range(2 * PAGE_OBJECTS + 1)]
    for name in names:
        server.objects.put(PODS.format("team", name), pod(name))

    async def story() -> None:
        bed = Bed(server)
        if fails:
            server.play("pods", "list", hostile.answer(200, _first_page(server)))
            server.play("pods", "list", hostile.refusal(410))
        async with watched(bed) as running:
            await until("the first turn", lambda: CHAT in bed.turns, running)
            assert all(bed.knows(Ref("Pod", "team", name)) for name in names)
            assert len(server.requests("pods", "list")) == (5 if fails else 3)

    run(story())


def _first_page(server: ApiServer) -> bytes:
    metadata = {"resourceVersion": str(server.objects.version), "continue": "x"}
    return json.dumps({"metadata": metadata, "items": [pod("gone-by-then")]}).encode()


@pytest.mark.parametrize("how", ["an ERROR of etcd (500)", "an ERROR: too old (410)", "a page of HTML", "403"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_changed_unseen_is_found_by_the_new_list(server: ApiServer, kind: str, how: str) -> None:
    """Made, and gone, while nobody could see it."""

    async def story() -> None:
        server.objects.put(PODS.format("team", "old"), pod("old"))
        server.objects.put(POOLS.format("team", "old"), pool("old", uid="old"))
        old = Ref(kind, "team", "old")
        bed = Bed(server)
        async with watched(bed) as running:
            await until("the first lists", lambda: bed.knows(old) and CHAT in bed.turns, running)
            new = make(server, kind)
            server.objects.remove((PODS if kind == "Pod" else POOLS).format("team", "old"), tell=False)
            server.play(PLURALS[kind], "watch", HOSTILE[how])
            await until("what changed then", lambda: bed.knows(new) and not bed.knows(old), running)

    run(story())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "how", ["403", "500", "a page of HTML", "silence", "no answer", "ended at once", "half a line"]
)
def test_a_watch_that_does_not_mend_is_named_and_the_other_kinds_go_on(server: ApiServer, kind: str, how: str) -> None:
    other = KINDS[1 - KINDS.index(kind)]

    async def story() -> None:
        bed = Bed(server)
        async with watched(bed) as running:
            await until("the first lists", lambda: CHAT in bed.turns, running)
            server.play(PLURALS[kind], "watch", HOSTILE[how], times=float("inf"))
            await until("the kind to be named", lambda: set(bed.look().problems) == {kind}, running)
            server.objects.put(POOLS.format("team", "new"), pool("new", uid="new"))
            server.objects.put(PODS.format("team", "new"), pod("new"))
            of_other = NEW_POD if other == "Pod" else NEW
            await until(f"the change of {other}", lambda: bed.knows(of_other), running)
            server.stop_playing()
            server.cut()
            await until("all to be well again", lambda: not bed.look().problems, running)

    run(story())


def test_the_age_of_a_kind_grows_while_it_is_silent_and_only_then(server: ApiServer) -> None:
    async def story() -> None:
        bed = Bed(server)
        async with watched(bed) as running:
            await until("the first lists", lambda: CHAT in bed.turns, running)
            server.play("pods", "watch", HOSTILE["no answer"], times=float("inf"))
            await until("silence", lambda: bed.watches.age_s("Pod") > 1.5, running)
            assert bed.watches.age_s("EndpointPool") < bed.watches.age_s("Pod")

    run(story())


def test_a_namespace_that_goes_away_is_one_less(server: ApiServer) -> None:
    async def story() -> None:
        server.objects.put(POOLS.format("b", "chat"), pool(namespace="b"))
        bed = Bed(server, ("team", "b"))
        async with watched(bed) as running:
            both = {CHAT, Ref("EndpointPool", "b", "chat")}
            await until("both namespaces", lambda: both <= set(bed.turns), running)
            for plural in PLURALS.values():
                for verb in ("list", "watch"):
                    server.play(plural, verb, hostile.refusal(403), times=float("inf"), namespace="b")
            await until("b to be left out", lambda: _left_out(bed.look()) == ["b"], running)
            server.objects.put(POOLS.format("team", "new"), pool("new", uid="new"))
            await until("a change in the other", lambda: NEW in bed.turns, running)

            server.stop_playing()
            await until("b to be read again", lambda: not bed.look().unreadable, running)

    run(story())


def test_a_namespace_that_cannot_be_read_at_the_start_holds_up_no_other(server: ApiServer) -> None:
    async def story() -> None:
        for verb in ("list", "watch"):
            for plural in PLURALS.values():
                server.play(plural, verb, hostile.refusal(403), times=float("inf"), namespace="b")
        bed = Bed(server, ("team", "b"))
        async with watched(bed) as running:
            await until("the other's turn", lambda: CHAT in bed.turns, running)
            await until("b to be left out", lambda: _left_out(bed.look()) == ["b"], running)

    run(story())


def test_when_nothing_can_be_watched_it_ends_and_says_why(server: ApiServer) -> None:
    async def story() -> None:
        bed = Bed(server, patience=replace(QUICK, hopeless_s=0.5))
        async with watched(bed) as running:
            await until("the first lists", lambda: CHAT in bed.turns, running)
            for plural in PLURALS.values():
                for verb in ("list", "watch"):
                    server.play(plural, verb, hostile.refusal(403), times=float("inf"))
            with pytest.raises(RetryLater, match=r"nothing can be watched for .*EndpointPool.*403"):
                await asyncio.wait_for(running, GUARD_S)

    run(story())


def test_when_kopf_ends_it_ends(server: ApiServer) -> None:
    """Whatever may end kopf, or hang it: its streams are not asked for any more."""

    async def story() -> None:
        bed = Bed(server)
        async with watched(bed) as running:
            await until("the first lists", lambda: CHAT in bed.turns, running)
            bed.break_kopf(Place("Pod", ""))
            server.cut_watches()
            with pytest.raises(RetryLater, match="watching has ended"):
                await asyncio.wait_for(running, GUARD_S)

    run(story())


def test_nobody_is_asked_which_kinds_there_are(server: ApiServer) -> None:
    async def story() -> None:
        bed = Bed(server)
        async with watched(bed) as running:
            await until("the first lists", lambda: CHAT in bed.turns, running)
        assert {one.plural for one in server.asked} == set(PLURALS.values())

    run(story())
