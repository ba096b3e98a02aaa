"""What callers meet: paths, models, keys, limits, errors."""

import json

import httpx
import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc
from router.harness import MODEL, Router, endpoint, events, eventually
from testing import plain_http
from testing.fakes.harness import FakeProvider


def test_a_wrong_base_url_is_reported(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))

    message = router.client.post("/v1/proxy/chat/completions", json={}).json()["error"]["message"]

    assert "does not serve the path '/v1/proxy/chat/completions'" in message
    assert "base URL ends in /v1" in message


@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/files", "/openai/v1/audio/speech", "/v1/batches/"])
def test_an_operation_that_is_not_there_is_no_wrong_base_url(router: Router, a: FakeProvider, path: str) -> None:
    router.serve(endpoint("a", a))

    answer = router.client.post(path, json={})

    message = answer.json()["error"]["message"]
    assert answer.status_code == 404
    assert f"does not serve the path '{path}'" in message
    assert "It serves chat and text completions" in message
    assert "base URL" not in message


@pytest.mark.smoke
def test_models_come_from_the_pool(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), models=(MODEL, "another"))

    for path in ("/v1/models", "/models"):
        answer = router.client.get(path).json()
        assert answer["object"] == "list"
        assert [model["id"] for model in answer["data"]] == [MODEL, "another"]
    assert a.log() == []


@pytest.mark.parametrize(
    ("path", "want_path"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/beta/completions", "/beta/completions"),
    ],
)
def test_paths_lead_to_where_the_endpoint_serves_them(
    router: Router, a: FakeProvider, path: str, want_path: str
) -> None:
    router.serve(endpoint("a", a))

    answer = router.ask(path=path, prompt="def f(")

    assert answer.status_code == 200
    assert a.log()[0].path == want_path


@pytest.mark.parametrize(
    ("method", "path", "want_status", "want_code"),
    [
        ("GET", "/", 404, "not_found"),
        ("POST", "/v1/images/generations", 404, "not_found"),
        ("POST", "/v1/chat/completions/x", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
    ],
)
def test_everything_else_is_an_error_that_clients_understand(
    router: Router, a: FakeProvider, method: str, path: str, want_status: int, want_code: str
) -> None:
    router.serve(endpoint("a", a))

    answer = router.client.request(method, path)

    assert answer.status_code == want_status
    assert answer.json()["error"]["type"] == "poolkeeper_error"
    assert answer.json()["error"]["code"] == want_code
    assert answer.headers["x-request-id"]


def test_an_unknown_model_is_reported_with_those_that_are_known(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))

    answer = router.ask(model="gpt-9")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"
    assert MODEL in answer.json()["error"]["message"]


def test_no_model_means_the_first_one(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))

    answer = router.client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}]})

    assert answer.status_code == 200
    assert a.log()[0].model == MODEL


