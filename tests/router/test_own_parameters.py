"""Parameters and headers that an endpoint sets, limits or leaves out, as its provider sees them."""

import json

import pytest

from poolkeeper.api.request_changes import HeaderDoc, ParameterDoc
from poolkeeper.api.router_document import ModelRoute
from router.harness import MODEL, Router, endpoint, policy, request
from testing import plain_http
from testing.fakes.harness import FakeProvider

RULES = (
    ParameterDoc(path="thinking.type", set='"disabled"'),
    ParameterDoc(path="max_tokens", default="64", maximum=128),
    ParameterDoc(path="user", remove=True),
    ParameterDoc(path="only_messages", set="1", surfaces=("messages",)),
)


def route(*rules: ParameterDoc) -> tuple[ModelRoute, ...]:
    return (ModelRoute(name=MODEL, upstream_name=MODEL, parameters=rules),)


def bodies(fake: FakeProvider) -> list[dict[str, object]]:
    return [json.loads(entry.body or "{}") for entry in fake.log()]


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_sees_what_the_endpoint_decides(router: Router, a: FakeProvider, stream: bool) -> None:
    router.serve(endpoint("a", a, models=route(*RULES)))

    answer = router.ask(stream=stream, max_tokens=9_999, user="me", seed=7)

    assert answer.status_code == 200
    (seen,) = bodies(a)
    assert seen["thinking"] == {"type": "disabled"}
    assert (seen["max_tokens"], seen["seed"]) == (128, 7)
    assert {"user", "only_messages"} & seen.keys() == set()
    assert seen["messages"] == request()["messages"]


def test_each_endpoint_gets_its_own(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("busy503")
    router.serve(endpoint("a", a, models=route(ParameterDoc(path="temperature", set="0"))), endpoint("b", b, tier=1))

    assert router.ask(temperature=0.70).status_code == 200

    assert [seen["temperature"] for seen in bodies(a)] == [0]
    assert [seen["temperature"] for seen in bodies(b)] == [0.7]
    assert '"temperature":0.7' in (b.log()[0].body or "").replace(" ", "")


def test_a_stream_is_continued_by_the_other_endpoint_with_its_own(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("cut", after_chunks=3)
    rule = ParameterDoc(path="temperature", set="0")
    router.serve(
        endpoint("a", a), endpoint("b", b, models=route(rule), capabilities=("PrefixCompletion",)),
        policy=policy(balancing={"algorithm": "RoundRobin"}),
    )  # fmt: skip

    for _ in range(4):
        assert router.ask(stream=True).text.rstrip().endswith("[DONE]")

    assert any(len(seen["messages"]) > 1 for seen in bodies(b)), "an answer was continued"  # type: ignore[arg-type]
    assert {seen.get("temperature") for seen in bodies(b)} == {0}
    assert {seen.get("temperature") for seen in bodies(a)} == {None}


def test_the_messages_surface_has_rules_of_its_own(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a, models=route(*RULES)))

    answer = router.ask(path="/anthropic/v1/messages", max_tokens=5)

    assert answer.status_code == 200
    (seen,) = bodies(a)
    assert (seen["only_messages"], seen["max_tokens"]) == (1, 5)


def test_headers_are_set_and_left_out(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("busy503")
    own = (HeaderDoc(name="x-title", value="of the pool"), HeaderDoc(name="anthropic-beta"))
    router.serve(endpoint("a", a, headers=own), endpoint("b", b, tier=1))

    headers = {"X-Title": "of the caller", "Anthropic-Beta": "tools", "X-OpenRouter-Test": "kept"}
    assert router.ask(headers=headers).status_code == 200

    first, second = a.log()[0].headers, b.log()[0].headers
    assert (first["x-title"], first.get("anthropic-beta"), first["x-openrouter-test"]) == ("of the pool", None, "kept")
    assert (second["x-title"], second["anthropic-beta"]) == ("of the caller", "tools")
    assert first["authorization"] == "Bearer sk-a"


def test_a_body_of_megabytes_goes_on_byte_by_byte(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a, models=route(*RULES)))
    long = "深\\n" + "x" * 3_000_000
    messages = '[{"role": "user",  "content":"' + long + '"}]'
    body = f'{{"model":"{MODEL}", "messages":{messages}, "odd":1.50}}'

    answer = plain_http.post(
        f"{router.url}/v1/chat/completions", content=body.encode(), headers={"content-type": "application/json"}
    )

    assert answer.status_code == 200
    sent = a.log()[0].body or ""
    assert messages in sent
    assert '"odd":1.50' in sent
