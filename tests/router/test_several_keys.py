"""Several API keys of one endpoint: each has its own 401, 402 and 429; the breaker and all else is the endpoint's."""

import contextlib
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from poolkeeper.api.router_document import Credential, EndpointDoc
from poolkeeper.api.router_state import KeyState
from router.harness import MODEL, STAYS_OPEN, Router, endpoint, eventually, policy
from testing import plain_http
from testing.fakes.harness import FakeProvider

KEYS = ("one", "two", "three")
ALL = tuple(f"sk-{key}" for key in KEYS)
HOUR = {"scenario": "rate_limit", "params": {"retry_after_s": 3600}}


@pytest.fixture
def p() -> Iterator[FakeProvider]:
    with FakeProvider("p", keys=ALL) as fake:
        yield fake


def several(fake: FakeProvider | None, *files: str, **fields: object) -> EndpointDoc:
    keys = tuple(Credential(file=file, source=f"Secret keys, key {file}") for file in files or KEYS)
    return endpoint("p", fake, credential=keys[0], credentials=keys, **fields)


def say(number: int) -> dict[str, Any]:
    """Another conversation for each number."""
    return {"messages": [{"role": "user", "content": f"Question {number}: what now?"}]}


def used(fake: FakeProvider, since: int = 0) -> Counter[str]:
    return Counter(entry.key or "" for entry in fake.requests()[since:])


def ask_all(router: Router, count: int = 30, first: int = 0) -> None:
    for number in range(first, first + count):
        answer = router.ask(**say(number))
        assert answer.status_code == 200, answer.text


def key(router: Router, number: int) -> KeyState:
    return router.endpoint("p").keys[number - 1]


def test_all_keys_are_used(router: Router, p: FakeProvider) -> None:
    router.serve(several(p))
    ask_all(router, 60)
    assert min(used(p)[one] for one in ALL) >= 60 / 3 / 3


@pytest.mark.smoke
@pytest.mark.parametrize("stream", [False, True])
def test_a_key_that_is_limited_rests_alone(router: Router, p: FakeProvider, b: FakeProvider, stream: bool) -> None:
    """The caller notices nothing, no other endpoint is asked, and the limited key is not sent until its time."""
    router.serve(several(p), endpoint("b", b, tier=1))
    p.with_keys(sk_two=HOUR)
    for number in range(30):
        answer = router.ask(stream=stream, **say(number))
        assert answer.status_code == 200
        assert answer.headers["x-poolkeeper-endpoint"] == "p"

    assert used(p)["sk-two"] == 1
    assert not b.requests()
    state = router.endpoint("p")
    assert (state.health, state.breaker, state.reason) == ("Healthy", "Closed", "Healthy")
    assert [one.reason for one in state.keys] == ["", "RateLimited", ""]
    assert state.keys[1].retry_at is not None
    assert state.keys[1].retry_at.timestamp() > datetime.now(UTC).timestamp() + 3000
    assert not router.state().global_.error_rate_percent


def test_a_limit_of_time_is_each_keys_own(router: Router, p: FakeProvider) -> None:
    router.serve(several(p, "one", "two"))
    p.with_keys(sk_one={"scenario": "rate_limit", "params": {"retry_after_s": 1}}, sk_two=HOUR)
    assert router.ask(**say(1)).status_code in (200, 429, 503)
    eventually(lambda: key(router, 2).reason == "RateLimited" or bool(router.ask(**say(2)).text), "both were asked")
    p.with_keys(sk_two=HOUR)
    eventually(lambda: router.ask(**say(3)).status_code == 200, "the first key is back")
    since = len(p.requests())
    ask_all(router, 10)
    assert used(p, since) == {"sk-one": 10}


@pytest.mark.parametrize(
    ("scenario", "reason"), [("auth", "CredentialsRejected"), ("insufficient_balance", "BalanceExhausted")]
)
def test_a_key_that_is_refused_is_out_alone(router: Router, p: FakeProvider, scenario: str, reason: str) -> None:
    """At the first request: another key was not refused for the very same one, so it is the key."""
    router.serve(several(p))
    p.with_keys(sk_three=scenario)
    ask_all(router)

    assert used(p)["sk-three"] == 1
    assert router.endpoint("p").health == "Healthy"
    assert [one.reason for one in router.endpoint("p").keys] == ["", "", reason]


def test_a_request_that_every_key_is_refused_for_takes_no_key_out(router: Router, p: FakeProvider) -> None:
    router.serve(several(p))
    p.set("auth")
    assert router.ask(**say(1)).status_code == 503
    p.set("ok")
    ask_all(router, 20, first=2)
    assert [one.reason for one in router.endpoint("p").keys] == ["", "", ""]


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [("auth", "CredentialsRejected"), ("insufficient_balance", "BalanceExhausted"), (HOUR, "RateLimited")],
)
def test_when_all_keys_are_out_the_endpoint_is(
    router: Router, p: FakeProvider, b: FakeProvider, scenario: object, reason: str
) -> None:
    router.serve(several(p), endpoint("b", b, tier=1))
    p.with_keys(**{f"sk_{one}": scenario for one in KEYS})  # type: ignore[arg-type]
    for number in range(12):
        assert router.ask(**say(number)).status_code == 200
    state = router.endpoint("p")
    assert (state.health, state.reason, state.breaker) == ("Unhealthy", reason, "Closed")

    before = len(p.requests())
    for number in range(12, 20):
        assert router.ask(**say(number)).headers["x-poolkeeper-endpoint"] == "b"
    assert len(p.requests()) == before


