"""The words of refusals that many providers share: the account, the model, the moment.

Read from refusals in public reports and providers' own pages; error_rules.py says how they are used.
"""

from poolkeeper.providers.error_rule import (
    BAD_HISTORY,
    BUSY,
    FILTERED,
    INVALID,
    KEY_REFUSED,
    NO_MODEL,
    OUT_OF_BALANCE,
    RATE_LIMITED,
    SERVER_ERROR,
    Rule,
    coded,
    having,
    in_chinese,
    saying,
    starting,
    typed,
)

_ANY = (200, 400, 401, 403, 422, 429, 500)
_ODD = (200, 400, 403, 422)
"""Statuses that say nothing of what the words do."""

_SATURATED = starting(RATE_LIMITED, (403, 429, 500, 503), *in_chinese("当前分组上游负载", "当前分组负载"))
"""New API and its kin say so under codes of quota and billing, too."""

OUT_OF_SERVICE: tuple[Rule, ...] = (
    *_SATURATED,
    Rule(meaning=OUT_OF_BALANCE, status=429, code="insufficient_quota"),
    *coded(
        OUT_OF_BALANCE,
        "arrearage",
        "accountoverdueerror",
        "billing_not_active",
        "billing_hard_limit_reached",
        "insufficient_balance",
        "insufficient_credits",
        "insufficient_user_quota",
        "pre_consume_token_quota_failed",
    ),
    *typed(OUT_OF_BALANCE, "budget_exceeded", "exceeded_current_quota_error", "insufficient_balance"),
    *saying(
        OUT_OF_BALANCE,
        _ANY,
        "insufficient balance",
        "balance is insufficient",
        "not enough balance",
        "balance is too low",
        "balance too low",
        "overdue balance",
        "account is in good standing",
        "insufficient credit",
        "not enough credit",
        "any credits",
        "no credits",
        "out of credits",
        "credits are depleted",
        "credits expired",
        "insufficient fund",
        "budget has been exceeded",
        "billing hard limit",
        "pre-consume token quota failed",
        "specified api usage limits",
    ),
    *starting(
        OUT_OF_BALANCE,
        _ANY,
        *in_chinese("余额不足", "账户余额不足", "用户额度不足", "该令牌额度已用尽", "账户欠费", "账户已欠费"),
    ),
    *saying(
        KEY_REFUSED,
        (200, 400),
        "invalid api key",
        "incorrect api key",
        "api key not valid",
        "api key is invalid",
        "api key expired",
        "api key has expired",
        "invalid api-key",
        "login fail",
        "authentication fail",
        "authentication error",
        "organization has been disabled",
        "account has been disabled",
        "account has been suspended",
        "account is suspended",
        "access token invalid",
        "invalid access token",
        "access token expired",
        "access token has expired",
    ),
)
"""The account or its key, whatever the status."""

MISSING_MODEL: tuple[Rule, ...] = (
    *coded(
        NO_MODEL,
        "model_not_found",
        "model_not_supported",
        "modelnotopen",
        "invalidendpointormodel.notfound",
        "invalidendpoint.closedendpoint",
        "allocationquota.freetieronly",
    ),
    *starting(NO_MODEL, 200, "type invalid_request_error, code model_not_found"),
    *starting(
        NO_MODEL,
        400,
        "unable to access model",
        "the requested model",
        "no keys found that support model",
        "aierror: no such model",
    ),
    *(
        Rule(meaning=NO_MODEL, status=(200, 400, 422), starts=start, says="does not exist")
        for start in ("model ", "the model ")
    ),
    *saying(
        NO_MODEL,
        (200, 400, 422),
        "not a valid model",
        *(("model", how) for how in ("deprecated", "decommissioned", "retired", "no longer available", "end of life")),
    ),
    Rule(meaning=NO_MODEL, status=400, starts="model '", has="' not found"),
    Rule(meaning=NO_MODEL, status=400, starts="model id: ", has="no provider supported"),
    *starting(NO_MODEL, 400, "model not exist", "the supported api model names are", *in_chinese("模型不存在")),
    *starting(
        NO_MODEL,
        400,
        *(
            f"{start}{path}: invalid model name passed"
            for path in ("/chat/completions", "/v1/messages", "/responses")
            for start in ("{'error': '", "")
        ),
    ),
    *saying(
        NO_MODEL,
        (200, 400, 422),
        "model not found",
        "model does not exist",
        "no such model",
        "no models are currently loaded",
        "unknown model",
        "invalid model name",
        "with on-demand throughput",
        "user location is not supported",
    ),
    # What the caller names and the provider no longer has, if it ever had it; not the model.
    Rule(meaning=INVALID, status=404, code="previous_response_not_found"),
    *starting(BAD_HISTORY, 404, "item with id 'rs_"),
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
)

