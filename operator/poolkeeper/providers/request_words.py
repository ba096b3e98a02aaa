"""The words of refusals that many providers share: about the request itself, or about this key and this one model.

Read from refusals in public reports and providers' own pages; error_rules.py says how they are used.
"""

from poolkeeper.providers.error_rule import (
    BAD_HISTORY,
    BLOCKED,
    FILTERED,
    INVALID,
    NEVER_FITS,
    NO_MODEL,
    NOT_HERE,
    TOO_LONG,
    Rule,
    having,
    starting,
)

_OWN_WORDS = (400, 413, 422, 500)
"""What servers refuse a request with that is too long for them; some say every fault of a caller with 500."""
_REFUSED = (400, 422, 500, 501)
_FORBIDDEN = (401, 403)

ABOUT_THE_REQUEST: tuple[Rule, ...] = (
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
        (400, 422),
        "reasoning_content",
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
        # A tool call or a document that this model could not write: another one can.
        "failed_generation",
        "tool_use_failed",
        # A limit of this endpoint on the length of an answer.
        "valid range of max_tokens",
        "range of max_tokens should be",
        "max_tokens is too large",
        "maximum allowed number of output tokens",
        "completion tokens, whereas you provided",
    ),
    # A gateway passes on what its provider said, and with it a status that says nothing.
    Rule(verdict=NOT_HERE, status=400, type="upstream_error"),
    *having(
        NOT_HERE,
        _REFUSED,
        "does not support",
        "doesn't support",
        "isn't supported",
        "is unsupported",
        "not supported",
        "not enabled",
        "not allow",
        "not permitted",
        "not available for this model",
        "unrecognized",
        "unknown parameter",
        "unknown argument",
        "unexpected keyword argument",
        "is not a multimodal model",
        " --enable-",
        "requires --",
        "with --",
        "--jinja",
        "--mmproj",
        "chat template",
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

CALLERS_FAULT_AS_500: tuple[Rule, ...] = (
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

NOT_ABOUT_THE_KEY: tuple[Rule, ...] = (
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

FIREWALLS: tuple[Rule, ...] = (
    *starting(BLOCKED, (403, 406), "<"),
    *having(BLOCKED, (403, 405, 406), "cloudflare", "errors.aliyun.com", "incapsula", "support id"),
)
"""A page where an API would have said JSON comes from something before it, about these words or this address."""
