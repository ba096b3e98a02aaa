"""Refusals in the provider's own words, wherever it puts them."""

from collections.abc import Iterator

from testing.conformance.case import NEVER, ONCE, Case, ProviderError, Turn, When
from testing.conformance.table.rows import BOTH, wire
from testing.conformance.table.rows import OK as GOOD

KLASS = "A refusal's own words"
WORDS = "n must be between 1 and 4"
SHAPES: tuple[tuple[str, str, int, object], ...] = (
    ("problem", "RFC 9457's problem", 400, {"type": "about:blank", "title": "Bad Request", "detail": WORDS}),
    (
        "pydantic",
        "two of FastAPI's details",
        422,
        {
            "detail": [
                {"loc": ["body", "n"], "msg": WORDS, "type": "value_error"},
                {"loc": ["body", "x"], "msg": "unknown"},
            ]
        },
    ),
    ("fault", "Apigee's fault", 400, {"fault": {"faultstring": WORDS, "detail": {"errorcode": "steps.json"}}}),
    ("message-list", "NestJS's list of messages", 400, {"statusCode": 400, "message": [WORDS], "error": "Bad Request"}),
    ("errors-object", "Rails' errors", 422, {"errors": [{"title": "n", "detail": WORDS}]}),
    ("error-string", "an error that is a string, beside a code", 400, {"code": 7, "error": WORDS}),
    ("upper", "Alibaba Cloud's Message", 400, {"RequestId": "x", "Code": "InvalidParameter", "Message": WORDS}),
    ("bare", "a list of strings", 400, [WORDS]),
)


def cases() -> Iterator[Case]:
    for slug, title, status, body in SHAPES:
        for mode in BOTH:
            play = wire("refusal", status=status, body=body)
            turns = (Turn(ProviderError(status, WORDS)),)
            yield Case(f"words-{slug}-{mode}", KLASS, title, mode, When.FIRST, (play, GOOD), (ONCE, NEVER), turns=turns)