def test_with_all_keys_limited_the_caller_is_told_when_the_first_is_back(router: Router, p: FakeProvider) -> None:
    router.serve(several(p))
    limits = {"one": 900, "two": 40, "three": 1800}
    p.with_keys(
        **{f"sk_{one}": {"scenario": "rate_limit", "params": {"retry_after_s": s}} for one, s in limits.items()}
    )
    for number in range(6):
        answer = router.ask(**say(number))
    assert answer.status_code == 429
    assert 20 < int(answer.headers["retry-after"]) <= 40


def test_a_request_waits_for_the_key_that_is_back_in_time(router: Router, p: FakeProvider) -> None:
    router.serve(several(p, "one", "two"))
    p.with_keys(sk_one={"scenario": "rate_limit", "params": {"retry_after_ms": 400}}, sk_two=HOUR)
    soon = threading.Timer(0.2, p.with_keys, kwargs={"sk_two": HOUR})
    soon.start()
    assert router.ask(**say(1)).status_code == 200
    soon.join()


def test_the_breaker_is_the_endpoints(router: Router, p: FakeProvider) -> None:
    """Faults that are not of a key count together, whichever key they came with."""
    router.serve(several(p), policy=policy(circuit_breaker=STAYS_OPEN))
    p.set("error500")
    for number in range(3):
        router.ask(**say(number))
    assert router.endpoint("p").breaker == "Open"
    assert len(used(p)) > 1


def test_busy_is_the_endpoints(router: Router, p: FakeProvider, b: FakeProvider) -> None:
    """Another key would ask the same servers."""
    router.serve(several(p), endpoint("b", b, tier=1))
    p.set("busy503")
    assert router.ask(**say(1)).headers["x-poolkeeper-endpoint"] == "b"
    assert len(p.requests()) == 1


@pytest.mark.parametrize("mode", ["None", "Prefix", "Header"])
def test_a_conversation_keeps_its_key(router: Router, p: FakeProvider, mode: str) -> None:
    """Also where affinity, between endpoints, is off; on every router the same key, because only hashes decide."""
    affinity = {} if mode == "None" else {"affinity": {"mode": mode, "header": "x-session-id", "ttl_ms": 60_000}}
    router.serve(several(p), policy=policy(balancing=affinity))
    keys: dict[int, set[str]] = defaultdict(set)
    for turn in range(3):
        for number in range(20):
            seen = len(p.requests())
            history = [{"role": "assistant", "content": "well"}, {"role": "user", "content": f"more {turn}"}] * turn
            first = say(number)["messages"]
            assert isinstance(first, list)
            router.ask(messages=first + history, headers={"x-session-id": f"s{number}"})
            keys[number] |= set(used(p, seen))
    assert all(len(seen_keys) == 1 for seen_keys in keys.values())
    assert len(set.union(*keys.values())) == 3


def homes(router: Router, fake: FakeProvider) -> dict[int, str]:
    found = {}
    for number in range(60):
        seen = len(fake.requests())
        router.ask(**say(number))
        found[number] = fake.requests()[seen].key or ""
    return found


def test_a_key_that_comes_or_goes_moves_only_its_own_conversations(router: Router, p: FakeProvider) -> None:
    router.serve(several(p))
    three = homes(router, p)
    router.serve(several(p, "three", "one"))
    two = homes(router, p)
    assert {number for number in three if three[number] != two[number]} == {n for n in three if three[n] == "sk-two"}
    router.serve(several(p))
    assert homes(router, p) == three


def test_a_key_that_is_back_gets_its_conversations_back(router: Router, p: FakeProvider) -> None:
    router.serve(several(p))
    before = homes(router, p)
    p.with_keys(sk_two={"scenario": "rate_limit", "params": {"retry_after_s": 1}})
    ask_all(router, 60)
    p.with_keys()
    eventually(lambda: key(router, 2).reason == "", "the key is back")
    assert homes(router, p) == before


def test_another_list_forgets_nothing_of_the_keys_that_stay(router: Router, p: FakeProvider) -> None:
    router.serve(several(p))
    p.with_keys(sk_two=HOUR)
    ask_all(router)
    router.serve(several(p, "two", "three"))
    ask_all(router)
    assert used(p)["sk-two"] == 1
    assert [one.reason for one in router.endpoint("p").keys] == ["RateLimited", ""]