NOT_NOW: tuple[Rule, ...] = (
    *(
        Rule(meaning=meaning, status=_ODD, type=type_)
        for meaning, type_ in (
            (RATE_LIMITED, "rate_limit_error"),
            (RATE_LIMITED, "rate_limit_exceeded"),
            (BUSY, "overloaded_error"),
            (KEY_REFUSED, "authentication_error"),
        )
    ),
    # MiniMax, platform.minimax.io/docs/api-reference/errorcode: numbers inside a 200, with few words.
    *coded(RATE_LIMITED, "1039", "1041", "2045", "2056", status=200),
    *coded(SERVER_ERROR, "1013", "1024", "1033", status=200),
    *coded(FILTERED, "1026", "1027", status=200),
    *coded(INVALID, "1042", "2013", status=200),
    *coded(KEY_REFUSED, "2049", status=200),
    *having(BUSY, 200, "too busy", "overloaded", "insufficient_system_resource"),
    Rule(meaning=RATE_LIMITED, status=200, has="rate_limit"),
    *saying(RATE_LIMITED, (500, 502), "rate limit", "too many requests"),
    *saying(
        RATE_LIMITED,
        _ODD,
        "daily free allocation",
        "rate limit",
        "too many requests",
        "too many tokens",
        "request limit",
        "resourceexhausted",
        "resource exhausted",
        "resource_exhausted",
        "resource has been exhausted",
        "quota exceeded",
        "exceeded your current quota",
        "throttl",
        ("concurren", "exceed"),
        ("concurren", "limit"),
        ("并发", "上限"),
        ("并发", "超"),
        ("并发", "过高"),
    ),
    *saying(INVALID, 200, "invalid param", "invalid argument", "invalid message", "invalid tool"),
    *saying(
        SERVER_ERROR,
        (400, 403, 422),
        "internal error",
        "internal server error",
        "unexpected error",
        "upstream request failed",
        "upstream error",
        "enginecore encountered",
        "out of memory",
        "cuda error",
        "aborted by the scheduler",
        "failed to get response from provider",
    ),
    *saying(
        BUSY,
        (*_ODD, 500),
        "overloaded",
        "too busy",
        "no healthy deployment",
        "no healthy upstream",
        "healthy deployments for",
        "temporarily unavailable",
        "at capacity",
        "capacity exceeded",
        "capacity temporarily exceeded",
        "queue is full",
        "still loading",
        "is currently loading",
    ),
    *starting(
        RATE_LIMITED, (*_ODD, 500), *in_chinese("请求过于频繁", "请求过多", "访问过于频繁", "当前请求过多", "请求频率")
    ),
    *starting(
        BUSY,
        (*_ODD, 500),
        *in_chinese("服务器繁忙", "系统繁忙", "服务繁忙", "当前模型负载", "模型负载", "当前服务负载"),
    ),
    *saying(BUSY, _ODD, "请稍后再试", "请稍后重试", "负载过高", "访问量过大"),
    # What is not about the request says of a model, by its name, that it is missing.
    *starting(NO_MODEL, 400, "the model `", "function id '"),
    *saying(BUSY, (400, 403), "try again later", "high demand", "high traffic"),
)
"""Overload and failure under a status of something else."""
