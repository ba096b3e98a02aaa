"""What the dashboard answers, and to whom."""

from collections.abc import Mapping

import pytest

from poolkeeper.api.reasons import ProbeReason, Reason, runbook
from poolkeeper.dashboard.site import DOCUMENT, FILES, SEARCH, Site, is_ours

HOST = "127.0.0.1"


def site(host: str = HOST) -> Site:
    return Site(host, lambda: b'{"pools":[]}')


@pytest.mark.parametrize(
    ("header", "listening", "want"),
    [
        ("127.0.0.1:9280", HOST, True),
        ("127.0.0.1", HOST, True),
        ("localhost:9280", HOST, True),
        ("LOCALHOST:7000", HOST, True),
        ("[::1]:9280", "::1", True),
        ("localhost:9280", "::1", True),
        ("10.1.2.3:9280", "10.1.2.3", True),
        ("10.1.2.3:9280", "0.0.0.0", True),
        ("[fd00::1]:9280", "::", True),
        ("", HOST, False),
        ("evil.example:9280", HOST, False),
        ("evil.example", "0.0.0.0", False),
        ("localhost.evil.example:9280", HOST, False),
        ("127.0.0.1.evil.example:9280", HOST, False),
        ("127.0.0.1@evil.example", HOST, False),
        ("[127.0.0.1", HOST, True),
        ("10.1.2.3:9280", HOST, False),
        ("localhost:9280", "10.1.2.3", False),
    ],
)
def test_only_its_own_address_is_answered(header: str, listening: str, want: bool) -> None:
    assert is_ours(header, listening) is want


def test_a_name_that_was_made_to_point_here_gets_nothing_and_learns_why() -> None:
    answer = site().answer("GET", DOCUMENT, "evil.example\u0000" + 500 * "x")

    assert answer.status == 403
    assert b"pools" not in answer.body
    assert b"seen Host 'evil.example" in answer.body
    assert len(answer.body) < 250


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH", "GETT"])
def test_it_only_shows(method: str) -> None:
    answer = site().answer(method, DOCUMENT, HOST)

    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("path", [*FILES, DOCUMENT, SEARCH, "/runbooks/BreakerOpen", "/nosuch"])
def test_every_answer_keeps_the_browser_strict(path: str) -> None:
    headers = site().answer("GET", path, HOST).headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "path", ["/nosuch", "/index.html", "/../pyproject.toml", "/runbooks/", "/runbooks/../README", "/runbooks/Healthy"]
)
def test_what_is_not_there(path: str) -> None:
    assert site().answer("GET", path, HOST).status == 404


@pytest.mark.parametrize("word", [*Reason.__members__, *ProbeReason.__members__])
def test_every_runbook_that_a_reason_leads_to_is_there(word: str) -> None:
    answer = site().answer("GET", f"/runbooks/{word}", HOST)

    assert answer.status == (200 if runbook(word) else 404)
    assert f"# {word}".encode() in answer.body or not runbook(word)


def test_names_that_were_given_are_good_and_no_others() -> None:
    page = Site("0.0.0.0", lambda: b"{}", ["pools.example.com"])
    for host, want in (("pools.example.com", 200), ("POOLS.example.com:443", 200), ("x.example.com", 403)):
        assert page.answer("GET", "/", host).status == want, host


def test_a_search_gets_what_was_asked_and_only_from_its_own_page() -> None:
    asked: list[dict[str, str]] = []

    def search(words: Mapping[str, str]) -> bytes:
        asked.append(dict(words))
        return b"{}"

    page = Site(HOST, lambda: b"{}", search=search)
    query = "pool=team%2Fchat&client=a%26b&endpoint="
    for fetch_site, want in (("", 200), ("same-origin", 200), ("none", 200), ("cross-site", 403), ("same-site", 403)):
        assert page.answer("GET", SEARCH, HOST, query, fetch_site).status == want, fetch_site
    assert asked == 3 * [{"pool": "team/chat", "client": "a&b"}]


def test_a_search_with_thousands_of_fields_is_refused() -> None:
    assert site().answer("GET", SEARCH, HOST, "&".join(f"f{number}=1" for number in range(5000))).status == 400
