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
    coded,
    having,
    in_chinese,
    saying,
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
        "max input length",
        "max length of current question",
        "maximum context size",
        "contextwindowexceedederror",
        "tokens_too_long",
        "tokens in the prompt cannot exceed",
        "input length too long",
        "too big compared to kv size",
        *in_chinese("输入长度", "上下文长度", "超长"),
    ),
    # vLLM: what is left of the context for the answer, below nothing
    *starting(TOO_LONG, 400, "max_tokens must be at least 1, got -", "max_completion_tokens must be at least 1, got -"),
    # A limit of tokens a minute that this one request is over: it fits at no time.
    *starting(NEVER_FITS, (413, 429), "request too large for"),
    *having(NEVER_FITS, 429, "tokens must be reduced", "reduce your message size"),
    *having(
        BAD_HISTORY,
        (400, 422),
        "reasoning_content",
        "in the thinking mode must be passed back",
        "redacted_thinking",
        "in `thinking` block",
        "thought_signature",
        "thought signature",
        "thinking.signature",
        "invalid_encrypted_content",
        "of type 'reasoning' was provided without",
        "without its required 'reasoning' item",
    ),
    *having(
        NOT_HERE,
        400,
        "thinking options",
        "thinking mode",
        "think value",
        "invalid 'user_id'",
        "invalid 'user'",
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
        ("max_tokens", "above maximum"),
        ("max_completion_tokens", "above maximum"),
        ("max_output_tokens", "above maximum"),
        "maximum allowed number of output tokens",
        "completion tokens, whereas you provided",
        "above_max_length",
        "greater than max allowed",
        "budget_tokens",
        "when thinking is enabled",
        "thinking may not be enabled",
        "for the `anthropic-beta` header",
        "unsupported tool type",
        "of deepseek-reasoner must be",
        "non-streaming calls",
        "only support stream",
        "only supports stream",
        ("effort", "supported values"),
        ("effort", "expected one of"),
    ),
    # A gateway passes on what its provider said, and with it a status that says nothing.
    Rule(meaning=NOT_HERE, status=400, type="upstream_error"),
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
        "isn’t supported",
        "is not a vlm",
        "is not a vision",
        "unknown name",
        "unknown field",
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
        "do not support",
        "cannot be combined",
        "cannot be used with",
        "cannot use custom grammar",
        "is incompatible with",
        "not compatible with",
        "base_url https",
        "missing data required for image",
        "unimplemented keys",
        "grammar error",
        "failed to convert the grammar",
        "grammar backend",
        "yet supported",
        "template error",
        "limit-mm-per-prompt",
        "may be provided in one prompt",
        ("at most ", " per prompt"),
        "multimodal tokens to ",
    ),
)
"""Recognised by words anywhere: a person who puts them into a prompt gains only a retry at other endpoints."""

CALLERS_FAULT_AS_500: tuple[Rule, ...] = (
    Rule(meaning=INVALID, status=500, type="invalid_request_error"),
    *starting(
        INVALID,
        500,
        "failed to parse messages",
        "failed to parse tools",
        "failed to parse input",
        "failed to parse grammar",
        "failed to load image",
        "failed to decode image",
        "illegal base64 data",
        "invalid image",
        "cannot identify image file",
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
        Rule(meaning=NO_MODEL, status=_FORBIDDEN, code=code)
        for code in ("model.accessdenied", "model_access_denied", "unsupported_country_region_territory")
    ),
    *(
        Rule(meaning=NO_MODEL, status=_FORBIDDEN, type=f"{owner}_model_access_denied")
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
    *coded(FILTERED, "content_filter", "content_blocked", "sensitive_words_detected", status=(403, 500)),
    *saying(FILTERED, (200, 403), "violat", "sensitive", "inappropriate", "safety"),
    *saying(FILTERED, 200, "审核不通过", "违规", "敏感", "moderation"),
    *saying(FILTERED, (200, 403, 424, 451), ("blocked", "content"), ("blocked", "prompt")),
    *having(FILTERED, 403, *in_chinese("敏感词", "敏感内容", "违规")),
    *starting(
        NO_MODEL,
        _FORBIDDEN,
        *in_chinese("该令牌无权访问模型", "该令牌无权使用模型", "您的令牌无权", "令牌无权"),
    ),
)

FIREWALLS: tuple[Rule, ...] = (
    *starting(BLOCKED, (403, 406), "<"),
    *starting(BLOCKED, (403, 429, 503), "error code: 10"),
    *starting(BLOCKED, 403, "your request was blocked", "request blocked", "the request is blocked"),
    *having(
        BLOCKED,
        (403, 405, 406),
        "cloudflare",
        "errors.aliyun.com",
        "incapsula",
        "support id",
        "awswaf",
        "browser's signature",
    ),
    *(
        Rule(meaning=BLOCKED, status=(200, 400, 405, 418, 429, 493, 503), starts="<", has=words)
        for words in (
            "cdn-cgi/challenge-platform",
            "<title>just a moment",
            "_incapsula_resource",
            "your support id is",
            "awswaf.com",
            "cloudwaf",
            "attack detected",
            "errors.aliyun.com",
            *in_chinese("拦截"),
        )
    ),
)
"""A page where an API would have said JSON comes from something before it, about these words or this address."""

IN_OTHER_WORDS: tuple[Rule, ...] = (
    *saying(
        TOO_LONG,
        (400, 413, 422),
        *(
            (what, how)
            for what in ("prompt", "input length", "input token", "context", "total token", "number of tokens")
            for how in ("exceed", "too long", "longer than", "greater than", "larger than", "only supports up to")
        ),
        ("input tokens", "maximum"),
    ),
    *saying(
        NOT_HERE,
        (400, 422),
        "must be set to true",
        "must be set to false",
        "cannot be disabled",
        "is mandatory for this",
    ),
    *saying(NOT_HERE, _REFUSED, ("only ", " support"), ("only ", "available"), ("only ", "allowed")),
    *starting(NOT_HERE, _REFUSED, "only ["),
    # A 403 that speaks of a model, or of where its caller is, is about these; a 401 where it speaks of access to one.
    *saying(NO_MODEL, 403, "model", "your region", "your country", "your location", "模型"),
    *saying(NO_MODEL, 401, ("access", "model"), ("model", "not allowed"), ("model", "permission")),
)
"""After all others: how refusals put it in words that nobody has listed."""
