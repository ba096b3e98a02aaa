"""Requests as real clients send them: packed bodies, base URLs of all kinds, keys in other headers, odd members."""

from collections.abc import Iterator

from testing.conformance.case import NEVER, ONCE, Case, Manner, When
from testing.conformance.table.rows import BOTH, OK

KLASS = "As clients send it"
MANNERS: tuple[tuple[str, str, Manner], ...] = (
    ("gzip", "its body packed with gzip", Manner(encoding="gzip")),
    ("deflate", "its body packed with deflate", Manner(encoding="deflate")),
    ("azure", "at Azure's path", Manner(path="/openai/deployments/{model}/chat/completions?api-version=2024-10-21")),
    ("azure-v1", "at Azure's newer path", Manner(path="/openai/v1/chat/completions?api-version=preview")),
    ("openrouter", "at OpenRouter's path", Manner(path="/api/v1/chat/completions")),
    ("slash", "with a slash behind", Manner(path="/v1/chat/completions/")),
    ("slashes", "with a slash too many", Manner(path="/v1//chat/completions")),
    ("doubled", "with the version twice", Manner(path="/v1/v1/chat/completions")),
    ("unversioned", "without a version", Manner(path="/chat/completions")),
    ("dashscope", "at Alibaba Cloud's path", Manner(path="/compatible-mode/v1/chat/completions")),
    ("query", "with a query", Manner(path="/v1/chat/completions?beta=true&trace=1")),
    ("api-key", "the key in api-key", Manner(key_header="api-key")),
    ("x-api-key", "the key in x-api-key", Manner(key_header="x-api-key")),
    (
        "accounts",
        "with headers of another account",
        Manner(
            headers={
                "openai-organization": "org-other",
                "openai-project": "proj_other",
                "http-referer": "https://app.example",
            }
        ),
    ),
    (
        "agent",
        "with a client library's headers",
        Manner(
            headers={
                "x-stainless-lang": "js",
                "x-stainless-retry-count": "1",
                "user-agent": "OpenAI/JS 6.1.0",
                "te": "trailers",
            }
        ),
    ),
    (
        "browser",
        "with a browser's headers",
        Manner(
            headers={
                "sec-fetch-mode": "cors",
                "sec-fetch-site": "none",
                "cookie": "session=1",
                "accept-language": "de",
            }
        ),
    ),
    (
        "type",
        "with a content type that names a charset",
        Manner(headers={"content-type": "application/json; charset=UTF-8"}),
    ),
    ("no-type", "with a content type that is none of JSON", Manner(headers={"content-type": "text/plain"})),
    (
        "accept",
        "that accepts anything",
        Manner(headers={"accept": "*/*", "accept-encoding": "gzip, deflate, br, zstd"}),
    ),
    ("blank", "after blank lines", Manner(before="\r\n\n ")),
)
BODIES: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("nulls", "with members that are null", {"stop": None, "seed": None, "user": None, "n": None, "tools": None}),
    ("developer", "with members of the newest API", {"store": False, "metadata": {"a": "b"}, "service_tier": "auto"}),
    ("emoji", "with characters beyond the first plane", {"user": "\U0001f600 \u4f60\u597d"}),
    ("numbers", "with numbers in other forms", {"temperature": 1e0, "seed": 9007199254740993, "top_p": 0.1}),
    ("deep", "with a nested schema", {"metadata": {"x": [[[[[[{"y": [{}]}]]]]]]}}),
)


def cases() -> Iterator[Case]:
    for mode in BOTH:
        for slug, title, manner in MANNERS:
            yield Case(
                f"sent-{slug}-{mode}", KLASS, f"a request {title}", mode, When.FIRST, (OK, OK), (ONCE, NEVER),
                manner=manner,
            )  # fmt: skip
        for slug, title, request in BODIES:
            yield Case(
                f"sent-{slug}-{mode}", KLASS, f"a request {title}", mode, When.FIRST, (OK, OK), (ONCE, NEVER),
                request=request,
            )  # fmt: skip
