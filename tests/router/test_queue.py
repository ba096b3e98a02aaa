"""The queue: who waits while every endpoint is full, in which order, how long, and how one gets out of it."""

import contextlib
import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc, ModelRoute, PolicyDoc, QueueDoc
from router.harness import MODEL, PATIENCE_S, Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.harness import FakeProvider

NEWCOMERS = 8
OTHER_MODEL = "deepseek-flash"


PATIENT = policy(timeouts={"connect_ms": 20_000, "first_token_ms": 20_000, "inter_token_ms": 20_000})
"""No endpoint is slow for these tests, however busy the machine is."""


def queueing(max_wait_ms: int = 20_000, max_depth: int = 100, on: PolicyDoc = PATIENT) -> PolicyDoc:
    return on.model_copy(update={"queue": QueueDoc(max_wait_ms=max_wait_ms, max_depth=max_depth)})


def clients(**priorities: int) -> AccessDoc:
    return AccessDoc(
        mode="Keys",
        clients=tuple(
            ClientDoc(name=name, key_file=name, source=f"Secret clients, key {name}", priority=priority)
            for name, priority in priorities.items()
        ),
    )


@pytest.fixture
def routers(tmp_path: Path) -> Iterator[Router]:
    """Four workers."""
    with Router(tmp_path, workers=4, allowed_errors=r"exited on signal 9|recv\(\) failed \(104") as router:
        for name in ("web", "batch"):
            router.write_key(name, f"client-{name}", folder="clients")
        yield router


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool


def depth(router: Router) -> int:
    """How many wait, in all priorities."""
    return sum(int(count) for count in re.findall(r"^poolkeeper_queue_depth{.*} (\d+)$", router.metrics(), re.M))


def ask(
    router: Router, says: str = "hello", key: str = "", headers: dict[str, str] | None = None, **body: object
) -> httpx.Response:
    """A caller with a connection of its own, so that any worker may have it."""
    found = {"messages": [{"role": "user", "content": says}], **body}
    shown = {"authorization": f"Bearer client-{key}"} if key else {}
    return plain_http.post(
        f"{router.url}/v1/chat/completions",
        json=request(**found),
        headers={**shown, **(headers or {})},
        timeout=PATIENCE_S,
    )


class Busy:
    """A stream that holds an endpoint's only place until it is let go."""

    def __init__(self, router: Router, fake: FakeProvider, headers: dict[str, str] | None = None) -> None:
        self._gone = threading.Event()
        self._router, self._headers = router, headers
        self._fake = fake
        self._thread = threading.Thread(target=self._hold)

    def __enter__(self) -> "Busy":
        self._fake.set("ok", tokens=100_000, token_interval_ms=20)
        self._thread.start()
        self._fake.wait_for(lambda entries: len(entries) > 0)
        self._fake.set("ok")
        return self

    def _hold(self) -> None:
        url = f"{self._router.url}/v1/chat/completions"
        with plain_http.stream(
            "POST", url, json=request(stream=True), headers=self._headers, timeout=PATIENCE_S
        ) as response:
            pieces = response.iter_bytes()  # kept: without it the response is closed
            next(pieces)
            self._gone.wait(PATIENCE_S)

    def let_go(self) -> None:
        self._gone.set()
        self._thread.join(PATIENCE_S)

    def __exit__(self, *_: object) -> None:
        self.let_go()


def queue_up(router: Router, callers: ThreadPoolExecutor, *asks: dict[str, str]) -> list[Future[httpx.Response]]:
    """One after the other, each waiting before the next one comes."""
    before = depth(router)
    waiting = []
    for number, fields in enumerate(asks, start=before + 1):
        waiting.append(callers.submit(ask, router, fields.get("says", "hello"), fields.get("key", "")))
        eventually(lambda number=number: depth(router) == number, f"{number} wait")  # type: ignore[misc]
    return waiting


def asked_in_order(fake: FakeProvider) -> list[str]:
    bodies = [json.loads(entry.body) for entry in fake.wait_idle() if entry.body]
    return [body["messages"][0]["content"] for body in bodies]


