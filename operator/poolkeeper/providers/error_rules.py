"""How providers say what is wrong, as data: the one source of what the prober and the routers make of an answer.

`make generate` writes it as router/lua/core/error/rules.lua. A rule gives a class (and the reason people read) to an
answer when all that it names fits: status; code and type (the error's members of these names); starts (how the message
starts); has (words anywhere in the body). All words are lower case, the body is lowered before. A provider's own rules
come before COMMON, both before STATUS.

A refusal may quote the caller's prompt, and may be about what this one caller asked for. So what takes an endpoint or a
model out of service is recognised only by status, code, type or the start of the message: nobody may close an endpoint
by writing "insufficient balance" into a prompt, or by asking for more than it can give.
"""

from collections.abc import Mapping

from poolkeeper.api.endpoint import Provider
from poolkeeper.providers.error_rule import (
    BAD_HISTORY,
    BLOCKED,
    BUSY,
    FILTERED,
    INVALID,
    INVALID_ANSWER,
    KEY_REFUSED,
    LOADING,
    NEVER_FITS,
    NO_MODEL,
    NO_SURFACE,
    NOT_HERE,
    OUT_OF_BALANCE,
    RATE_LIMITED,
    REDIRECT,
    SERVER_ERROR,
    TOO_LARGE,
    TOO_LONG,
    Rule,
    Verdict,
    having,
    starting,
)

STATUS: Mapping[int, Verdict] = {
    400: INVALID,
    401: KEY_REFUSED,
    402: OUT_OF_BALANCE,
    403: KEY_REFUSED,
    404: NO_MODEL,
    405: NO_SURFACE,
    408: SERVER_ERROR,
    409: SERVER_ERROR,
    410: NO_MODEL,
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

_OWN_WORDS = (400, 413, 422, 500)
"""What servers refuse a request with that is too long for them; some say every fault of a caller with 500."""
_REFUSED = (400, 422, 500, 501)
_FORBIDDEN = (401, 403)

_ABOUT_THE_REQUEST: tuple[Rule, ...] = (
    *having(
        TOO_LONG,
        _OWN_WORDS,
        "context_length_exceeded",
        "context length",
        "context window",
        "context limit",
        "available context size",
        "max context",
        ">= n_ctx",
        "max_model_len",
        "exceeds the maximum allowed length",
        "longer than the maximum model length",
        "prompt is too long",
        "prompt too long",
        "prompt exceeds max length",
        "input is too long",
        "is too large to process",
        "too many input tokens",
        "range of input length should be",
        "exceeded model token limit",
        "`inputs` tokens + `max_new_tokens` must be",
        "`inputs` must have less than",
        "maximum prompt length",
        "exceeds the maximum number of tokens",
        "exceed max message tokens",
        "tokens_limit_reached",
        "model_max_prompt_tokens_exceeded",
        "prompt token count of",
        "exceeds maximum input length",
    ),
    # vLLM: what is left of the context for the answer, below nothing
    *starting(TOO_LONG, 400, "max_tokens must be at least 1, got -", "max_completion_tokens must be at least 1, got -"),
    # A limit of tokens a minute that this one request is over: it fits at no time.
    *starting(NEVER_FITS, (413, 429), "request too large for"),
    *having(
        BAD_HISTORY,
        400,
        "in the thinking mode must be passed back",
        "redacted_thinking",
        "in `thinking` block",
        "thought_signature",
        "invalid_encrypted_content",
    ),
    *having(
        NOT_HERE,
        400,
        "thinking options type cannot be",
        "invalid 'user_id'",
        "invalid 'metadata.user_id'",
        "unsupported_parameter",
        "unsupported_value",
        ": unknown variant `",
    ),
    *having(
        NOT_HERE,
        _REFUSED,
        "does not support",
        "not supported",
        "is not a multimodal model",
        "requires --",
        "--jinja",
        "--mmproj",
        "unsupported param",
        "unsupported content",
        "at most 0 ",
        "not compiled for multimodal",
        "response_format type is unavailable",
        "'response_format.type' must be",
        "unable to generate parser for this template",
    ),
)
"""Recognised by words anywhere: a person who puts them into a prompt gains only a retry at other endpoints."""

_CALLERS_FAULT_AS_500: tuple[Rule, ...] = (
    Rule(verdict=INVALID, status=500, type="invalid_request_error"),
    *starting(
        INVALID,
        500,
        "failed to parse messages",
        "failed to parse tools",
        "failed to parse input",
        "failed to parse grammar",
        "failed to load image",
        "failed to decode image",
        "json schema conversion failed",
        "missing required",
        "unsupported role",
        "input validation error",
        "invalid type",
        "invalid message",
        "'messages' ",
        "[{'type': '",
        "[{'loc': ",
    ),
)
"""llama.cpp, llama-cpp-python and Ollama answer 500 to what they cannot read."""

_NOT_ABOUT_THE_KEY: tuple[Rule, ...] = (
    *(
        Rule(verdict=NO_MODEL, status=_FORBIDDEN, code=code)
        for code in ("model.accessdenied", "model_access_denied", "unsupported_country_region_territory")
    ),
    *(
        Rule(verdict=NO_MODEL, status=_FORBIDDEN, type=f"{owner}_model_access_denied")
        for owner in ("key", "team", "user", "org", "project")
    ),
    *starting(
        NO_MODEL,
        _FORBIDDEN,
        "model disabled",
        "model is disabled",
        "access to model",
        "model access",
        "access denied to model",
        "the model `",
        "this model ",
        "your account does not have access to model",
        "you do not have access to the model",
        "you don't have access to the model",
        "you do not have access to model",
        "this token has no access to model",
        "this team does not have access to model",
        "country, region, or territory not supported",
    ),
    *having(FILTERED, 403, "moderation", "flagged", "guardrail", "content_policy", "content policy", "safety system"),
)

_FIREWALLS: tuple[Rule, ...] = (
    *starting(BLOCKED, (403, 406), "<"),
    *having(BLOCKED, (403, 405, 406), "cloudflare", "errors.aliyun.com", "incapsula", "support id"),
)
"""A page where an API would have said JSON comes from something before it, about these words or this address."""

COMMON: tuple[Rule, ...] = (
    Rule(verdict=OUT_OF_BALANCE, status=429, code="insufficient_quota"),
    Rule(verdict=OUT_OF_BALANCE, status=200, starts="insufficient balance"),
    Rule(verdict=NO_MODEL, code="model_not_found"),
    Rule(verdict=NO_MODEL, status=400, starts="model not exist"),
    *_NOT_ABOUT_THE_KEY,
    *_FIREWALLS,
    *_CALLERS_FAULT_AS_500,
    *_ABOUT_THE_REQUEST,
    # What the caller names and the provider no longer has, if it ever had it; not the model.
    Rule(verdict=INVALID, status=404, code="previous_response_not_found"),
    *starting(
        INVALID,
        404,
        "previous response",
        "response with id",
        "conversation with id",
        "item with id",
        "prompt with id",
        "no such file object",
    ),
    *having(BUSY, 200, "too busy", "overloaded", "insufficient_system_resource"),
    Rule(verdict=RATE_LIMITED, status=200, has="rate_limit"),
    *starting(BUSY, 500, "service is too busy", "overloaded"),
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
