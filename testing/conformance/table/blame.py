"""Blame: a refusal of one model, one prompt or one request says nothing of the endpoint."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import Case, Mode, Play, Policy, ProviderError, Seen, Turn, When, times
from testing.conformance.table.rows import BOTH, OK, wire

KLASS = "Blame"
STRICT = Policy(consecutive_failures=3, recovery_timeout_ms=60_000)
ONE_MODEL: tuple[tuple[str, str, int, str, str], ...] = (
    ("retired", "410 of one model", 410, "The model has been retired.", ""),
    ("gateway-key", "401, a gateway's key for other models", 401, "key not allowed", "key_model_access_denied"),
    ("no-access", "403, no access to one model", 403, "You do not have access to the model", "access_denied"),
    ("region", "403, one model is not served in this region", 403, "This model is not available in your region.", ""),
    ("switched-off", "403, one model is switched off", 403, "Model disabled for this organization", ""),
    ("token", "403 of a gateway's token", 403, "This token has no access to model x", ""),
    (
        "gateway-words",
        "401 that speaks of a model",
        401,
        "API Key not allowed to access model. This token may",
        "auth_error",
    ),
    ("subscription", "403 of a model of another plan", 403, "This model requires a subscription", ""),
    ("verified", "403 of a model for verified accounts", 403, "Model requires real-name verification.", ""),
    ("chinese", "403 of a gateway's token, in Chinese", 403, "该令牌无权访问模型 x", "new_api_error"),
    ("bedrock", "403 in Bedrock's words", 403, "You don't have access to the model with the specified model ID.", ""),
)
OWN_FAULT: tuple[tuple[str, str, int, str], ...] = (
    ("llama-messages", "500, messages that llama.cpp cannot read", 500, "Failed to parse messages: no role"),
    ("llama-image", "500, started without images", 500, "image input is not supported - hint: mmproj"),
    ("llama-jinja", "500, started without tools", 500, "tools param requires --jinja flag"),
    ("llama-batch", "500, an input over the batch size", 500, "input (701 tokens) is too large to process"),
    ("pydantic", "500, llama-cpp-python's validation", 500, "[{'type': 'missing', 'loc': ('body',)}]"),
    ("grammar", "500, a schema that cannot be read", 500, "JSON schema conversion failed: bad pattern"),
    ("picture", "500, a picture that cannot be read", 500, "illegal base64 data at input byte 0"),
    ("kv", "500, an input over the cache", 500, "Input prompt is too big compared to KV size."),
    ("reduced", "429, over a minute's tokens, in other words", 429, "The input or output tokens must be reduced"),
    ("minute", "429, over a minute's tokens by itself", 429, "Request too large for x (TPM): Limit 1, Requested 2"),
)
BLOCKED = (
    ("cloudflare", 403, "<title>Attention Required! | Cloudflare</title>"),
    ("akamai", 403, "<H1>Access Denied</H1>Reference&#32;&#35;18"),
    ("modsecurity", 406, "<title>Not Acceptable!</title>"),
    ("aliyun", 405, "<script src=https://errors.aliyun.com/a.js>"),
    ("cloudfront", 403, "<H1>403 ERROR</H1>The request could not be satisfied"),
    ("1020", 403, "error code: 1020"),
    ("challenge", 503, "<!DOCTYPE html><title>Just a moment...</title><script src=/cdn-cgi/challenge-platform/x>"),
    ("f5", 200, "<html><title>Request Rejected</title>The requested URL was rejected. Your support ID is: 7</html>"),
    ("aws", 405, "<!DOCTYPE html><title>Human Verification</title><script src=https://x.awswaf.com/y.js>"),
    ("cloudwaf", 418, "<html>CloudWAF</html>"),
    ("json", 403, {"error": {"message": "Your request was blocked."}}),
)


def _case(slug: str, title: str, mode: Mode, plays: tuple[Play, ...], seen: tuple[Seen, ...], *turns: Turn) -> Case:
    return Case(f"blame-{slug}-{mode}", KLASS, title, mode, When.AGAIN, plays, seen, turns, STRICT)


def _error(message: str, kind: str) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def cases() -> Iterator[Case]:
    for mode in BOTH:
        for slug, title, status, message, kind in ONE_MODEL:
            play = wire("picky", dislikes="flash", status=status, body=_error(message, kind))
            plays = (replace(play, dialect="OpenAI"), OK)
            yield _case(slug, title, mode, plays, (times(2), times(4)), Turn(times=4), Turn(model="pro"))
        for slug, title, status, message in OWN_FAULT:
            play = wire("refusal", status=status, body=_error(message, "server_error"))
            told = Turn(ProviderError(400, message), times=5)
            yield _case(slug, title, mode, (replace(play, dialect="LlamaCpp"),), (times(5),), told)
        for slug, status, page in BLOCKED:
            play = replace(wire("refusal", status=status, body=page), dialect="OpenAI")
            title = f"a firewall's page: {slug}"
            yield _case(slug, title, mode, (play, OK), (times(3), times(5)), Turn(times=5))
        # A firewall that dislikes one caller's words lets the others' pass.
        words = replace(wire("picky", dislikes="flash", status=403, body=BLOCKED[0][2]), dialect="OpenAI")
        turns = (Turn(times=2), Turn(model="pro"), Turn(times=2), Turn(model="pro"))
        yield _case("words", "a firewall's page about some words", mode, (words, OK), (times(6), times(4)), *turns)
