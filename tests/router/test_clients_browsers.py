"""Web pages: who may call a pool from a browser, and what a page of any other site cannot do."""

from collections.abc import Iterator

import httpx
import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc, CorsDoc
from router.harness import Router, endpoint, request
from testing.fakes.answerer import Answerer, good

APP = "https://app.example.com"
CORS = CorsDoc(origins=(APP,), headers=("x-team",), max_age_s=300)
CHAT = "/v1/chat/completions"


@pytest.fixture
def provider() -> Iterator[Answerer]:
    with Answerer(lambda _: good()) as fake:
        yield fake


def keys(router: Router, cors: CorsDoc = CORS) -> AccessDoc:
    router.write_key("web", "vk-page-4be1c07d93", folder="clients")
    clients = (ClientDoc(name="web", key_file="web", source="Secret c, key web"),)
    return AccessDoc(mode="Keys", clients=clients, cors=cors)


def preflight(router: Router, origin: str, headers: str = "authorization,content-type") -> httpx.Response:
    asked = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": headers}
    return router.client.request("OPTIONS", CHAT, headers=asked)


def test_a_preflight_needs_no_key(router: Router, provider: Answerer) -> None:
    router.serve(endpoint("a", port=provider.port), access=keys(router))

    answered = preflight(router, APP, "Authorization, content-type, x-stainless-os, x-team, x-secret")

    assert (answered.status_code, answered.content) == (204, b"")
    said = answered.headers
    assert said["access-control-allow-origin"] == APP
    assert said["access-control-allow-headers"] == "authorization, content-type, x-stainless-os, x-team"
    assert said["access-control-max-age"] == "300"
    assert "POST" in said["access-control-allow-methods"]
    assert "Origin" in said["vary"]
    assert "access-control-allow-credentials" not in said
    assert provider.asked == []


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_and_an_error_say_who_may_read_them(router: Router, provider: Answerer, stream: bool) -> None:
    router.serve(endpoint("a", port=provider.port), access=keys(router))
    page = {"origin": APP, "sec-fetch-site": "cross-site"}

    for headers, want in (({"x-api-key": "vk-page-4be1c07d93"}, 200), ({"x-api-key": "bad"}, 401)):
        answered = router.ask(headers={**page, **headers}, stream=stream)

        assert answered.status_code == want
        assert answered.headers["access-control-allow-origin"] == APP
        assert "x-poolkeeper-endpoint" in answered.headers["access-control-expose-headers"]
        assert "Origin" in answered.headers["vary"]
    router.allow("too large body")
    too_long = router.client.post(CHAT, content=b" " * (17 << 20), headers=page)
    assert (too_long.status_code, too_long.headers["access-control-allow-origin"]) == (413, APP)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://app.example.com.evil.example", "null", "http://app.example.com"]
)
def test_a_page_that_is_not_named_is_refused(router: Router, provider: Answerer, origin: str) -> None:
    router.serve(endpoint("a", port=provider.port), access=keys(router))

    page = {"origin": origin, "x-api-key": "vk-page-4be1c07d93"}

    for answered in (preflight(router, origin), router.ask(headers=page)):
        assert (answered.status_code, answered.json()["error"]["code"]) == (403, "origin_not_allowed")
        assert "access-control-allow-origin" not in answered.headers
        assert "Origin" in answered.headers["vary"]
    assert provider.asked == []


def test_every_page_may_be_allowed_and_never_with_cookies(router: Router, provider: Answerer) -> None:
    router.serve(endpoint("a", port=provider.port), access=AccessDoc(mode="Open", cors=CorsDoc(origins=("*",))))

    answered = router.ask(headers={"origin": "https://any.example"})

    assert (answered.status_code, answered.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in answered.headers


def test_without_cors_nothing_is_said(router: Router, provider: Answerer) -> None:
    router.serve(endpoint("a", port=provider.port))

    assert router.client.request("OPTIONS", CHAT).status_code == 405
    answered = router.ask()
    assert not [name for name in answered.headers if name.startswith("access-control-") or name == "vary"]


@pytest.mark.parametrize(
    ("headers", "want"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://localhost:3000", "sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://evil.example:8080", "host": "evil.example:8080"}, 403),
        ({"origin": "http://{own}", "content-type": "text/plain"}, 415),
        ({"origin": "http://{own}"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"content-type": "text/plain"}, 200),
        ({"content-type": "application/x-www-form-urlencoded"}, 200),
        ({"host": "models.internal"}, 200),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else " ".join(value.values()),
)  # fmt: skip
def test_a_page_of_another_site_cannot_use_a_router_on_this_machine(
    router: Router, provider: Answerer, headers: dict[str, str], want: int
) -> None:
    """`poolkeeper run`, without CORS: what a page could send without asking first."""
    router.serve(endpoint("a", port=provider.port), allow_loopback=True)
    own = router.url.removeprefix("http://")
    sent = {"content-type": "application/json", **{name: value.format(own=own) for name, value in headers.items()}}

    answered = router.client.post(CHAT, json=request(), headers=sent)

    assert answered.status_code == want
    assert len(provider.asked) == (want == 200)