def test_a_key_is_rotated_live(router: Router, p: FakeProvider) -> None:
    """One of three: the two others serve meanwhile, and the new one is used at once."""
    router.serve(several(p))
    p.settings(keys=["sk-one", "sk-two", "sk-new"])
    ask_all(router)
    assert key(router, 3).reason == "CredentialsRejected"

    router.write_key("three", "sk-new")
    eventually(lambda: key(router, 3).reason == "", "the new key is seen")
    since = len(p.requests())
    ask_all(router)
    assert set(used(p, since)) == {"sk-one", "sk-two", "sk-new"}


def test_a_missing_key_is_named_and_the_others_serve(router: Router, p: FakeProvider) -> None:
    router.write_key("two", "")
    router.serve(several(p))
    (router.folder / "credentials" / "two").unlink()
    eventually(lambda: key(router, 2).reason == "SecretNotFound", "the key is missed")
    ask_all(router)
    assert set(used(p)) == {"sk-one", "sk-three"}
    assert router.endpoint("p").health == "Healthy"


def test_health_checks_try_each_key(router: Router, p: FakeProvider) -> None:
    checks = {"type": "Auto", "interval_ms": 200}
    p.with_keys(sk_two="insufficient_balance", sk_three="auth")
    router.serve(several(p), policy=policy(health_check=checks))
    eventually(
        lambda: [one.reason for one in router.endpoint("p").keys] == ["", "BalanceExhausted", "CredentialsRejected"],
        "the checks found what is wrong with each key",
    )
    ask_all(router)
    assert set(used(p)) == {"sk-one"}

    p.with_keys(sk_three="auth")
    eventually(lambda: key(router, 2).reason == "", "the check found credit again")
    ask_all(router)
    assert set(used(p)) == {"sk-one", "sk-two"}


def test_an_unreachable_endpoint_fails_its_checks_once_whatever_its_keys(router: Router, p: FakeProvider) -> None:
    router.serve(several(p), policy=policy(health_check={"type": "Auto", "interval_ms": 200}))
    eventually(lambda: router.endpoint("p").reason == "Healthy", "checks pass")
    p.set("refuse")
    eventually(lambda: router.endpoint("p").reason == "HealthCheckFailed", "checks fail")
    assert [one.reason for one in router.endpoint("p").keys] == ["", "", ""]
    p.set("ok")
    eventually(lambda: router.endpoint("p").health == "Healthy", "checks pass again")


def test_which_key_is_out_is_said_by_number_and_never_by_value(router: Router, p: FakeProvider) -> None:
    router.serve(several(p))
    p.with_keys(sk_two=HOUR, sk_three="auth")
    ask_all(router)

    metrics = router.metrics()
    since = dict(re.findall(r'key_unavailable_since_seconds\{endpoint="p",(key="\d",reason="\w+")\} (\S+)', metrics))
    assert {labels for labels, value in since.items() if float(value)} == {
        'key="2",reason="RateLimited"',
        'key="3",reason="CredentialsRejected"',
    }
    why = plain_http.get(f"{router.admin}/candidates?model={MODEL}").json()["endpoints"][0]
    assert "excluded" not in why
    assert [(one["key"], one["excluded"]) for one in why["keysLeftOut"]] == [(2, "Backoff"), (3, "OutOfService")]
    said = metrics + plain_http.get(f"{router.admin}/state").text + router.log() + "".join(router.request_log())
    assert "sk-" not in said
    assert "Secret keys" not in said


def test_a_concurrency_limit_that_is_told_is_the_keys(router: Router, p: FakeProvider) -> None:
    """The account of one key may have two requests in flight: the endpoint's limit stays."""
    router.serve(several(p, "one", "two"))
    limit = {"concurrency": 3, "concurrency_limit": 2, "retry_after_ms": 1}
    p.with_keys(sk_one={"scenario": "rate_limit", "params": limit})
    ask_all(router, 20)
    assert router.endpoint("p").limit == 50


def test_all_keys_may_be_out_and_the_other_endpoints_still_get_the_request(
    router: Router, p: FakeProvider, b: FakeProvider
) -> None:
    """More keys than attempts."""
    router.serve(several(p), endpoint("b", b, tier=1), policy=policy(retry={"max_attempts": 2}))
    p.with_keys(sk_one=HOUR, sk_two="auth", sk_three="insufficient_balance")
    answer = router.ask(**say(1))
    assert answer.headers["x-poolkeeper-endpoint"] == "b"
    assert len(p.requests()) == 3


def test_what_a_key_holds_is_given_back_however_the_request_ends(router: Router, p: FakeProvider) -> None:
    router.serve(several(p))
    for scenario in ("ok", "cut", "busy503", "error500", "rate_limit"):
        p.set(scenario)
        for number in range(3):
            with contextlib.suppress(httpx.HTTPError), router.stream(**say(number)) as answer:
                next(answer.iter_bytes(), None)
    eventually(lambda: {one.in_flight for one in router.endpoint("p").keys} == {0}, "nothing is in flight")
