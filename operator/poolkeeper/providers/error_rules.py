"""How providers say what is wrong, as data: the one source of what the prober and the routers make of an answer.

`make generate` writes it as router/lua/core/error/rules.lua. A rule gives a class (and the reason people read) to an
answer when all that it names fits: status; code and type (the error's members of these names); starts (how the message
starts); has (words anywhere in the body). All words are lower case, the body is lowered before. A provider's own rules
come before COMMON, both before STATUS.

A refusal may quote the caller's prompt, and may be about what this one caller asked for. So what takes an endpoint or a
model out of service is told by status, code, type or the start of the message only: nobody may close an endpoint by
writing "insufficient balance" into a prompt, or by asking for more than it can give.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from poolkeeper.api.endpoint import Provider

OutcomeClass = Literal[
    "Busy", "RateLimited", "ServerError", "Credential", "ModelMissing", "ContextTooLong", "Incompatible", "ClientFault"
]
"""Those of the classes that an answer can have; the others (Connect, Truncated, …) are seen by its absence."""


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: OutcomeClass
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    verdict: Verdict
    status: int | None = None
    code: str | None = None
    type: str | None = None
    starts: str | None = None
    has: str | None = None


BUSY = Verdict("Busy", "Busy")
LOADING = Verdict("Busy", "ModelLoading")
RATE_LIMITED = Verdict("RateLimited", "RateLimited")
SERVER_ERROR = Verdict("ServerError", "ServerError")
INVALID_ANSWER = Verdict("ServerError", "InvalidAnswer")
REDIRECT = Verdict("ServerError", "RedirectRefused")
KEY_REFUSED = Verdict("Credential", "CredentialsRejected")
OUT_OF_BALANCE = Verdict("Credential", "BalanceExhausted")
NO_MODEL = Verdict("ModelMissing", "ModelMissing")
NO_SURFACE = Verdict("ModelMissing", "SurfaceMissing")
TOO_LONG = Verdict("ContextTooLong", "ContextTooLong")
BAD_HISTORY = Verdict("Incompatible", "IncompatibleHistory")
NOT_HERE = Verdict("Incompatible", "NotSupported")
INVALID = Verdict("ClientFault", "InvalidRequest")
FILTERED = Verdict("ClientFault", "ContentFilter")
TOO_LARGE = Verdict("ClientFault", "BodyTooLarge")

STATUS: Mapping[int, Verdict] = {
    400: INVALID,
    401: KEY_REFUSED,
    402: OUT_OF_BALANCE,
    403: KEY_REFUSED,
    404: NO_MODEL,
    405: NO_SURFACE,
    408: SERVER_ERROR,
    409: SERVER_ERROR,
    413: TOO_LARGE,
    422: INVALID,
    424: SERVER_ERROR,
    425: BUSY,
    429: RATE_LIMITED,
    501: NO_SURFACE,
    503: BUSY,
    529: BUSY,
}
STATUS_FAMILY: Mapping[int, Verdict] = {2: INVALID_ANSWER, 3: REDIRECT, 4: INVALID, 5: SERVER_ERROR}
"""For a status that is not listed, by its first digit. Redirects are never followed: the key would go with them."""

WORD_STATUS: Mapping[str, int] = {
    "authentication_error": 401,
    "badrequesterror": 400,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "insufficient_quota": 402,
    "internalservererror": 500,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "not_found_error": 404,
    "notfounderror": 404,
    "not_supported_error": 501,
    "overloaded_error": 529,
    "payment_required": 402,
    "permission_error": 403,
    "provider_overloaded": 503,
    "provider_unavailable": 502,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "request_too_large": 413,
    "server_error": 500,
    "server_is_overloaded": 503,
    "service_unavailable_error": 503,
    "serviceunavailable": 503,
    "serviceunavailableerror": 503,
    "unavailable_error": 503,
}
"""What an error inside a 200 calls its type (its code, where it has no type) -> the status it would have been."""

COMMON: tuple[Rule, ...] = (
    Rule(verdict=OUT_OF_BALANCE, status=429, code="insufficient_quota"),
    Rule(verdict=OUT_OF_BALANCE, status=200, starts="insufficient balance"),
    Rule(verdict=NO_MODEL, code="model_not_found"),
    Rule(verdict=NO_MODEL, status=400, starts="model not exist"),
    Rule(verdict=BAD_HISTORY, status=400, starts="the `reasoning_content` in the thinking mode must be passed back"),
    Rule(verdict=TOO_LONG, status=400, has="context_length_exceeded"),
    Rule(verdict=TOO_LONG, status=400, has="maximum context length"),
    Rule(verdict=TOO_LONG, status=400, has="exceeds the available context size"),
    Rule(verdict=TOO_LONG, status=400, has="exceeds the context window"),
    Rule(verdict=TOO_LONG, status=400, has="exceeds the context length"),
    Rule(verdict=TOO_LONG, status=400, has="exceeds the maximum allowed length"),
    Rule(verdict=TOO_LONG, status=400, has="longer than the model's context length"),
    Rule(verdict=TOO_LONG, status=400, has="longer than the maximum model length"),
    Rule(verdict=TOO_LONG, status=400, has="prompt is too long"),
    Rule(verdict=TOO_LONG, status=413, has="context length"),
    # What the caller names and the provider no longer has, if it ever had it; not the model.
    Rule(verdict=INVALID, status=404, code="previous_response_not_found"),
    Rule(verdict=INVALID, status=404, starts="previous response"),
    Rule(verdict=INVALID, status=404, starts="response with id"),
    Rule(verdict=INVALID, status=404, starts="conversation with id"),
    Rule(verdict=INVALID, status=404, starts="item with id"),
    Rule(verdict=INVALID, status=404, starts="prompt with id"),
    Rule(verdict=INVALID, status=404, starts="no such file object"),
    Rule(verdict=BUSY, status=200, has="too busy"),
    Rule(verdict=BUSY, status=200, has="overloaded"),
    Rule(verdict=BUSY, status=200, has="insufficient_system_resource"),
    Rule(verdict=RATE_LIMITED, status=200, has="rate_limit"),
    Rule(verdict=BUSY, status=500, starts="service is too busy"),
    Rule(verdict=BUSY, status=500, starts="overloaded"),
)

PROVIDERS: Mapping[Provider, tuple[Rule, ...]] = {
    "DeepSeek": (
        Rule(verdict=FILTERED, status=400, starts="content exists risk"),
        Rule(verdict=NOT_HERE, status=400, starts="the last message with prefix"),
        Rule(verdict=NOT_HERE, status=400, starts="the last message of deepseek-reasoner must be"),
    ),
    "OpenRouter": (
        Rule(verdict=RATE_LIMITED, status=402, has="in_flight"),
        Rule(verdict=NOT_HERE, status=402, starts="this request requires more credits, or fewer max_tokens"),
        Rule(verdict=NOT_HERE, status=402, starts="prompt tokens limit exceeded"),
        Rule(verdict=FILTERED, status=403, has="moderation"),
        Rule(verdict=FILTERED, status=403, has="flagged"),
        Rule(verdict=FILTERED, status=403, has="guardrail"),
        Rule(verdict=NOT_HERE, status=404, starts="no endpoints found that"),
        Rule(verdict=NOT_HERE, status=404, starts="no allowed providers"),
        Rule(verdict=RATE_LIMITED, type="rate_limit_exceeded"),
        Rule(verdict=BUSY, type="provider_overloaded"),
        Rule(verdict=SERVER_ERROR, type="provider_unavailable"),
    ),
    "SiliconFlow": (
        Rule(verdict=NO_MODEL, code="20012"),
        Rule(verdict=TOO_LONG, status=400, has="must be less than max_seq_len"),
        Rule(verdict=OUT_OF_BALANCE, code="30001"),
        Rule(verdict=RATE_LIMITED, status=200, starts="request was rejected due to rate limiting"),
        Rule(verdict=BUSY, code="50501"),
        Rule(verdict=BUSY, code="50505"),
        Rule(verdict=BUSY, code="50603"),
        Rule(verdict=BUSY, status=504),
    ),
    "Together": (
        Rule(verdict=NO_MODEL, code="model_not_available"),
        Rule(verdict=TOO_LONG, status=400, has="tokens + `max_new_tokens` must be"),
    ),
    "Fireworks": (
        Rule(verdict=OUT_OF_BALANCE, status=412, starts="account "),
        Rule(verdict=RATE_LIMITED, status=412),
    ),
    "Perplexity": (Rule(verdict=NO_MODEL, status=400, type="invalid_model"),),
    "Ollama": (
        Rule(verdict=BUSY, status=500, starts="server busy"),
        Rule(verdict=NOT_HERE, status=400, has="does not support"),
    ),
    "LlamaCpp": (
        Rule(verdict=LOADING, status=503, starts="loading model"),
        Rule(verdict=TOO_LONG, type="exceed_context_size_error"),
        Rule(verdict=NOT_HERE, type="not_supported_error"),
    ),
    "LMStudio": (
        Rule(verdict=NO_SURFACE, status=200, starts="unexpected endpoint or method"),
        Rule(verdict=TOO_LONG, starts="trying to keep the first"),
        Rule(verdict=SERVER_ERROR, starts="failed to load model"),
        Rule(verdict=SERVER_ERROR, starts="model unloaded"),
        Rule(verdict=SERVER_ERROR, starts="the model has crashed"),
    ),
}
