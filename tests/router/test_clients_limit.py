"""What one client may have in flight: over all workers, given back however a request ends."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc
from router.harness import MODEL, PATIENCE_S, Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.harness import FakeProvider


def access(**limits: int) -> AccessDoc:
    """Clients by name, each with the key `client-NAME`."""
    return AccessDoc(
        mode="Keys",
        clients=tuple(
            ClientDoc(name=name, key_file=name, source=f"Secret clients, key {name}", max_connections=limit)
            for name, limit in limits.items()
        ),
    )


def key(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer client-{name}"}


@pytest.fixture
def served(tmp_path: Path, a: FakeProvider) -> Iterator[Router]:
    """Two workers, an endpoint with plenty of room, two clients."""
    patient = policy(timeouts={"connect_ms": 20_000, "first_token_ms": 20_000, "inter_token_ms": 20_000})
    with Router(tmp_path, workers=2, allowed_errors=r"exited on signal 9|too large (chunked )?body") as router:
        for name in ("web", "batch"):
            router.write_key(name, f"client-{name}", folder="clients")
        router.serve(endpoint("a", a), access=access(web=2, batch=20), policy=patient)
        yield router


def ask(router: Router, name: str, **body: object) -> httpx.Response:
    return plain_http.post(
        f"{router.url}/v1/chat/completions", json=request(**body), headers=key(name), timeout=PATIENCE_S
    )


def test_a_client_over_its_limit_learns_it_and_others_do_not(served: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=8, token_interval_ms=30)

    with ThreadPoolExecutor(20) as callers:
        web = [callers.submit(ask, served, "web", stream=True) for _ in range(12)]
        batch = [callers.submit(ask, served, "batch", stream=True) for _ in range(8)]
    answers = [one.result() for one in web]

    assert {one.result().status_code for one in batch} == {200}
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 0 < len(refused) <= 10
    assert {(answer.status_code, answer.json()["error"]["code"]) for answer in refused} == {(429, "client_limit")}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert a.stats().total == 20 - len(refused)  # what is refused never reaches an endpoint
    eventually(
        lambda: f'poolkeeper_shed_total{{code="client_limit",client="web"}} {len(refused)}' in served.metrics(),
        "all that was shed is counted",
    )


def cut_short(router: Router) -> None:
    """The caller goes away in the middle of a stream."""
    with plain_http.stream(
        "POST", f"{router.url}/v1/chat/completions", json=request(stream=True), headers=key("web"), timeout=PATIENCE_S
    ) as response:
        next(response.iter_bytes())


def in_flight(router: Router, name: str) -> str:
    return next(line for line in router.metrics().splitlines() if f'client_in_flight{{client="{name}"}}' in line)[-2:]


ENDS: dict[str, tuple[str, dict[str, object]]] = {
    "a good answer": ("ok", {}),
    "a refusal that goes back": ("bad_request", {}),
    "a model nobody serves": ("ok", {"model": "nobody's"}),
    "a failure of all": ("error500", {}),
    "a stream that breaks": ("cut", {"stream": True}),
    "a body that is too large": ("ok", {"messages": "x" * 17_000_000}),
}


@pytest.mark.parametrize(("scenario", "body"), ENDS.values(), ids=ENDS.keys())
def test_a_place_is_given_back_after(served: Router, a: FakeProvider, scenario: str, body: dict[str, object]) -> None:
    a.set(scenario)
    with contextlib.suppress(httpx.TransportError):
        assert ask(served, "web", **body).status_code != 429

    eventually(lambda: in_flight(served, "web") == " 0", "nothing of the client is in flight")


def test_a_place_is_given_back_after_a_body_of_unknown_length_that_is_too_large(served: Router) -> None:
    with contextlib.suppress(httpx.TransportError):
        pieces = (b"x" * 65_536 for _ in range(300))
        plain_http.post(f"{served.url}/v1/chat/completions", content=pieces, headers=key("web"), timeout=PATIENCE_S)

    assert in_flight(served, "web") == " 0"


def test_a_caller_that_goes_and_a_worker_that_dies_take_no_place_with_them(served: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=10_000, token_interval_ms=20)
    for _ in range(3):
        cut_short(served)
        a.wait_idle()

    streams = [threading.Thread(target=ask_until_cut, args=(served,)) for _ in range(2)]
    for stream in streams:
        stream.start()
    eventually(lambda: served.endpoint("a").in_flight == 2, "two streams run")
    assert ask(served, "web").status_code == 429
    before = served.worker_pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    for stream in streams:
        stream.join(PATIENCE_S)
    eventually(lambda: len(set(served.worker_pids()) - set(before)) == 2, "new workers are there")
    eventually(lambda: in_flight(served, "web") == " 0", "they hold nothing of the dead ones")

    a.set("ok")
    assert ask(served, "web", model=MODEL).status_code == 200


def ask_until_cut(router: Router) -> None:
    try:
        ask(router, "web", stream=True)
    except httpx.TransportError:
        return
