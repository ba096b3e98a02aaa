"""What firewalls before a provider say, in place of it. Read from public reports; used by error_rules.py."""

from poolkeeper.providers.error_rule import BLOCKED, Rule, having, in_chinese, starting

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
