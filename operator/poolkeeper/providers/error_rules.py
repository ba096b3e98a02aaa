"""How providers say what is wrong, as data: the one source of what the prober and the routers make of an answer.

`make generate` writes it as router/lua/core/error/rules.lua. A rule gives a class (and the reason people read) to an
answer when all that it names fits: status; code and type (the error's members of these names); starts (how the message
starts); says (words of the message before it quotes anything); has (words anywhere in the body). All words are lower
case, the body is lowered before. A provider's own rules come before COMMON (request_words.py, service_words.py), both
before STATUS. An error inside a 200 is also read as if it had been a 400.

A refusal may quote the caller's prompt, and may be about what this one caller asked for. So what takes an endpoint or a
model out of service is recognised only by status, code, type, the start of the message, or what it says before it
quotes anything: nobody may close an endpoint by writing "insufficient balance" into a prompt, or by asking for more
than it can give.
"""

from collections.abc import Mapping

from poolkeeper.api.endpoint import Provider
from poolkeeper.providers.error_rule import (
    BLOCKED,
    BUSY,
    FILTERED,
    INVALID,
    INVALID_ANSWER,
    KEY_REFUSED,
    LOADING,
    LOOP,
    NO_MODEL,
    NO_SURFACE,
    NOT_HERE,
    OUT_OF_BALANCE,
    RATE_LIMITED,
    REDIRECT,
    SERVER_ERROR,
    TOO_LARGE,
    TOO_LONG,
    Meaning,
    Rule,
    coded,
)
from poolkeeper.providers.firewall_words import FIREWALLS
from poolkeeper.providers.request_words import (
    ABOUT_THE_REQUEST,
    CALLERS_FAULT_AS_500,
    IN_OTHER_WORDS,
    NOT_ABOUT_THE_KEY,
)
from poolkeeper.providers.service_words import MISSING_MODEL, NOT_NOW, OUT_OF_SERVICE

STATUS: Mapping[int, Meaning] = {
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
    420: RATE_LIMITED,
    421: SERVER_ERROR,
    423: BUSY,
    424: SERVER_ERROR,
    425: BUSY,
    429: RATE_LIMITED,
    451: NO_MODEL,
    498: BUSY,
    499: SERVER_ERROR,
    501: NO_SURFACE,
    503: BUSY,
    529: BUSY,
}
STATUS_FAMILY: Mapping[int, Meaning] = {2: INVALID_ANSWER, 3: REDIRECT, 4: INVALID, 5: SERVER_ERROR}
"""For a status that is not listed, by its first digit. Redirects are never followed: the key would go with them."""

WORD_STATUS: Mapping[str, int] = {
    "authentication_error": 401,
    "badrequesterror": 400,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "insufficient_quota": 402,
    "deadline_exceeded": 504,
    "internalservererror": 500,
    "invalid_argument": 400,
    "invalid_request": 400,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "not_found_error": 404,
    "notfounderror": 404,
    "not_supported_error": 501,
    "overloaded_error": 529,
    "not_found": 404,
    "payment_required": 402,
    "permission_denied": 403,
    "permission_error": 403,
    "provider_overloaded": 503,
    "provider_unavailable": 502,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "request_too_large": 413,
    "resource_exhausted": 429,
    "server_error": 500,
    "server_is_overloaded": 503,
    "service_unavailable_error": 503,
    "serviceunavailable": 503,
    "serviceunavailableerror": 503,
    "unauthenticated": 401,
    "unavailable": 503,
    "unavailable_error": 503,
    "upstream_error": 502,
}
"""What an error inside a 200 calls its type (its code, where it has no type) -> the status it would have been."""

COMMON: tuple[Rule, ...] = (
    *OUT_OF_SERVICE,
    *MISSING_MODEL,
    *NOT_ABOUT_THE_KEY,
    *FIREWALLS,
    *CALLERS_FAULT_AS_500,
    *ABOUT_THE_REQUEST,
    *NOT_NOW,
    *IN_OTHER_WORDS,
)