@pytest.mark.parametrize("body", ["", "{", "[]", '{"model":', '{"model":1}', "hello"])
def test_a_body_that_is_no_request_is_refused_here(router: Router, a: FakeProvider, body: str) -> None:
    router.serve(endpoint("a", a))

    answer = router.client.post("/v1/chat/completions", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"
    assert a.log() == []


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
def test_a_body_over_the_limit_is_refused_clearly(router: Router, a: FakeProvider, chunked: bool) -> None:
    router.allow("client intended to send too large")
    router.serve(endpoint("a", a))
    body = b'{"messages":"' + b"x" * (17 << 20) + b'"}'

    answer = router.client.post("/v1/chat/completions", content=iter([body]) if chunked else body)

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "body_too_large"


def test_a_long_prompt_goes_through_whole(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    prompt = 'x\\"é\n' * 400_000

    assert router.ask(messages=[{"role": "user", "content": prompt}]).status_code == 200

    sent = a.log()[0].body
    assert sent is not None
    assert json.loads(sent)["messages"][0]["content"] == prompt


def test_usage_is_asked_for_and_only_shown_to_who_asked(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))

    def has_usage_chunk(text: str) -> bool:
        return any(not json.loads(data)["choices"] for data in events(text) if data != "[DONE]")

    quiet, asked = router.ask(stream=True), router.ask(stream=True, stream_options={"include_usage": True})

    assert not has_usage_chunk(quiet.text)
    assert has_usage_chunk(asked.text)
    for entry in a.log():
        assert entry.body is not None
        assert json.loads(entry.body)["stream_options"] == {"include_usage": True}
    eventually(lambda: 'gen_ai_client_token_usage_count{endpoint="a"' in router.metrics(), "usage is counted")


@pytest.mark.smoke
def test_only_clients_with_a_key_get_in(router: Router, a: FakeProvider) -> None:
    access = AccessDoc(mode="Keys", clients=(ClientDoc(name="web", key_file="web", source="Secret clients, key web"),))
    router.write_key("web", "client-key\n", folder="clients")
    router.serve(endpoint("a", a), access=access)

    def status(**headers: str) -> int:
        return router.ask(headers=headers).status_code

    assert status() == 401
    assert status(Authorization="Bearer wrong") == 401
    assert status(Authorization="client-key") == 401
    assert status(Authorization="Bearer client-key") == 200
    assert status(**{"x-api-key": "client-key"}) == 200
    assert router.client.get("/v1/models").status_code == 401
    assert router.ask().json()["error"]["code"] == "unauthorized"
    assert {entry.key for entry in a.log()} == {"sk-a"}

    router.write_key("web", "rotated-key", folder="clients")
    eventually(lambda: status(Authorization="Bearer client-key") == 401, "the old key is out")
    assert status(Authorization="Bearer rotated-key") == 200


def test_connections_to_callers_are_kept_also_after_errors(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    with plain_http.Client(base_url=router.url, limits=httpx.Limits(max_connections=1)) as client:
        bodies: list[dict[str, object]] = [{"model": "unknown"}, {"messages": []}, {"messages": [], "stream": True}]
        for body in bodies:
            answer = client.post("/v1/chat/completions", json=body)
            assert answer.headers["connection"] == "keep-alive"


@pytest.mark.smoke
def test_metrics_have_the_promised_names(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("error500")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1))
    for _ in range(4):
        router.ask(stream=True)

    text = router.metrics()

    for line in (
        'poolkeeper_endpoint_breaker_state{endpoint="a",gen_ai_request_model="deepseek-v4-pro"} 2',
        'poolkeeper_endpoint_health{endpoint="a"} 0',
        'poolkeeper_endpoint_health{endpoint="b"} 1',
        'poolkeeper_failovers_total{from="a",to="b",reason="ServerError"} 2',  # one 5xx is tried again at a
        'poolkeeper_in_flight{endpoint="b"} 0',
        'poolkeeper_requests_total{surface="chat",code="200"} 4',
        'gen_ai_server_time_to_first_token_seconds_count{endpoint="b",gen_ai_request_model="deepseek-v4-pro",'
        'gen_ai_operation_name="chat",gen_ai_provider_name="deepseek"} 4',
        'gen_ai_server_request_duration_seconds_count{endpoint="b",gen_ai_request_model="deepseek-v4-pro",'
        'gen_ai_operation_name="chat",gen_ai_provider_name="deepseek",error_type=""} 4',
        'poolkeeper_responses_total{model="deepseek-v4-pro",client="",outcome="ok"} 4',
        f'poolkeeper_upstream_responses_total{{endpoint="a",status="500"}} {len(a.log())}',
        'poolkeeper_upstream_responses_total{endpoint="b",status="200"} 4',
    ):
        assert line in text
    assert 'poolkeeper_breaker_transitions_total{endpoint="a"' in text
    assert 'poolkeeper_upstream_errors_total{endpoint="a"' in text
