"""Why an endpoint was chosen: the header for clients that may see it, and the admin port's page for `explain --why`."""

import json
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from poolkeeper.api.router_document import AccessDoc, EndpointDoc, ModelRoute
from router.harness import MODEL, STAYS_OPEN, Router, endpoint, policy
from router.test_barred import LESSER, TOOLS, access, bearer, client, keys
from testing import plain_http
from testing.fakes.harness import FakeProvider
from testing.router_lua import runtime

HEADER = "x-poolkeeper-debug"
WORDS = {name.decode() for name in runtime().eval(b'require("core.balancing.exclusion").MEANING')}
PAGE = (Path(__file__).parents[2] / "docs/access.md").read_text()


def curious(*names: str, **allowed: tuple[str, ...]) -> AccessDoc:
    return access(*(client(name, **allowed).model_copy(update={"debug": True}) for name in names), client("other"))


def asking(name: str = "developer") -> dict[str, str]:
    return {**bearer(name), HEADER: "1"}


def report(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.headers[HEADER])
    for row in found["endpoints"]:
        assert row.get("excluded", "BreakerOpen") in WORDS, row
    return found


def excluded(found: dict[str, Any]) -> dict[str, str]:
    """Endpoint -> its word, and what was seen."""
    words = ("excluded", "because")
    return {row["name"]: " ".join(row[word] for word in words if word in row) for row in found["endpoints"]}


def page(router: Router, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = plain_http.get(f"{router.admin}/candidates", params={"model": MODEL, **query}).json()
    return found


@pytest.mark.smoke
def test_who_may_ask_sees_candidates_weights_and_why_not_the_others(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    keys(router, "developer", "other")
    router.serve(
        endpoint("a", a, weight=80), endpoint("b", b, tier=1), endpoint("off", b, mode="Disabled"),
        endpoint("none", b, models=(ModelRoute(name=LESSER, upstream_name=LESSER),)),
        models=(MODEL, LESSER), access=curious("developer"),
    )  # fmt: skip

    found = report(router.ask(headers=asking()))

    assert (found["chosen"], found["by"]) == ("a", "OnlyCandidate")
    first = found["endpoints"][0]
    assert (first["name"], first["tier"], first["weight"], first["limit"]) == ("a", 0, 80, 50)
    assert excluded(found) == {"a": "", "b": "AnotherTier", "off": "Disabled", "none": "ModelNotServed"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**bearer("other"), HEADER: "1"},
        bearer("developer"),
        {**bearer("developer"), HEADER: "0"},
        {**bearer("developer"), HEADER: ""},
    ],
    ids=["nobody", "a client that may not", "who does not ask", "0", "empty"],
)
def test_nobody_else_sees_it(router: Router, a: FakeProvider, headers: dict[str, str]) -> None:
    keys(router, "developer", "other")
    router.serve(endpoint("a", a), access=curious("developer"))

    assert HEADER not in router.ask(headers=headers).headers


def test_without_client_keys_nobody_sees_it(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))

    answer = router.ask(headers={HEADER: "1"})

    assert answer.status_code == 200
    assert HEADER not in answer.headers
    assert HEADER not in {name.lower() for name in a.log()[-1].headers}


@pytest.mark.parametrize("stream", [True, False])
def test_after_a_failover_it_says_what_was_tried(
    router: Router, a: FakeProvider, b: FakeProvider, stream: bool
) -> None:
    keys(router, "developer")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), access=curious("developer"))
    a.set("busy503")

    failed_over = report(router.ask(headers=asking(), stream=stream))
    later = report(router.ask(headers=asking(), stream=stream))

    assert failed_over["chosen"] == later["chosen"] == "b"
    assert excluded(failed_over)["a"] == "AlreadyTried Busy"
    assert excluded(later)["a"] == "Backoff Busy"