def test_all_are_served_and_the_ceiling_holds_over_all_workers(
    routers: Router, a: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    a.set("ok", tokens=8, token_interval_ms=10)
    routers.serve(endpoint("a", a, max_connections=3), policy=queueing())

    answers = list(callers.map(lambda _: ask(routers, stream=True), range(60)))

    assert {answer.status_code for answer in answers} == {200}
    assert a.stats().max_in_flight == 3
    assert a.stats().total == 60


def test_who_came_first_is_served_first_whichever_worker_has_him(
    routers: Router, a: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    routers.serve(endpoint("a", a, max_connections=1), policy=queueing())
    names = [f"caller {number}" for number in range(12)]

    with Busy(routers, a):
        waiting = queue_up(routers, callers, *({"says": name} for name in names))

    assert {one.result().status_code for one in waiting} == {200}
    assert asked_in_order(a)[1:] == names


def test_a_newcomer_does_not_go_past_those_who_wait(
    routers: Router, a: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    """They come all the time, on all workers; nobody who waits is overtaken by many."""
    a.set("ok", tokens=4, token_interval_ms=5)
    routers.serve(endpoint("a", a, max_connections=2), policy=queueing())
    came: list[str] = []

    def come_again(caller: int) -> None:
        for number in range(12):
            says = f"{caller}, {number}"
            came.append(says)
            assert ask(routers, says, stream=True).status_code == 200

    list(callers.map(come_again, range(NEWCOMERS)))

    served = asked_in_order(a)
    place = {says: number for number, says in enumerate(served)}
    overtaken = [sum(place[later] < place[says] for later in came[number + 1 :]) for number, says in enumerate(came)]
    assert len(served) == len(came) == 12 * NEWCOMERS
    assert max(overtaken) <= 4 * NEWCOMERS  # the last to come first would be three times as many


def test_premium_callers_come_first_and_the_others_are_not_starved(
    routers: Router, a: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    routers.serve(endpoint("a", a, max_connections=1), policy=queueing(), access=clients(web=0, batch=1))

    with Busy(routers, a, headers={"authorization": "Bearer client-web"}):
        waiting = queue_up(routers, callers, *({"says": "batch", "key": "batch"} for _ in range(10)))
        waiting += queue_up(routers, callers, *({"says": "web", "key": "web"} for _ in range(15)))

    assert {one.result().status_code for one in waiting} == {200}
    served = asked_in_order(a)[1:]
    assert served[:15].count("web") == 12  # four of five
    assert served[0] == "web"


def test_a_client_may_ask_for_a_later_place_but_not_for_an_earlier_one(
    routers: Router, a: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    routers.serve(endpoint("a", a, max_connections=1), policy=queueing(), access=clients(web=0, batch=1))

    def said(priority: str) -> dict[str, str]:
        return {"x-poolkeeper-priority": priority}

    with Busy(routers, a, headers={"authorization": "Bearer client-web"}):
        later = callers.submit(ask, routers, "later", "web", said("1"))
        eventually(lambda: 'queue_depth{priority="1"} 1' in routers.metrics(), "it waits behind")
        not_earlier = callers.submit(ask, routers, "not earlier", "batch", said("0"))
        eventually(lambda: 'queue_depth{priority="1"} 2' in routers.metrics(), "this one, too")
        web = callers.submit(ask, routers, "web", "web")
        eventually(lambda: 'queue_depth{priority="0"} 1' in routers.metrics(), "and one before them")

    assert {one.result().status_code for one in (later, not_earlier, web)} == {200}
    assert asked_in_order(a)[1:] == ["web", "later", "not earlier"]


def test_who_waits_too_long_gets_an_error(routers: Router, a: FakeProvider) -> None:
    routers.serve(endpoint("a", a, max_connections=1), policy=queueing(max_wait_ms=100))

    with Busy(routers, a):
        answer = ask(routers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "queue_timeout")
    assert int(answer.headers["retry-after"]) >= 1
    assert "none became free within" in answer.json()["error"]["message"]
    eventually(lambda: 'shed_total{code="queue_timeout",client=""} 1' in routers.metrics(), "it is counted")
    waited = 'queue_wait_seconds_count{priority="0",outcome="timed_out"} 1'
    eventually(lambda: waited in routers.metrics(), "its wait is measured")


def test_a_request_waits_no_longer_than_its_own_time_limit(routers: Router, a: FakeProvider) -> None:
    short = policy(timeouts={"request_ms": 200})
    routers.serve(endpoint("a", a, max_connections=1))

    with Busy(routers, a):
        routers.serve(endpoint("a", a, max_connections=1), policy=queueing(max_wait_ms=3_600_000, on=short))
        assert ask(routers).json()["error"]["code"] == "queue_timeout"


def test_one_more_than_may_wait_gets_an_error_at_once(
    routers: Router, a: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    routers.serve(endpoint("a", a, max_connections=1), policy=queueing(max_depth=3))

    with Busy(routers, a):
        waiting = queue_up(routers, callers, {}, {}, {})
        refused = ask(routers)

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "queue_full")
    assert int(refused.headers["retry-after"]) >= 1
    assert {one.result().status_code for one in waiting} == {200}


def test_a_long_line_of_one_priority_takes_no_place_from_another(
    routers: Router, a: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    routers.serve(endpoint("a", a, max_connections=1), policy=queueing(max_depth=4), access=clients(web=0, batch=1))

    with Busy(routers, a, headers={"authorization": "Bearer client-web"}):
        waiting = queue_up(routers, callers, *({"key": "batch"} for _ in range(2)))
        assert ask(routers, key="batch").json()["error"]["code"] == "queue_full"
        waiting += queue_up(routers, callers, *({"key": "web"} for _ in range(2)))

    assert {one.result().status_code for one in waiting} == {200}


def test_a_caller_that_goes_leaves_the_queue(routers: Router, a: FakeProvider, callers: ThreadPoolExecutor) -> None:
    routers.serve(endpoint("a", a, max_connections=1), policy=queueing(max_depth=3))

    with Busy(routers, a):
        stays = queue_up(routers, callers, {"says": "stays"})
        for _ in range(5):  # more than there are places: each gives its own back
            with contextlib.suppress(httpx.ReadTimeout):
                plain_http.post(f"{routers.url}/v1/chat/completions", json=request(), timeout=0.15)
            eventually(lambda: depth(routers) == 1, "who has gone does not wait")
        last = queue_up(routers, callers, {"says": "last"})

    assert [one.result().status_code for one in (*stays, *last)] == [200, 200]
    assert asked_in_order(a)[1:] == ["stays", "last"]


def test_killed_workers_take_those_who_wait_with_them_and_hold_nobody_up(routers: Router, a: FakeProvider) -> None:
    routers.serve(endpoint("a", a, max_connections=1), policy=queueing())
    with Busy(routers, a):
        waiting = [threading.Thread(target=ask_until_cut, args=(routers,)) for _ in range(8)]
        for one in waiting:
            one.start()
        eventually(lambda: depth(routers) == 8, "eight wait")

        before = routers.worker_pids()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: len(set(routers.worker_pids()) - set(before)) == 4, "new workers are there")
        for one in waiting:
            one.join(PATIENCE_S)

        eventually(lambda: depth(routers) == 0, "nobody waits")
        assert ask(routers).status_code == 200


def ask_until_cut(router: Router) -> None:
    with contextlib.suppress(httpx.TransportError):
        ask(router)


def test_a_request_that_failed_elsewhere_waits_for_the_full_backup(
    routers: Router, a: FakeProvider, b: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    routers.serve(endpoint("b", b, max_connections=1), policy=queueing())
    with Busy(routers, b):
        a.set("error500")
        routers.serve(endpoint("a", a), endpoint("b", b, tier=1, max_connections=1), policy=queueing())
        waiting = queue_up(routers, callers, {})

    answer = waiting[0].result()
    assert (answer.status_code, answer.headers["x-poolkeeper-endpoint"]) == (200, "b")


def test_who_waits_for_one_model_holds_up_nobody_who_asks_for_another(
    routers: Router, a: FakeProvider, b: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    other = (ModelRoute(name=OTHER_MODEL, upstream_name=OTHER_MODEL),)
    one = (ModelRoute(name=MODEL, upstream_name=MODEL),)
    routers.serve(
        endpoint("a", a, max_connections=1, models=one),
        endpoint("b", b, max_connections=1, models=other),
        models=(MODEL, OTHER_MODEL),
        policy=queueing(),
    )

    with Busy(routers, a):
        waiting = queue_up(routers, callers, {})
        assert ask(routers, model=OTHER_MODEL).status_code == 200

    assert waiting[0].result().status_code == 200


def test_an_endpoint_that_comes_back_serves_those_who_wait(
    routers: Router, a: FakeProvider, b: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    routers.serve(endpoint("a", a, max_connections=1), endpoint("b", b, mode="Draining"), policy=queueing())
    with Busy(routers, a):
        b.set("rate_limit")
        in_backoff = policy(retry={"busy_backoff_ms": (400,)})
        routers.serve(endpoint("a", a, max_connections=1), endpoint("b", b), policy=queueing(on=in_backoff))
        waiting = callers.submit(ask, routers)  # asks b, is refused, waits for a
        b.wait_for(lambda entries: len(entries) > 0)
        b.set("ok")
        more = callers.submit(ask, routers)

        assert more.result().headers["x-poolkeeper-endpoint"] == "b"

    assert waiting.result().status_code == 200


def test_a_share_that_shrinks_lets_nobody_new_in_until_there_is_room(
    routers: Router, a: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    """Another router has come: what is in flight goes on, and more only when there is less than the new share."""
    a.set("ok", tokens=60, token_interval_ms=20)
    routers.serve(endpoint("a", a, max_connections=6), policy=queueing())
    streams = [callers.submit(ask, routers, stream=True) for _ in range(6)]
    eventually(lambda: routers.endpoint("a").in_flight == 6, "six are in flight")

    routers.serve(endpoint("a", a, max_connections=2), policy=queueing())
    a.set("ok", tokens=4, token_interval_ms=20)
    waiting = [callers.submit(ask, routers, stream=True) for _ in range(4)]
    eventually(lambda: depth(routers) == 4, "four wait")

    assert a.stats().total == 6
    assert {one.result().status_code for one in (*streams, *waiting)} == {200}
    entries = a.wait_idle()
    ended = sorted(entry.ended_monotonic_s for entry in entries[:6] if entry.ended_monotonic_s is not None)
    assert entries[6].started_monotonic_s >= ended[4]  # five of the six were gone: one in flight, one more may be


ONE_PLACE = {"web": ("a",), "batch": ("b",), "all": ("a", "b")}
"""Client -> the endpoints that it may use; each endpoint has one place."""
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]


def serve_one_place_each(router: Router, a: FakeProvider, b: FakeProvider, **of_a: object) -> None:
    clients_of = tuple(
        ClientDoc(name=name, key_file=name, source=f"Secret clients, key {name}", allowed_endpoints=allowed)
        for name, allowed in ONE_PLACE.items()
    )
    for name in ONE_PLACE:
        router.write_key(name, f"client-{name}", folder="clients")
    router.serve(
        endpoint("a", a, max_connections=1, **of_a), endpoint("b", b, max_connections=1),
        access=AccessDoc(mode="Keys", clients=clients_of), policy=queueing(),
    )  # fmt: skip


def bearer(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer client-{name}"}


def test_who_waits_for_the_only_endpoint_it_may_use_holds_up_nobody_who_may_use_another(
    router: Router, a: FakeProvider, b: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    """One worker, so that all stand in its lines: in the same one, the first would keep all others from looking."""
    serve_one_place_each(router, a, b)
    with Busy(router, a, bearer("web")):
        with Busy(router, b, bearer("batch")):
            first, *others = queue_up(router, callers, {"key": "web"}, {"key": "batch"}, {"key": "all"})
        assert [one.result().headers["x-poolkeeper-endpoint"] for one in others] == ["b", "b"]
        assert not first.done()
        assert ask(router, key="batch").status_code == 200, "a newcomer goes past who cannot go where it goes"

    assert first.result().headers["x-poolkeeper-endpoint"] == "a"


def test_a_request_that_one_endpoint_lacks_the_feature_for_waits_for_the_other_alone(
    router: Router, a: FakeProvider, b: FakeProvider, callers: ThreadPoolExecutor
) -> None:
    serve_one_place_each(router, a, b, lacks=("images",))
    with Busy(router, b, bearer("batch")):
        with Busy(router, a, bearer("web")):
            image = callers.submit(ask, router, "hello", "all", messages=IMAGE)
            eventually(lambda: depth(router) == 1, "the image waits")
            text = callers.submit(ask, router, "hello", "all")
            eventually(lambda: depth(router) == 2, "the text waits behind it")
        assert text.result().headers["x-poolkeeper-endpoint"] == "a"
        assert not image.done()

    assert image.result().headers["x-poolkeeper-endpoint"] == "b"
