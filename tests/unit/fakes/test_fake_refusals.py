"""Refusals arrive word for word as the provider says them."""

import email.utils
import json
from collections.abc import Iterator

import pytest

from testing.fakes.harness import FakeProvider
from testing.fakes.rawhttp import End, exchange

CHAT = "/v1/chat/completions"
ASK = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "hi"}]}
BUSY = (
    b'{"error":{"message":"Service is too busy. We advise users to temporarily switch to alternative LLM API service '
    b'providers.","type":"service_unavailable_error","param":null,"code":"service_unavailable_error"}}'
)
RATE_LIMIT = (
    b'{"error":{"message":"Too many requests. Your current concurrency is 26, which exceeds your concurrency limit of '
    b'25 based on your remaining balance. Please top up your balance to restore your concurrency.",'
    b'"type":"rate_limit_error","param":null,"code":"invalid_request_error"}}'
)
BALANCE = (
    b'{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}'
)
AUTH = (
    b'{"error":{"message":"Authentication Fails, Your api key: ****cd15 is invalid","type":"authentication_error",'
    b'"param":null,"code":"invalid_request_error"}}'
)
MODEL = b'{"error":{"message":"Model Not Exist","type":"invalid_request_error"}}'
VERBATIM = {
    "busy503": (503, BUSY),
    "busy200": (200, BUSY),
    "rate_limit": (429, RATE_LIMIT),
    "insufficient_balance": (402, BALANCE),
    "auth": (401, AUTH),
    "model_missing": (400, MODEL),
}
WORDED = {
    "reasoning_required": (400, "The `reasoning_content` in the thinking mode must be passed back to the API."),
    "context_too_long": (400, "This model's maximum context length is 65536 tokens."),
    "bad_request": (400, "Invalid request format"),
    "unprocessable": (422, "Invalid parameters"),
    "error500": (500, "Internal Server Error"),
    "error502": (502, "502 Bad Gateway"),
    "error504": (504, "504 Gateway Time-out"),
}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as started:
        yield started


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("scenario", VERBATIM)
def test_body_is_verbatim(fake: FakeProvider, scenario: str, stream: bool) -> None:
    fake.set(scenario)
    got = exchange(fake.port, CHAT, {**ASK, "stream": stream}, {"authorization": "Bearer sk-0123abcd15"})
    want_status, want_body = VERBATIM[scenario]
    assert (got.status, got.payload, got.end) == (want_status, want_body, End.EOF)
    assert got.headers["content-type"] == "application/json"


@pytest.mark.parametrize("scenario", WORDED)
def test_body_carries_the_words(fake: FakeProvider, scenario: str) -> None:
    fake.set(scenario)
    got = exchange(fake.port, CHAT, ASK)
    want_status, want_words = WORDED[scenario]
    assert got.status == want_status
    assert want_words in got.payload.decode()


def test_busy_comes_inside_a_stream_on_demand(fake: FakeProvider) -> None:
    fake.set("busy200", as_event=True)
    got = exchange(fake.port, CHAT, {**ASK, "stream": True})
    assert got.headers["content-type"].startswith("text/event-stream")
    assert got.events == [BUSY.decode(), "[DONE]"]


def test_status_and_message_are_dials(fake: FakeProvider) -> None:
    fake.set("bad_request", status=529, message="overloaded")
    got = exchange(fake.port, CHAT, ASK)
    assert (got.status, json.loads(got.payload)["error"]["message"]) == (529, "overloaded")


def test_retry_after_in_seconds_and_milliseconds(fake: FakeProvider) -> None:
    fake.set("rate_limit", retry_after_s=7, retry_after_ms=350)
    got = exchange(fake.port, CHAT, ASK)
    assert (got.headers["retry-after"], got.headers["retry-after-ms"]) == ("7", "350")


def test_retry_after_as_a_date_counts_from_the_request(fake: FakeProvider) -> None:
    fake.set("rate_limit", retry_after_s=60, retry_after_date=True)
    got = exchange(fake.port, CHAT, ASK)
    started_s = int(fake.log()[-1].started_wall_s)
    assert email.utils.parsedate_to_datetime(got.headers["retry-after"]).timestamp() == started_s + 60


def test_no_retry_after_unless_asked_for(fake: FakeProvider) -> None:
    fake.set("rate_limit", concurrency=6, concurrency_limit=5)
    got = exchange(fake.port, CHAT, ASK)
    assert "retry-after" not in got.headers
    assert b"current concurrency is 6, which exceeds your concurrency limit of 5 based" in got.payload


def test_unserved_model_does_not_exist(fake: FakeProvider) -> None:
    fake.set("ok")
    got = exchange(fake.port, CHAT, {**ASK, "model": "deepseek-r9"})
    assert (got.status, got.payload) == (400, MODEL)


