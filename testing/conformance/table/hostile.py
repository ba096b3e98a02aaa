"""Attack and use: bytes that were made to harm, or that no one expected, from providers and from callers.

Each names the report, or the finding, that it was made from.
"""

from collections.abc import Iterator

from testing.conformance.case import CALLER_KEY, NEVER, ONCE, Case, Manner, Mode, Play, When
from testing.conformance.table.rows import BOTH, OK, wire

KLASS = "Attack and use"
HEAD = "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n"
HINT = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
LONG = "1s" * 3000
LIMITED = {"error": {"message": f"Rate limit reached. Please try again in {LONG}", "type": "", "code": None}}
SPEND = {
    "type": "error",
    "error": {"type": "rate_limit_error", "message": "This request would exceed your account's monthly spend limit."},
}


def _head(*lines: str) -> str:
    return "\r\n".join(("HTTP/1.1 200 OK", "content-type: {kind}", "connection: close", *lines, "", ""))


READ: tuple[tuple[str, str, Play], ...] = (
    # Mesh-LLM/mesh-llm#70
    ("continue-twice", "100 Continue twice, unasked", wire("headed", head="HTTP/1.1 100 Continue\r\n\r\n" * 2 + HEAD)),
    ("hints", "a hundred early hints", wire("headed", head=HINT * 100 + HEAD)),
    ("many-headers", "an answer with 200 headers", wire("headed", head=_head(*(f"x-h{n}: {n}" for n in range(200))))),
    ("long-header", "a header of 30 KB", wire("headed", head=_head("x-debug: " + "a" * 30_000))),
    ("cookies", "a CDN's cookies", wire("headed", head=_head("set-cookie: __cf_bm=a; HttpOnly", "set-cookie: b=c"))),
)
STREAMED: tuple[tuple[str, str, Play], ...] = (
    # mnfst/llm-gateway#2053
    ("processing", "comments before the first word", wire("edited", insert=": OPENROUTER PROCESSING\n\n" * 300, at=0)),
    # miruamel/xuan#194
    ("crlf-comments", "100 KB of comments that end in CR LF", wire("edited", insert=":a\r\n" * 25_000 + "\r\n", at=2)),
    # jundot/omlx, pull request 1011
    ("empty-chunk", "a keep-alive that is a chunk", wire("edited", insert='data: {"choices":[]}\n\n' * 50, at=2)),
    ("id-retry", "fields id and retry, empty", wire("edited", insert="id:\nretry:\nevent:\n\n", at=2)),
)
PASSED: tuple[tuple[str, str, Play], ...] = (
    ("folded", "a header that is folded into the next line", wire("headed", head=_head("x-a: b", "   c"))),
    ("two-lengths", "two lengths of one body", wire("headed", head=_head("content-length: 5", "content-length: 7"))),
    ("switching", "101 that nobody asked for", wire("headed", head="HTTP/1.1 101 Switching Protocols\r\n\r\n" + HEAD)),
    ("long-wait", "429 with a wait of 6 KB", wire("refusal", status=429, body=LIMITED)),
    (
        "long-reset",
        "429 with headers of 6 KB",
        wire("refusal", status=429, body={}, headers={"x-ratelimit-reset-requests": LONG, "retry-after": "9" * 400}),
    ),
    # kdlbs/kandev#3811
    (
        "three-days",
        "429 of an account for three days",
        wire("refusal", status=429, body=SPEND, headers={"retry-after-ms": "274579000"}),
    ),
)
SENT: tuple[tuple[str, str, Manner], ...] = (
    # spanlens/Spanlens, pull request 438
    ("expect", "that asks whether to go on", Manner(headers={"expect": "100-continue"})),
    (
        "conditions",
        "with conditions of a cache",
        Manner(headers={"if-match": '"a"', "if-none-match": "*", "range": "bytes=0-9", "if-modified-since": "0"}),
    ),
    (
        "identities",
        "with identities of proxies before the gateway",
        Manner(
            headers=dict.fromkeys(
                ("x-amzn-oidc-data", "x-goog-iap-jwt-assertion", "x-forwarded-access-token", "x-vault-token",
                 "proxy-authorization", "cookie", "x-remote-user", "private-token"),
                CALLER_KEY,
            )
        ),
    ),
    ("hops", "with headers of its own connection", Manner(headers={"connection": "close, x-a", "x-a": CALLER_KEY})),
)  # fmt: skip


def cases() -> Iterator[Case]:
    for mode in BOTH:
        for slug, title, play in (*READ, *(STREAMED if mode is Mode.STREAM else ())):
            yield Case(f"use-{slug}-{mode}", KLASS, title, mode, When.FIRST, (play, OK), (ONCE, NEVER))
        for slug, title, play in PASSED:
            name = f"use-{slug}-{mode}"
            yield Case(name, KLASS, f"{title}: the next endpoint", mode, When.FIRST, (play, OK), (ONCE, ONCE))
        for slug, title, manner in SENT:
            yield Case(
                f"use-{slug}-{mode}", KLASS, f"a request {title}", mode, When.FIRST, (OK, OK), (ONCE, NEVER),
                manner=manner,
            )  # fmt: skip
