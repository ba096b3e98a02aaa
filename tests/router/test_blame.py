"""Blame goes where it belongs: to the key, the model, the account or this one request."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from poolkeeper.api.router_document import EndpointDoc, ModelRoute
from router.harness import MODEL, STAYS_OPEN, Router, endpoint, policy
from testing.fakes.answerer import Answer, Answerer, Asked, good

OTHER = "deepseek-flash"
BOTH = (ModelRoute(name=MODEL, upstream_name=MODEL), ModelRoute(name=OTHER, upstream_name="flash-up"))
BLOCK_PAGE = b"<!DOCTYPE html><title>Attention Required! | Cloudflare</title>"
HTML = {"content-type": "text/html"}
PATIENT = policy(circuit_breaker=STAYS_OPEN, retry={"busy_backoff_ms": (60_000,)})


def error(message: str, kind: str = "", code: str | None = None) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def at(name: str, fake: Answerer, **fields: object) -> EndpointDoc:
    return endpoint(name, None, **{"port": fake.port, "provider": "OpenAI", "models": BOTH, **fields})


def serve(router: Router, *endpoints: EndpointDoc, **fields: object) -> None:
    router.serve(*endpoints, models=(MODEL, OTHER), **fields)


def of_other(answer: Answer) -> "Answerer":
    """Refuses one model so, answers for the other."""
    return Answerer(lambda asked: answer if "flash" in asked.json()["model"] else good())


# --- refusals that are not about the key


@pytest.mark.parametrize(
    "refusal",
    [
        Answer(403, error("Project p does not have access to model flash-up", "invalid_request_error")),
        Answer(401, error("team not allowed to access model", "team_model_access_denied")),
        Answer(403, error("You do not have access to the model.")),
        Answer(410, error("The model was retired.")),
        Answer(403, error("Permission denied")),
    ],
    ids=lambda answer: str(answer.body)[12:60],
)
def test_a_refusal_of_one_model_leaves_the_others_alone(router: Router, stack: ExitStack, refusal: Answer) -> None:
    a = stack.enter_context(of_other(refusal))
    serve(router, at("a", a), policy=PATIENT)

    for seed in range(5):
        assert router.ask(model=OTHER, seed=seed).status_code != 200
    assert router.ask().status_code == 200
    assert len(a.asked) <= 4  # a few different ones of that model, then no more


def test_a_block_page_is_about_the_prompt_and_is_named(router: Router, stack: ExitStack) -> None:
    a = stack.enter_context(
        Answerer(lambda asked: Answer(403, BLOCK_PAGE, HTML) if b"DROP TABLE" in asked.body else good())
    )
    serve(router, at("a", a), policy=PATIENT)

    for seed in range(5):
        blocked = router.ask(messages=[{"role": "user", "content": f"'; DROP TABLE users{seed}"}])
        assert (blocked.status_code, blocked.json()["error"]["code"]) == (403, "blocked_by_firewall")
        assert "Cloudflare" in blocked.json()["error"]["message"]
    assert router.ask().status_code == 200


def test_a_blocked_prompt_is_answered_by_another_endpoint(router: Router, stack: ExitStack) -> None:
    a = stack.enter_context(Answerer(lambda _: Answer(403, BLOCK_PAGE, HTML)))
    b = stack.enter_context(Answerer(lambda _: good("b")))
    serve(router, at("a", a), at("b", b, tier=1), policy=PATIENT)

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"


@pytest.mark.parametrize(
    ("refusal", "found"),
    [
        (Answer(500, error("Failed to parse messages: no role", "server_error")), 400),
        (Answer(500, error("image input is not supported - hint: mmproj", "server_error")), 400),
        (Answer(500, error("input (701 tokens) is too large to process", "server_error")), 400),
        (Answer(429, error("Request too large for m on tokens per min (TPM): Limit 1, Requested 2")), 400),
        (Answer(400, error('"auto" tool choice requires --enable-auto-tool-choice')), 400),
    ],
    ids=lambda value: str(getattr(value, "body", value))[12:50],
)
def test_a_callers_fault_in_another_status_is_reported_and_counts_for_nothing(
    router: Router, stack: ExitStack, refusal: Answer, found: int
) -> None:
    a = stack.enter_context(Answerer(lambda asked: refusal if b"odd" in asked.body else good()))
    serve(router, at("a", a, provider="LlamaCpp"), policy=PATIENT)

    for _ in range(6):
        answer = router.ask(user="odd")
        assert (answer.status_code, answer.json()["error"]["message"]) == (found, refusal.body["error"]["message"])  # type: ignore[index]
    assert router.ask().status_code == 200


def test_a_feature_that_was_refused_is_remembered(router: Router, stack: ExitStack) -> None:
    no_tools = Answer(500, error("tools param requires --jinja flag", "server_error"))
    a = stack.enter_context(Answerer(lambda asked: no_tools if "tools" in asked.json() else good("a")))
    b = stack.enter_context(Answerer(lambda _: good("b")))
    serve(router, at("a", a, provider="LlamaCpp"), at("b", b, tier=1), policy=PATIENT)
    tool = {"type": "function", "function": {"name": "f"}}

    for _ in range(3):
        assert router.ask(tools=[tool]).headers["x-poolkeeper-endpoint"] == "b"
    assert router.ask().headers["x-poolkeeper-endpoint"] == "a"
    assert len(a.asked) == 2


def test_one_request_that_fails_everywhere_weighs_once(router: Router, stack: ExitStack) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(500, error("Internal error", "server_error")) if b"poison" in asked.body else good()

    fakes = {name: stack.enter_context(Answerer(answer)) for name in "abc"}
    endpoints = [at(name, fake, tier=tier) for tier, (name, fake) in enumerate(fakes.items())]
    serve(router, *endpoints, policy=policy(circuit_breaker={**STAYS_OPEN, "consecutive_failures": 5}))

    for _ in range(5):
        router.ask(user="poison")

    assert [router.endpoint(name).breaker for name in "abc"].count("Open") <= 1
    assert router.ask().status_code == 200


def test_who_sends_it_again_and_again_opens_no_breaker_of_those_that_serve_others(
    router: Router, stack: ExitStack
) -> None:
    """A client library repeats the very same body, and callers of other requests come in between."""

    def answer(asked: Asked) -> Answer:
        return Answer(500, error("Internal error", "server_error")) if b"poison" in asked.body else good()

    fakes = {name: stack.enter_context(Answerer(answer)) for name in "abc"}
    endpoints = [at(name, fake, tier=tier) for tier, (name, fake) in enumerate(fakes.items())]
    retry = {"budget_percent": 100}
    serve(router, *endpoints, policy=policy(circuit_breaker={**STAYS_OPEN, "consecutive_failures": 5}, retry=retry))

    for stream in (False, True):
        for _ in range(8):
            assert router.ask(user="poison", stream=stream).status_code == 503

    assert [router.endpoint(name).breaker for name in "abc"] == ["Closed"] * 3
    assert router.ask().headers["x-poolkeeper-endpoint"] == "a"


def test_different_requests_that_fail_everywhere_are_an_outage(router: Router, stack: ExitStack) -> None:
    def answer(_: Asked) -> Answer:
        return Answer(500, error("Internal error", "server_error"))

    fakes = {name: stack.enter_context(Answerer(answer)) for name in "ab"}
    endpoints = [at(name, fake, tier=tier) for tier, (name, fake) in enumerate(fakes.items())]
    serve(router, *endpoints, policy=policy(circuit_breaker={**STAYS_OPEN, "consecutive_failures": 3}))

    for number in range(3):
        router.ask(user=str(number))

    assert router.endpoint("a").breaker == "Open"


def test_the_same_request_counts_each_time_where_another_endpoint_answers_it(router: Router, stack: ExitStack) -> None:
    a = stack.enter_context(Answerer(lambda _: Answer(500, error("Internal error", "server_error"))))
    b = stack.enter_context(Answerer(lambda _: good("b")))
    closed = policy(circuit_breaker={**STAYS_OPEN, "consecutive_failures": 3})
    serve(router, at("a", a), at("b", b, tier=1), policy=closed)

    for _ in range(3):
        assert router.ask(user="same").status_code == 200

    assert router.endpoint("a").breaker == "Open"


@pytest.mark.parametrize("status", [413, 400, 403])
def test_a_refusal_that_comes_before_a_big_body_is_read_is_heard(tmp_path: Path, status: int) -> None:
    """The provider answers, closes its side, and reads no byte of the body."""
    body = b'{"error":{"message":"too large for me","type":"invalid_request_error"}}'

    def serve_one() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.recv(1024)
                head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)
                connection.shutdown(socket.SHUT_WR)
                time.sleep(0.3)
                connection.close()

    broken = r"(recv|send|writev)\(\) failed \((32|104)"
    with socket.create_server(("127.0.0.1", 0)) as listener, Router(tmp_path, allowed_errors=broken) as router:
        threading.Thread(target=serve_one, daemon=True).start()
        router.serve(endpoint("a", port=listener.getsockname()[1], provider="OpenAI"), policy=PATIENT)

        for _ in range(4):
            answer = router.ask(user="x" * (8 << 20))
            if status != 403:
                assert (answer.status_code, answer.json()["error"]["message"]) == (status, "too large for me")

        assert router.endpoint("a").breaker == "Closed"
        listener.shutdown(socket.SHUT_RDWR)


# --- a backoff belongs to what is overloaded


def test_one_busy_model_leaves_the_others_alone(router: Router, stack: ExitStack) -> None:
    a = stack.enter_context(of_other(Answer(503, error("overloaded"))))
    serve(router, at("a", a), policy=PATIENT)

    assert router.ask(model=OTHER).status_code == 503
    assert router.ask().status_code == 200
    router.ask(model=OTHER)
    assert len(a.asked) == 2


@pytest.mark.parametrize(
    ("provider", "message", "others"),
    [
        ("DeepSeek", "Too many requests", 429),
        ("Poe", "Rate limit exceeded", 429),
        ("SiliconFlow", "RPM limit reached", 200),
        ("OpenAI", "Rate limit reached for flash-up in organization o", 200),
        ("DeepSeek", "Rate limit of flash-up", 200),
    ],
)
def test_a_rate_limit_is_the_models_or_the_accounts(
    router: Router, stack: ExitStack, provider: str, message: str, others: int
) -> None:
    a = stack.enter_context(of_other(Answer(429, error(message), {"retry-after": "60"})))
    serve(router, at("a", a, provider=provider), policy=PATIENT)

    limited = router.ask(model=OTHER)

    assert (limited.status_code, limited.json()["error"]["code"]) == (429, "rate_limited")
    assert 50 <= int(limited.headers["retry-after"]) <= 60
    assert router.ask().status_code == others


def test_when_all_are_limited_the_smallest_wait_is_shown(router: Router, stack: ExitStack) -> None:
    a, b = (
        stack.enter_context(Answerer(lambda _, wait=wait: Answer(429, error("slow down"), {"retry-after": wait})))  # type: ignore[misc]
        for wait in ("300", "40")
    )
    serve(router, at("a", a), at("b", b, tier=1), policy=policy(timeouts={"request_ms": 5_000}))

    answer = router.ask()

    assert answer.status_code == 429
    assert 30 <= int(answer.headers["retry-after"]) <= 40


def test_one_server_error_does_not_leave_the_tier(router: Router, stack: ExitStack) -> None:
    answers = iter([Answer(500, error("once")), good("a")])
    a = stack.enter_context(Answerer(lambda _: next(answers)))
    b = stack.enter_context(Answerer(lambda _: good("b")))
    serve(router, at("a", a), at("b", b, tier=1))

    answer = router.ask()

    assert (answer.headers["x-poolkeeper-endpoint"], answer.headers["x-poolkeeper-attempts"]) == ("a", "2")


def test_a_second_try_costs_no_tier_its_own(router: Router, stack: ExitStack) -> None:
    def dead(_: Asked) -> Answer:
        return Answer(500, error("dead"))

    a, b = stack.enter_context(Answerer(dead)), stack.enter_context(Answerer(dead))
    c = stack.enter_context(Answerer(lambda _: good("c")))
    serve(router, at("a", a), at("b", b, tier=1), at("c", c, tier=2))

    assert router.ask().headers["x-poolkeeper-endpoint"] == "c"
