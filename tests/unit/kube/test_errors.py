"""Every answer of the API server is either "try again" or "a person must act", and the message names what was tried."""

import json

import aiohttp
import pytest
from kubernetes.aio.client.exceptions import ApiException

from poolkeeper.errors import Refused, RetryLater
from poolkeeper.kube.errors import LONGEST_RETRY_AFTER_S, MESSAGE_LIMIT_CHARS, sorted_error

DOING = "apply of Deployment default/chat-router"


def answer(status: int, body: object = None, headers: dict[str, str] | None = None) -> ApiException:
    error = ApiException(status=status, reason="Because", body=json.dumps(body))
    error.headers = headers
    return error


@pytest.mark.parametrize("status", [400, 403, 405, 413, 415, 422])
def test_a_request_that_will_never_be_taken_is_for_the_user(status: int) -> None:
    error = sorted_error(answer(status, {"message": "exceeded quota: pods"}), DOING)

    assert isinstance(error, Refused)
    assert error.reason == "ApplyForbidden"
    assert str(error) == f"{DOING}: {status}: exceeded quota: pods"


def test_a_field_that_the_api_server_does_not_know_is_for_the_user_though_it_says_500() -> None:
    said = "failed to create typed patch object (chat-router; apps/v1, Kind=Deployment): .spec.any: field not declared"

    error = sorted_error(answer(500, {"message": said}), DOING)

    assert isinstance(error, Refused)
    assert ".spec.any: field not declared" in str(error)


@pytest.mark.parametrize("status", [401, 404, 408, 409, 429, 500, 503, 504])
def test_a_server_that_is_not_ready_is_tried_again(status: int) -> None:
    assert isinstance(sorted_error(answer(status), DOING), RetryLater)


def test_the_servers_own_word_on_when_counts() -> None:
    error = sorted_error(answer(429, headers={"Retry-After": "7"}), DOING)

    assert isinstance(error, RetryLater)
    assert error.after_s == 7


@pytest.mark.parametrize(
    "cause",
    [{"reason": "NamespaceTerminating"}, {"field": "metadata.uid", "reason": "FieldValueInvalid"}],
    ids=["the namespace is going away", "another object took the name"],
)
def test_a_refusal_that_time_will_mend_is_tried_again(cause: dict[str, str]) -> None:
    error = sorted_error(answer(403, {"message": "no", "details": {"causes": [cause]}}), DOING)

    assert isinstance(error, RetryLater)


def test_a_namespace_that_is_going_away_is_known_by_the_words_alone_too() -> None:
    said = "configmaps is forbidden: unable to create new content in namespace a because it is being terminated"

    assert isinstance(sorted_error(answer(403, {"message": said}), DOING), RetryLater)


def test_an_admission_webhook_that_is_down_is_tried_again_and_one_that_says_no_is_for_the_user() -> None:
    down = 'Internal error occurred: failed calling webhook "a.example": dial tcp 10.0.0.1:443: connection refused'
    no = 'admission webhook "a.example" denied the request: images come from our registry'

    assert isinstance(sorted_error(answer(500, {"message": down}), DOING), RetryLater)
    refused = sorted_error(answer(403, {"message": no}), DOING)
    assert isinstance(refused, Refused)
    assert no in str(refused)


@pytest.mark.parametrize(
    ("cause", "want"),
    [
        (TimeoutError(), "no answer in time"),
        (aiohttp.ServerDisconnectedError(), "Server disconnected"),
        (aiohttp.ClientPayloadError(), "ClientPayloadError"),
    ],
)
def test_a_server_that_cannot_be_reached_is_tried_again(cause: Exception, want: str) -> None:
    assert isinstance(cause, aiohttp.ClientError | TimeoutError)
    error = sorted_error(cause, DOING)

    assert isinstance(error, RetryLater)
    assert str(error) == f"{DOING}: the API server cannot be reached: {want}"


def test_an_answer_that_is_not_the_api_servers_is_reported_by_its_status() -> None:
    error = ApiException(status=502, reason="Bad Gateway", body="<html>")

    assert str(sorted_error(error, DOING)) == f"{DOING}: 502: Bad Gateway"


def test_a_message_is_bounded() -> None:
    error = sorted_error(answer(422, {"message": "x" * 10_000}), DOING)

    assert len(str(error)) <= MESSAGE_LIMIT_CHARS + len(DOING) + 10


@pytest.mark.parametrize(
    ("given", "want"),
    [("0", 0), ("59", 59), ("86400", LONGEST_RETRY_AFTER_S), ("9" * 19, LONGEST_RETRY_AFTER_S)]
    + [(text, None) for text in ("", "soon", "-1", "1.5", "9" * 400, "Sun, 29 Nov 2026 17:00:00 GMT")],
)
def test_a_wait_is_no_longer_than_we_would_wait_ourselves(given: str, want: float | None) -> None:
    """A login page or a firewall in between may ask for a year, and a pool would be left alone for that long."""
    error = sorted_error(answer(429, headers={"Retry-After": given}), DOING)

    assert isinstance(error, RetryLater)
    assert error.after_s == want
