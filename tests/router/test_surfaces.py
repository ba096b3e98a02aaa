"""The Messages API and the Responses API: where they are asked, what callers get when providers fail, and how."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc, PolicyDoc
from router.harness import MODEL, Router, endpoint, events, policy
from testing.fakes.harness import FakeProvider

SAID = [{"role": "user", "content": "Say something."}]
PATIENT = {"timeouts": {"first_token_ms": 2000, "inter_token_ms": 2000}}
FAST = {"timeouts": {"first_token_ms": 400, "inter_token_ms": 400}}
SILENT = ("keepalive_forever", "role_only_forever", "stall", "no_done")


def patience(scenario: str) -> PolicyDoc:
    """Short only where silence is the fault: a busy machine is silent, too."""
    return policy(**(FAST if scenario in SILENT else PATIENT))


@dataclass(frozen=True)
class Surface:
    name: str
    path: str
    question: Mapping[str, object]
    last: str
    """The type of the event that ends a whole stream."""


MESSAGES = Surface("messages", "/anthropic/v1/messages", {"max_tokens": 100, "messages": SAID}, "message_stop")
RESPONSES = Surface("responses", "/v1/responses", {"input": "Say something."}, "response.completed")
BOTH = pytest.mark.parametrize("surface", [MESSAGES, RESPONSES], ids=lambda surface: surface.name)
MODES = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


def ask(router: Router, surface: Surface, *, headers: dict[str, str] | None = None, **more: object) -> httpx.Response:
    return router.client.post(surface.path, json={"model": MODEL, **surface.question, **more}, headers=headers)


def until_cut(router: Router, surface: Surface) -> tuple[list[dict[str, object]], bool]:
    """The events of a stream, and whether its end was that of a complete answer."""
    body = {"model": MODEL, **surface.question, "stream": True}
    got, complete = "", False
    with router.client.stream("POST", surface.path, json=body) as answer:
        try:
            for text in answer.iter_text():
                got += text
            complete = True
        except httpx.RemoteProtocolError:
            pass
    return [json.loads(data) for data in events(got)], complete


def error_of(answer: httpx.Response) -> dict[str, object]:
    error: dict[str, object] = answer.json()["error"]
    return error


# --- where, and how


@pytest.mark.parametrize(
    ("path", "provider", "want_path"),
    [
        ("/anthropic/v1/messages", "DeepSeek", "/anthropic/v1/messages"),
        ("/anthropic/messages", "DeepSeek", "/anthropic/v1/messages"),
        ("/v1/messages", "DeepSeek", "/anthropic/v1/messages"),
        ("/anthropic/v1/messages", "VLLM", "/v1/messages"),
        ("/anthropic/v1/messages", "Gateway", "/v1/messages"),
        ("/v1/responses", "DeepSeek", "/v1/responses"),
        ("/responses", "OpenAI", "/v1/responses"),
    ],
)
def test_paths_lead_to_where_the_provider_serves_them(
    router: Router, a: FakeProvider, path: str, provider: str, want_path: str
) -> None:
    router.serve(endpoint("a", a, provider=provider))
    question = MESSAGES.question if "messages" in path else RESPONSES.question

    answer = router.client.post(path, json={"model": MODEL, **question})

    assert answer.status_code == 200
    assert a.log()[0].path == want_path


@pytest.mark.parametrize(
    ("provider", "want_header", "want_value"),
    [("DeepSeek", "x-api-key", "sk-a"), ("VLLM", "authorization", "Bearer sk-a")],
)
def test_the_key_goes_the_way_the_provider_wants_it(
    router: Router, a: FakeProvider, provider: str, want_header: str, want_value: str
) -> None:
    router.serve(endpoint("a", a, provider=provider))

    hidden = {"x-api-key": "callers-own", "authorization": "Bearer callers-own", "anthropic-version": "2023-06-01"}
    answer = ask(router, MESSAGES, headers=hidden)

    assert answer.status_code == 200
    seen = a.log()[0].headers
    assert {name: seen.get(name) for name in ("x-api-key", "authorization")} == {
        "x-api-key": None,
        "authorization": None,
        want_header: want_value,
    }
    assert seen["anthropic-version"] == "2023-06-01"
    assert "callers-own" not in json.dumps(seen)


@BOTH
def test_the_body_arrives_as_it_was_but_for_the_models_name(router: Router, a: FakeProvider, surface: Surface) -> None:
    a.settings(any_model=True)
    router.serve(endpoint("a", a, models=[{"name": MODEL, "upstream_name": "its-own-name"}]))

    assert ask(router, surface, stream=True, metadata={"user_id": "u"}).status_code == 200

    want = {"model": "its-own-name", **surface.question, "stream": True, "metadata": {"user_id": "u"}}
    assert json.loads(a.log()[0].body or "") == want


@BOTH
def test_a_stream_says_what_the_whole_answer_says(router: Router, a: FakeProvider, surface: Surface) -> None:
    router.serve(endpoint("a", a))
    whole = json.dumps(ask(router, surface).json())

    streamed = [json.loads(data) for data in events(ask(router, surface, stream=True).text)]

    assert streamed[-1]["type"] == surface.last
    deltas = (event["delta"] for event in streamed if "delta" in event)
    text = "".join(delta if isinstance(delta, str) else delta.get("text", "") for delta in deltas)
    assert text and json.dumps(text) in whole


@BOTH
@MODES
def test_tokens_are_accounted_for(router: Router, a: FakeProvider, surface: Surface, stream: bool) -> None:
    router.serve(endpoint("a", a))

    ask(router, surface, stream=stream)

    labels = f'{{endpoint="a",gen_ai_request_model="{MODEL}",gen_ai_token_type="output"}}'
    assert f"gen_ai_client_token_usage_sum{labels} 16" in router.metrics()
    assert f'poolkeeper_requests_total{{surface="{surface.name}",code="200"}} 1' in router.metrics()


# --- before anything was sent

CLASSES = {
    "refuse": "Connect",
    "busy503": "Busy",
    "busy200": "Busy",
    "rate_limit": "RateLimited",
    "error500": "ServerError",
    "keepalive_forever": "SlowFirstToken",
    "role_only_forever": "SlowFirstToken",
    "empty_200": "Truncated",
    "auth": "Credential",
    "model_missing": "ModelMissing",
}
"""Of a whole answer no first token can be missed: see test_time.py."""


@BOTH
@pytest.mark.parametrize(
    ("scenario", "want_class", "stream"),
    [
        pytest.param(scenario, failure, stream, id=f"{scenario}-{'stream' if stream else 'whole'}")
        for scenario, failure in CLASSES.items()
        for stream in (True, False)
        if stream or failure != "SlowFirstToken"
    ],
)
def test_the_other_endpoint_answers(
    router: Router, a: FakeProvider, b: FakeProvider, surface: Surface, scenario: str, want_class: str, stream: bool
) -> None:
    a.set(scenario)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=patience(scenario))

    answer = ask(router, surface, stream=stream)

    assert answer.status_code == 200
    assert answer.headers["x-poolkeeper-endpoint"] == "b"
    tried_again = want_class == "ServerError"  # one 5xx is tried again where it came from
    assert answer.headers["x-poolkeeper-attempts"] == ("3" if tried_again else "2")
    if stream:
        assert json.loads(events(answer.text)[-1])["type"] == surface.last
    last_error = router.endpoint("a").last_error
    assert last_error is not None
    assert last_error.class_ == want_class


@BOTH
@pytest.mark.parametrize(
    "scenario", ["cut", "reset", "stall", "invalid_chunk", "insufficient_system_resource", "error_in_stream"]
)
def test_a_whole_answer_that_breaks_is_asked_of_the_other(
    router: Router, a: FakeProvider, b: FakeProvider, surface: Surface, scenario: str
) -> None:
    a.set(scenario)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=patience(scenario))

    answer = ask(router, surface)

    assert answer.headers["x-poolkeeper-endpoint"] == "b"
    assert answer.json().get("status", "completed") == "completed"


@BOTH
def test_a_providers_refusal_goes_straight_through(router: Router, a: FakeProvider, surface: Surface) -> None:
    a.set("bad_request")
    router.serve(endpoint("a", a))

    answer = ask(router, surface)

    assert answer.status_code == 400
    assert error_of(answer)["message"] == "Invalid request format"


# --- after text was sent


@BOTH
@pytest.mark.parametrize(
    "scenario",
    ["cut", "reset", "stall", "insufficient_system_resource", "error_in_stream", "invalid_chunk", "cut_inside_chunk"],
)
def test_a_stream_that_breaks_ends_in_an_error_never_clean(
    router: Router, a: FakeProvider, surface: Surface, scenario: str
) -> None:
    a.set(scenario, token_interval_ms=20)
    router.serve(endpoint("a", a), policy=patience(scenario))

    got, complete = until_cut(router, surface)

    assert not complete
    assert any("delta" in event for event in got)
    assert got[-1]["type"] == "error"
    assert surface.last not in [event["type"] for event in got]
    assert "message_delta" not in [event["type"] for event in got]
    want = "overloaded_error" if surface is MESSAGES else "server_error"
    error = got[-1]["error"]
    assert isinstance(error, dict) and (error["type"], error["code"]) == (want, "stream_truncated")


def test_a_message_that_has_said_all_is_ended_here(router: Router, a: FakeProvider) -> None:
    a.set("no_done")
    router.serve(endpoint("a", a))

    got, complete = until_cut(router, MESSAGES)

    assert complete
    assert got[-1] == {"type": "message_stop"}


def test_a_response_whose_items_are_done_gets_the_last_event_that_its_server_leaves_out(
    router: Router, a: FakeProvider
) -> None:
    a.set("no_done")
    router.serve(endpoint("a", a), policy=patience("no_done"))

    got, complete = until_cut(router, RESPONSES)

    assert complete
    assert got[-1]["type"] == "response.completed"


def test_a_limit_of_the_callers_own_is_an_end(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))

    streamed = json.loads(events(ask(router, RESPONSES, stream=True, max_output_tokens=3).text)[-1])
    whole = ask(router, RESPONSES, max_output_tokens=3)

    assert streamed["type"] == "response.incomplete"
    assert (whole.status_code, whole.json()["status"]) == (200, "incomplete")


# --- who has it


def test_nobody_who_offers_a_surface_is_an_error_that_says_what_to_do(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a, provider="OpenAI"))

    answer = ask(router, MESSAGES)

    assert answer.status_code == 404
    assert answer.json()["type"] == "error"
    error = error_of(answer)
    assert (error["type"], error["code"]) == ("not_found_error", "surface_not_served")
    assert "DeepSeek" in str(error["message"]) and "/v1/chat/completions" in str(error["message"])
    assert a.log() == []


@pytest.mark.parametrize("status", [404, 405, 501])
def test_who_does_not_have_a_surface_is_remembered_for_that_surface_alone(
    router: Router, a: FakeProvider, status: int
) -> None:
    a.play({"scenario": "bad_request", "params": {"status": status}, "surfaces": ["messages"]})
    router.serve(endpoint("a", a))

    first, second = ask(router, MESSAGES), ask(router, MESSAGES)

    assert [error_of(answer)["code"] for answer in (first, second)] == ["surface_not_served"] * 2
    assert len(a.log()) == 1
    assert router.ask().status_code == 200
    assert ask(router, RESPONSES).status_code == 200
    assert router.endpoint("a").health == "Healthy"


def test_a_model_that_is_missing_for_chat_may_be_there_for_others(router: Router, a: FakeProvider) -> None:
    a.play({"scenario": "model_missing", "surfaces": ["chat"]})
    router.serve(endpoint("a", a))

    assert router.ask().status_code == 404
    assert ask(router, MESSAGES).status_code == 200


def test_an_answer_that_a_caller_wrongly_goes_on_from_closes_nothing(router: Router, a: FakeProvider) -> None:
    a.set("bad_request", status=404, message="Response with id 'resp_bogus' not found.")
    router.serve(endpoint("a", a, provider="VLLM"))

    assert ask(router, RESPONSES, previous_response_id="resp_bogus").status_code == 404
    a.set("ok")
    assert ask(router, RESPONSES).status_code == 200


# --- errors made here


@pytest.mark.parametrize("surface", [MESSAGES, RESPONSES], ids=lambda surface: surface.name)
def test_a_pool_that_is_down_says_so_in_the_callers_words(router: Router, a: FakeProvider, surface: Surface) -> None:
    a.set("busy503")
    router.serve(endpoint("a", a))

    answer = ask(router, surface)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    want = "overloaded_error" if surface is MESSAGES else "poolkeeper_error"
    assert (error_of(answer)["type"], error_of(answer)["code"]) == (want, "all_endpoints_down")


@pytest.mark.parametrize(
    ("method", "path", "content", "want_status", "want_type"),
    [
        ("POST", "/anthropic/v1/messages", "{", 400, "invalid_request_error"),
        ("POST", "/anthropic/v1/messages", '{"model":"gpt-9"}', 404, "not_found_error"),
        ("GET", "/anthropic/v1/messages", "", 405, "invalid_request_error"),
        ("POST", "/anthropic/v1/messages/count_tokens", "{}", 404, "not_found_error"),
        ("POST", "/anthropic/v1/messages", " " * (17 * 1024 * 1024), 413, "request_too_large"),
    ],
    ids=["no JSON", "unknown model", "method", "path", "too large"],
)
def test_refusals_of_the_messages_api_are_in_its_shape(
    router: Router, a: FakeProvider, method: str, path: str, content: str, want_status: int, want_type: str
) -> None:
    router.allow("client intended to send too large body")
    router.serve(endpoint("a", a))

    answer = router.client.request(method, path, content=content)

    assert answer.status_code == want_status
    assert (answer.json()["type"], error_of(answer)["type"]) == ("error", want_type)


def test_a_client_key_may_be_shown_anthropics_way(router: Router, a: FakeProvider) -> None:
    router.write_key("web", "client-key", folder="clients")
    clients = (ClientDoc(name="web", key_file="web", source="Secret keys, key web"),)
    router.serve(endpoint("a", a), access=AccessDoc(mode="Keys", clients=clients))

    assert ask(router, MESSAGES, headers={"x-api-key": "client-key"}).status_code == 200
    refused = ask(router, MESSAGES, headers={"x-api-key": "guessed"})
    assert (refused.status_code, error_of(refused)["type"]) == (401, "authentication_error")


# --- the list of models


@pytest.mark.parametrize("path", ["/v1/models", "/models", "/anthropic/v1/models", "/anthropic/models"])
def test_models_are_listed_for_either_client(router: Router, a: FakeProvider, path: str) -> None:
    router.serve(endpoint("a", a), models=(MODEL, "deepseek/flash"))

    listed = router.client.get(path).json()
    assert [(one["id"], one["object"], one["type"]) for one in listed["data"]] == [
        (MODEL, "model", "model"),
        ("deepseek/flash", "model", "model"),
    ]
    assert (listed["has_more"], listed["last_id"]) == (False, "deepseek/flash")
    assert router.client.get(f"{path}/deepseek/flash").json()["id"] == "deepseek/flash"
    assert router.client.get(f"{path}/gpt-9").status_code == 404
    assert a.log() == []


# --- OpenAI's older surfaces


@pytest.mark.parametrize("path", ["/v1/completions", "/completions", "/beta/completions"])
@pytest.mark.parametrize("scenario", ["ok", "busy503", "keepalive_forever"])
def test_text_completions_stream(router: Router, a: FakeProvider, b: FakeProvider, path: str, scenario: str) -> None:
    a.set(scenario)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=patience(scenario))

    answer = router.client.post(path, json={"model": MODEL, "prompt": "def f(", "suffix": "return", "stream": True})

    *chunks, done = events(answer.text)
    assert done == "[DONE]"
    assert "".join(json.loads(chunk)["choices"][0]["text"] for chunk in chunks)
    assert answer.headers["x-poolkeeper-endpoint"] == ("a" if scenario == "ok" else "b")


@pytest.mark.parametrize("scenario", ["busy503", "empty_200", "invalid_chunk", "cut"])
def test_embeddings_come_whole_from_the_other_endpoint(
    router: Router, a: FakeProvider, b: FakeProvider, scenario: str
) -> None:
    a.set(scenario)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1))

    answer = router.client.post("/v1/embeddings", json={"model": MODEL, "input": ["one", "two"]})

    assert answer.headers["x-poolkeeper-endpoint"] == "b"
    assert [one["index"] for one in answer.json()["data"]] == [0, 1]


def test_who_has_no_embeddings_goes_on_with_chat(router: Router, a: FakeProvider) -> None:
    a.play({"scenario": "bad_request", "params": {"status": 404}, "surfaces": ["embeddings"]})
    router.serve(endpoint("a", a))

    answer = router.client.post("/v1/embeddings", json={"model": MODEL, "input": "one"})

    assert (answer.status_code, error_of(answer)["code"]) == (404, "surface_not_served")
    assert router.ask().status_code == 200