def test_an_error_says_why_nobody_was_left(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    keys(router, "developer")
    router.serve(
        endpoint("a", a), endpoint("b", b, lacks=("tools",)), endpoint("c", b, credential=None, mode="Draining"),
        access=curious("developer"), policy=policy(circuit_breaker={"consecutive_failures": 1, **STAYS_OPEN}),
    )  # fmt: skip
    a.set("error500")
    router.ask(headers=asking(), tools=TOOLS)

    answer = router.ask(headers=asking(), tools=TOOLS)
    found = report(answer)

    assert answer.status_code == 503
    assert "chosen" not in found
    assert excluded(found) == {"a": "BreakerOpen ServerError", "b": "FeatureLacking tools", "c": "Draining"}


def test_it_holds_no_key_and_no_address(router: Router, a: FakeProvider) -> None:
    keys(router, "developer")
    router.serve(endpoint("a", a), access=curious("developer"))

    text = router.ask(headers=asking()).headers[HEADER] + json.dumps(page(router, client="developer"))

    for secret in ("sk-a", "ck-developer", "127.0.0.1", str(a.port)):
        assert secret not in text


def test_the_admin_port_says_the_same_with_the_meaning_of_each_word(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    keys(router, "developer")
    router.serve(
        endpoint("a", a), endpoint("b", b, tier=1), access=curious("developer", allowed_endpoints=("b",)),
        policy=policy(retry={"busy_backoff_ms": (60_000,)}),
    )  # fmt: skip
    b.set("busy503")
    router.ask(headers=asking())
    asked = len(a.log()) + len(b.log())

    anybody, dev = page(router), page(router, client="developer")

    assert excluded(anybody) == {"a": "", "b": "Backoff Busy"}
    assert excluded(dev) == {"a": "ClientNotAllowed", "b": "Backoff Busy"}
    assert [row["meaning"] for row in dev["endpoints"]] == ["the client may not use it", "it has a backoff"]
    assert len(a.log()) + len(b.log()) == asked, "looking asks no provider"


@pytest.mark.parametrize(
    ("query", "want"),
    [({"model": "gpt-9"}, "does not serve this model"), ({"client": "nobody"}, "no client of this name")],
)
def test_what_is_not_there_is_said(router: Router, a: FakeProvider, query: dict[str, str], want: str) -> None:
    router.serve(endpoint("a", a))

    assert want in page(router, **query)["problem"]


def test_a_model_that_the_client_may_not_request(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), models=(MODEL, LESSER), access=curious("developer", allowed_models=(LESSER,)))

    assert page(router)["isAllowed"] is True
    assert page(router, client="developer")["isAllowed"] is False


def test_it_never_contradicts_what_happens(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    """Under a mix of faults: who is excluded does not answer, and who answers is the one that it names."""
    keys(router, "developer")
    router.serve(
        endpoint("a", a, max_connections=3), endpoint("b", b), endpoint("c", b, tier=1, weight=0),
        access=curious("developer"), policy=policy(circuit_breaker={"recovery_timeout_ms": 50}),
    )  # fmt: skip
    for fault in ("ok", "busy503", "error500", "rate_limit", "empty_200", "refuse", "ok"):
        a.set(fault)
        for _ in range(4):
            answer = router.ask(headers=asking())
            found = report(answer)
            assert {row["name"] for row in found["endpoints"]} == {"a", "b", "c"}
            assert excluded(found)["c"] == "Drained"
            if answer.status_code == 200:
                assert found["chosen"] == answer.headers["x-poolkeeper-endpoint"]
                assert excluded(found)[found["chosen"]] == ""


@pytest.mark.parametrize("mode", sorted({*get_args(EndpointDoc.model_fields["mode"].annotation)} - {"Active"}))
def test_every_mode_that_keeps_requests_away_is_a_word(mode: str) -> None:
    assert mode in WORDS


@pytest.mark.parametrize("word", sorted(WORDS))
def test_the_page_explains_every_word(word: str) -> None:
    assert f"| `{word}` |" in PAGE