@pytest.mark.parametrize(
    ("body", "want"),
    [
        (b"{", "Failed to parse the request body as JSON"),
        ({"model": "deepseek-flash"}, "messages: null, wanted an array"),
        ({"model": "deepseek-flash", "messages": []}, "Empty input messages"),
        ({**ASK, "n": -1}, "n: -1, wanted 1 to 16"),
        ({**ASK, "model": 3}, "model: int '3', wanted a string"),
    ],
    ids=["broken JSON", "no messages", "empty messages", "no choices", "model is no string"],
)
def test_unreadable_request_is_a_400(fake: FakeProvider, body: object, want: str) -> None:
    fake.set("ok")
    got = exchange(fake.port, CHAT, body)
    assert got.status == 400
    assert want in json.loads(got.payload)["error"]["message"]


class TestKeys:
    def test_wrong_key_is_masked_in_the_answer_and_whole_in_the_log(self) -> None:
        with FakeProvider(keys=["sk-good"]) as fake:
            got = exchange(fake.port, CHAT, ASK, {"authorization": "Bearer sk-0123abcd15"})
            assert (got.status, got.payload) == (401, AUTH)
            assert (fake.log()[0].key, fake.log()[0].scenario) == ("sk-0123abcd15", "auth")

    def test_missing_key_gets_the_format_hint(self) -> None:
        with FakeProvider(keys=["sk-good"]) as fake:
            got = exchange(fake.port, CHAT, ASK)
            assert (got.status, fake.log()[0].key) == (401, None)
            assert "(auth header format should be Bearer sk-...)" in got.payload.decode()

    def test_every_surface_but_health_asks_for_the_key(self) -> None:
        with FakeProvider(keys=["sk-good"]) as fake:
            paths = ("/models", "/v1/models", "/user/balance", "/health")
            assert [exchange(fake.port, path).status for path in paths] == [401, 401, 401, 200]

    def test_accepted_keys_can_be_rotated(self) -> None:
        with FakeProvider(keys=["sk-old"]) as fake:
            fake.settings(keys=["sk-new"])
            statuses = [
                exchange(fake.port, CHAT, ASK, {"authorization": f"Bearer {key}"}).status
                for key in ("sk-old", "sk-new")
            ]
            assert statuses == [401, 200]


class TestBalance:
    def test_good(self, fake: FakeProvider) -> None:
        fake.set("ok")
        got = exchange(fake.port, "/user/balance")
        assert got.payload == (
            b'{"is_available":true,"balance_infos":[{"currency":"CNY","total_balance":"110.00",'
            b'"granted_balance":"10.00","topped_up_balance":"100.00"}]}'
        )

    def test_an_empty_account_says_so(self, fake: FakeProvider) -> None:
        fake.set("insufficient_balance")
        assert json.loads(exchange(fake.port, "/user/balance").payload)["is_available"] is False
        assert json.loads(exchange(fake.port, "/api/v1/key").payload)["data"]["limit_remaining"] == 0

    def test_it_can_be_empty_while_it_still_answers(self, fake: FakeProvider) -> None:
        fake.set("insufficient_balance", surfaces=["balance"])
        assert json.loads(exchange(fake.port, "/user/balance").payload)["is_available"] is False
        assert exchange(fake.port, CHAT, ASK).status == 200


class TestSurfaces:
    def test_health_checks_stay_well_while_generation_fails(self, fake: FakeProvider) -> None:
        fake.set("busy503")
        paths = ("/models", "/user/balance", "/health")
        assert [exchange(fake.port, path).status for path in paths] == [200, 200, 200]

    def test_named_surfaces_fail_alone(self, fake: FakeProvider) -> None:
        fake.set("busy503", surfaces=["models"])
        assert (exchange(fake.port, "/v1/models").status, exchange(fake.port, CHAT, ASK).status) == (503, 200)

    def test_models_are_the_served_ones(self) -> None:
        with FakeProvider(models=["a", "b"]) as fake:
            data = json.loads(exchange(fake.port, "/models").payload)["data"]
            assert [entry["id"] for entry in data] == ["a", "b"]

    def test_ollama_tells_them_with_their_tags(self) -> None:
        with FakeProvider(models=["a", "b:7b"]) as fake:
            models = json.loads(exchange(fake.port, "/api/tags").payload)["models"]
            assert [model["name"] for model in models] == ["a:latest", "b:7b"]

    def test_unknown_path_is_a_404(self, fake: FakeProvider) -> None:
        assert exchange(fake.port, "/v2/chat/completions", ASK).status == 404
