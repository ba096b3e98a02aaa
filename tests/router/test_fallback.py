"""When no endpoint can answer: a shorter conversation, the fallback model, a cached answer, the default answer.

And before all of them, the pool breaker.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.api.router_document import (
    AccessDoc,
    ClientDoc,
    ContextRecoveryDoc,
    FallbackDoc,
    GlobalBreakerDoc,
    ModelRoute,
    PolicyDoc,
)
from poolkeeper.plan.policy import policy_doc
from router.harness import MODEL, POLICY, Router, endpoint, events, eventually, text_of
from testing.fakes.harness import FakeProvider

LESSER = "small"
BUSY = "System busy, please retry shortly"
KEPT = FallbackDoc(default_response=BUSY, cache_ttl_ms=3_600_000, cache_bytes=64 << 20)
FALLBACK = "x-poolkeeper-fallback"


def policy(**parts: object) -> PolicyDoc:
    return POLICY.model_copy(update=parts)


def route(*models: str) -> dict[str, object]:
    return {"models": tuple(ModelRoute(name=model, upstream_name=model) for model in models)}


# --- the fallback model


def test_the_lesser_model_answers_when_nobody_has_the_one_that_was_asked_for(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("busy503")
    b.settings(any_model=True)
    router.serve(
        endpoint("a", a),
        endpoint("b", b, **route(LESSER)),
        models=(MODEL, LESSER),
        policy=policy(fallback=FallbackDoc(default_response=BUSY, degraded_model=LESSER)),
    )

    for stream in (True, False):
        answer = router.ask(stream=stream)

        assert answer.status_code == 200
        assert answer.headers[FALLBACK] == "degraded"
        assert answer.headers["x-poolkeeper-endpoint"] == "b"
    assert {entry.model for entry in b.log()} == {LESSER}
    eventually(lambda: 'fallback_responses_total{kind="degraded"} 2' in router.metrics(), "both are counted")


def test_the_lesser_model_is_counted_under_its_own_name(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("busy503")
    b.settings(any_model=True)
    router.serve(
        endpoint("a", a),
        endpoint("b", b, **route(LESSER)),
        models=(MODEL, LESSER),
        policy=policy(fallback=FallbackDoc(default_response=BUSY, degraded_model=LESSER)),
    )

    router.ask()

    series = f'poolkeeper_attempts_total{{endpoint="b",gen_ai_request_model="{LESSER}"}} 1'
    eventually(lambda: 'attempts_total{endpoint="b"' in router.metrics(), "the attempt is counted")
    assert series in router.metrics()


def test_who_asks_for_the_lesser_model_gets_nothing_less(router: Router, a: FakeProvider) -> None:
    a.set("busy503")
    router.serve(endpoint("a", a), policy=policy(fallback=FallbackDoc(default_response=BUSY, degraded_model=MODEL)))

    assert router.ask().status_code == 503
    assert len(a.log()) == 1


def test_the_model_that_was_asked_for_is_preferred_while_anybody_has_it(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    b.settings(any_model=True)
    router.serve(
        endpoint("b", b, **route(LESSER)),
        endpoint("a", a, tier=3),
        models=(MODEL, LESSER),
        policy=policy(fallback=FallbackDoc(default_response=BUSY, degraded_model=LESSER)),
    )

    answer = router.ask()

    assert FALLBACK not in answer.headers
    assert b.log() == []


# --- cached answers


@pytest.mark.parametrize("asked", [True, False], ids=["asked as a stream", "asked whole"])
@pytest.mark.parametrize("kept", [True, False], ids=["kept of a stream", "kept of a whole answer"])
def test_the_very_same_request_gets_the_kept_answer(router: Router, a: FakeProvider, kept: bool, asked: bool) -> None:
    router.serve(endpoint("a", a), policy=policy(fallback=KEPT))
    first = router.ask(stream=kept)
    a.set("busy503")

    again = router.ask(stream=asked)

    assert again.status_code == 200
    assert again.headers[FALLBACK].startswith("cache; age=")
    assert said(again) == said(first)
    assert router.ask(stream=asked, temperature=0).status_code == 503


def test_an_answer_is_never_served_from_memory_while_an_endpoint_can_give_one(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), policy=policy(fallback=KEPT))

    for _ in range(3):
        assert FALLBACK not in router.ask().headers
    assert len(a.log()) == 3


def test_whose_time_is_over_gets_the_kept_answer_too(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), policy=policy(fallback=KEPT))
    first = router.ask()
    a.set("hang_before_headers")
    brief = POLICY.timeouts.model_copy(update={"request_ms": 400})
    router.serve(endpoint("a", a), policy=policy(fallback=KEPT, timeouts=brief))

    again = router.ask()

    assert again.headers[FALLBACK].startswith("cache; age=")
    assert said(again) == said(first)
    assert router.ask(seed=1).json()["error"]["code"] == "deadline_exceeded"


def test_what_was_cut_is_not_kept(router: Router, a: FakeProvider) -> None:
    a.set("cut")
    router.serve(
        endpoint("a", a),
        policy=policy(fallback=KEPT, retry=POLICY.retry.model_copy(update={"max_attempts": 1})),
    )
    with router.stream() as answer, pytest.raises(httpx.RemoteProtocolError):
        answer.read()
    a.set("busy503")

    assert router.ask(stream=True).status_code == 503


def test_no_store_keeps_an_answer_out(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), policy=policy(fallback=KEPT))
    router.ask(headers={"cache-control": "private, No-Store"})
    a.set("busy503")

    assert router.ask().status_code == 503


@pytest.mark.parametrize(
    "headers",
    [{"cache-control": "no-cache"}, {"pragma": "no-cache"}, {"cache-control": "max-age=0, no-cache"}],
    ids=["cache-control", "pragma", "with an age"],
)
def test_who_wants_a_fresh_answer_gets_none_from_memory(
    router: Router, a: FakeProvider, headers: dict[str, str]
) -> None:
    """No better one is at hand, but that is for the caller to say. What it gets while all is well is kept."""
    router.serve(endpoint("a", a), policy=policy(fallback=KEPT))
    router.ask(headers=headers)
    a.set("busy503")

    assert router.ask(headers=headers).status_code == 503
    assert router.ask().headers[FALLBACK].startswith("cache; age=")


def test_no_kept_answer_is_older_than_its_caller_takes(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), policy=policy(fallback=KEPT))
    router.ask()
    a.set("busy503")
    eventually(lambda: router.ask().headers[FALLBACK] not in ("cache; age=0", "cache; age=1"), "it is two seconds old")

    assert router.ask(headers={"cache-control": "max-age=1"}).status_code == 503
    assert router.ask(headers={"cache-control": "max-age=3600"}).headers[FALLBACK].startswith("cache; age=")


def test_clients_never_get_each_others_answers(router: Router, a: FakeProvider) -> None:
    for name in ("web", "batch"):
        router.write_key(name, f"sk-client-{name}", folder="clients")
    clients = tuple(ClientDoc(name=name, key_file=name, source=f"Secret c, key {name}") for name in ("web", "batch"))
    router.serve(endpoint("a", a), policy=policy(fallback=KEPT), access=AccessDoc(mode="Keys", clients=clients))
    web, batch = ({"authorization": f"Bearer sk-client-{name}"} for name in ("web", "batch"))
    assert router.ask(headers=web).status_code == 200
    a.set("busy503")

    assert router.ask(headers=batch).status_code == 503
    assert router.ask(headers=web).headers[FALLBACK].startswith("cache")


def test_headers_that_may_change_an_answer_are_part_of_the_request(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), policy=policy(fallback=KEPT))
    router.ask(headers={"anthropic-beta": "x", "user-agent": "one"})
    a.set("busy503")

    assert router.ask().status_code == 503
    assert router.ask(headers={"anthropic-beta": "y"}).status_code == 503
    assert router.ask(headers={"anthropic-beta": "x", "user-agent": "two"}).headers[FALLBACK].startswith("cache")


# --- the default answer


def test_system_busy_please_retry_shortly(router: Router, a: FakeProvider) -> None:
    """Where a policy says nothing of it."""
    a.set("busy503")
    router.serve(endpoint("a", a), policy=policy(fallback=policy_doc(FailoverPolicySpec()).fallback))

    answer = router.ask()

    assert answer.status_code == 503
    assert answer.headers[FALLBACK] == "default"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["message"] == "System busy, please retry shortly"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_the_default_answer_as_if_the_model_had_said_it(router: Router, a: FakeProvider, stream: bool) -> None:
    a.set("busy503")
    router.serve(endpoint("a", a), policy=policy(fallback=FallbackDoc(default_response=BUSY, format="Completion")))

    answer = router.ask(stream=stream)

    assert answer.status_code == 200
    assert answer.headers[FALLBACK] == "default"
    assert said(answer) == BUSY


# --- too long a conversation


def long_conversation(turns: int) -> list[dict[str, str]]:
    talk = [{"role": "system", "content": "Be kind."}]
    for number in range(turns):
        talk += [{"role": "user", "content": f"q{number}"}, {"role": "assistant", "content": f"a{number}"}]
    return [*talk, {"role": "user", "content": "And now?"}]


def test_a_conversation_that_is_too_long_is_asked_again_without_its_oldest_turns(
    router: Router, a: FakeProvider
) -> None:
    a.play({"script": [{"scenario": "context_too_long", "requests": 1}, {"scenario": "ok"}]})
    router.serve(endpoint("a", a), policy=policy(context_recovery=ContextRecoveryDoc(keep_turns=2)))

    answer = router.ask(messages=long_conversation(5))

    assert answer.status_code == 200
    assert answer.headers["x-poolkeeper-context-trimmed"] == "4"
    assert len(a.log()) == 2


def test_without_a_turn_to_spare_the_caller_gets_the_providers_words(router: Router, a: FakeProvider) -> None:
    a.set("context_too_long")
    router.serve(endpoint("a", a), policy=policy(context_recovery=ContextRecoveryDoc(keep_turns=2)))

    answer = router.ask(messages=long_conversation(1))

    assert answer.status_code == 400
    assert len(a.log()) == 1


def test_an_endpoint_for_long_conversations_comes_before_a_shorter_one(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("context_too_long")
    router.serve(
        endpoint("a", a),
        endpoint("b", b, tier=1, capabilities=("LargeContext",)),
        policy=policy(context_recovery=ContextRecoveryDoc(keep_turns=2)),
    )

    answer = router.ask(messages=long_conversation(5))

    assert answer.headers["x-poolkeeper-endpoint"] == "b"
    assert "x-poolkeeper-context-trimmed" not in answer.headers


# --- the pool breaker

GUARD = GlobalBreakerDoc(
    error_rate_percent=50,
    sliding_window_ms=60_000,
    minimum_requests=4,
    recovery_timeout_ms=60_000,
    half_open_max_requests=2,
)
NO_BREAKER = POLICY.circuit_breaker.model_copy(update={"consecutive_failures": 0})


def test_when_most_requests_fail_nobody_is_asked_any_more(router: Router, a: FakeProvider) -> None:
    a.set("error500")
    router.serve(endpoint("a", a), policy=policy(global_breaker=GUARD, circuit_breaker=NO_BREAKER))
    for _ in range(4):
        assert router.ask().json()["error"]["code"] == "all_endpoints_down"
    asked = len(a.log())

    answer = router.ask()

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "global_breaker_open"
    assert int(answer.headers["retry-after"]) > 1
    assert len(a.log()) == asked
    assert router.state().global_.breaker == "Open"


def test_requests_that_get_their_answer_close_it_again(router: Router, a: FakeProvider) -> None:
    a.set("error500")
    quick = GUARD.model_copy(update={"recovery_timeout_ms": 200})
    router.serve(endpoint("a", a), policy=policy(global_breaker=quick, circuit_breaker=NO_BREAKER))
    for _ in range(4):
        router.ask()
    a.set("ok")

    eventually(lambda: router.ask().status_code == 200, "a request is tried")
    eventually(lambda: router.ask().status_code == 200, "and another one")
    assert router.state().global_.breaker == "Closed"


def test_a_half_open_pool_lets_as_many_through_as_it_may_and_no_more(router: Router, a: FakeProvider) -> None:
    """All others are answered by the router itself, until it is known how those end."""
    a.set("error500")
    quick = GUARD.model_copy(update={"recovery_timeout_ms": 200, "half_open_max_requests": 5})
    router.serve(endpoint("a", a), policy=policy(global_breaker=quick, circuit_breaker=NO_BREAKER))
    for _ in range(4):
        router.ask()
    asked = len(a.log())
    a.set("ok", first_token_ms=600)
    eventually(lambda: router.ask().status_code == 200, "its time is over, and the first is let through")

    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(lambda _: router.ask(), range(20)))

    assert Counter(answer.status_code for answer in answers) == {200: 4, 503: 16}
    assert {answer.json()["error"]["code"] for answer in answers if answer.is_error} == {"global_breaker_open"}
    assert len(a.log()) == asked + 5
    assert router.state().global_.breaker == "Closed"


def test_a_callers_own_errors_open_nothing(router: Router, a: FakeProvider) -> None:
    a.set("bad_request")
    router.serve(endpoint("a", a), policy=policy(global_breaker=GUARD))

    for _ in range(8):
        assert router.ask().status_code == 400
    assert router.state().global_.breaker == "Closed"


def test_while_it_is_open_a_kept_answer_is_better_than_none(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), policy=policy(global_breaker=GUARD, circuit_breaker=NO_BREAKER, fallback=KEPT))
    kept = router.ask()
    a.set("error500")
    for number in range(5):
        router.ask(seed=number)
    assert router.state().global_.breaker == "Open"

    again = router.ask()

    assert again.headers[FALLBACK].startswith("cache")
    assert said(again) == said(kept)


def said(answer: httpx.Response) -> str:
    """Its text, streamed or not."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        assert events(answer.text)[-1] == "[DONE]"
        return text_of(answer.text)
    message: dict[str, str] = json.loads(answer.text)["choices"][0]["message"]
    return (message.get("reasoning_content") or "") + message["content"]