PROVIDERS: Mapping[Provider, tuple[Rule, ...]] = {
    "DeepSeek": (
        Rule(meaning=FILTERED, status=400, starts="content exists risk"),
        Rule(meaning=NOT_HERE, status=400, starts="the last message with prefix"),
        Rule(meaning=NOT_HERE, status=400, starts="the last message of deepseek-reasoner must be"),
    ),
    "OpenRouter": (
        Rule(meaning=RATE_LIMITED, status=402, has="in_flight"),
        Rule(meaning=NOT_HERE, status=402, starts="this request requires more credits, or fewer max_tokens"),
        Rule(meaning=NOT_HERE, status=402, starts="prompt tokens limit exceeded"),
        Rule(meaning=FILTERED, status=403, has="moderation"),
        Rule(meaning=FILTERED, status=403, has="flagged"),
        Rule(meaning=FILTERED, status=403, has="guardrail"),
        Rule(meaning=NOT_HERE, status=404, starts="no endpoints found that"),
        Rule(meaning=NOT_HERE, status=404, starts="no allowed providers"),
        Rule(meaning=RATE_LIMITED, type="rate_limit_exceeded"),
        Rule(meaning=BUSY, type="provider_overloaded"),
        Rule(meaning=SERVER_ERROR, type="provider_unavailable"),
    ),
    "SiliconFlow": (
        Rule(meaning=NO_MODEL, code="20012"),
        Rule(meaning=TOO_LONG, status=400, has=("must be less than", "max_seq_len")),
        Rule(meaning=OUT_OF_BALANCE, code="30001"),
        Rule(meaning=RATE_LIMITED, status=200, starts="request was rejected due to rate limiting"),
        Rule(meaning=BUSY, code="50501"),
        Rule(meaning=BUSY, code="50505"),
        Rule(meaning=BUSY, code="50603"),
        Rule(meaning=BUSY, status=504),
    ),
    "Together": (
        Rule(meaning=NO_MODEL, code="model_not_available"),
        Rule(meaning=TOO_LONG, status=400, has="tokens + `max_new_tokens` must be"),
    ),
    "Fireworks": (
        Rule(meaning=OUT_OF_BALANCE, status=412, starts="account "),
        Rule(meaning=RATE_LIMITED, status=412),
    ),
    "Perplexity": (Rule(meaning=NO_MODEL, status=400, type="invalid_model"),),
    "Ollama": (
        Rule(meaning=BUSY, status=500, starts="server busy"),
        Rule(meaning=NOT_HERE, status=400, has="does not support"),
    ),
    "LlamaCpp": (
        Rule(meaning=LOADING, status=503, starts="loading model"),
        Rule(meaning=TOO_LONG, type="exceed_context_size_error"),
        Rule(meaning=NOT_HERE, type="not_supported_error"),
    ),
    "LMStudio": (
        Rule(meaning=NO_SURFACE, status=200, starts="unexpected endpoint or method"),
        Rule(meaning=TOO_LONG, starts="trying to keep the first"),
        Rule(meaning=SERVER_ERROR, starts="failed to load model"),
        Rule(meaning=SERVER_ERROR, starts="model unloaded"),
        Rule(meaning=SERVER_ERROR, starts="the model has crashed"),
        Rule(meaning=SERVER_ERROR, starts="channel error"),
    ),
    # LiteLLM names the exception in front of its provider's words: its key there is not ours, its model is.
    "Gateway": (
        Rule(meaning=NO_MODEL, starts="litellm.authenticationerror"),
        Rule(meaning=NO_MODEL, starts="litellm.permissiondeniederror"),
        Rule(meaning=NO_MODEL, starts="litellm.notfounderror"),
        Rule(meaning=RATE_LIMITED, starts="litellm.ratelimiterror"),
        Rule(meaning=RATE_LIMITED, starts="no deployments available for selected model"),
        Rule(meaning=BUSY, starts="litellm.serviceunavailableerror"),
        Rule(meaning=SERVER_ERROR, starts="litellm.apiconnectionerror"),
        Rule(meaning=SERVER_ERROR, starts="litellm.internalservererror"),
        Rule(meaning=SERVER_ERROR, starts="litellm.timeout"),
    ),
    "Poolkeeper": (
        *coded(
            BUSY,
            "all_endpoints_down",
            "global_breaker_open",
            "pool_saturated",
            "queue_full",
            "queue_timeout",
            "body_memory_full",
            "not_ready",
        ),
        *coded(RATE_LIMITED, "rate_limited", "client_limit"),
        *coded(NO_MODEL, "model_not_found", "model_not_allowed", "endpoint_not_allowed", "forbidden_by_data_policy"),
        *coded(NO_SURFACE, "surface_not_served", "not_found", "method_not_allowed"),
        *coded(NOT_HERE, "unsupported_feature"),
        *coded(SERVER_ERROR, "deadline_exceeded", "stream_truncated", "upload_too_slow"),
        *coded(TOO_LONG, "context_length_exceeded"),
        *coded(BLOCKED, "blocked_by_firewall"),
        *coded(LOOP, "pool_loop"),
    ),
}
