"""Refusals and answers as public bug reports show them: words and shapes that no documentation of a provider has."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Case, Mode, Play, Policy, Seen, When
from testing.conformance.table.rows import BOTH, OK, wire

KLASS = "As reported"
Refusal = tuple[str, int, object]
ONE_OR_TWO = Seen(1, 2)
"""A server's error is tried once more before the request leaves its tier."""
STOP = '"finish_reason":"stop"'
EMPTY_ERROR = '"error":{"message":"","type":"","param":"","code":null},"object":'
PATIENT = Policy(first_token_ms=4000, inter_token_ms=4000, request_ms=9000)


def _error(message: str, kind: str | None = None, code: object = None) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


INVALID = "invalid_request_error"
REFUSALS: tuple[Refusal, ...] = (
    ("nim-degraded", 400, {"status": 400, "title": "Bad Request", "detail": "Function id '1': DEGRADED function"}),
    ("arrears", 400, _error("Access denied, please make sure your account is in good standing.", "Arrearage")),
    ("azure-internal", 400, _error("The model was unable to complete inference due to an internal error.")),
    (
        "credit",
        400,
        {"type": "error", "error": {"type": INVALID, "message": "Your credit balance is too low to go on."}},
    ),
    ("budget", 400, _error("Budget has been exceeded! Current cost: 10.1, Max budget: 10.0", "budget_exceeded", "400")),
    ("no-deployment", 400, _error("No healthy deployment available, passed model=x", "None", "400")),
    ("gateway", 400, _error('{"error":{"message":"Error from provider: Upstream request failed"}}', "upstream_error")),
    ("overloaded", 400, _error("Model is overloaded, please try again later")),
    ("throttled", 400, {"message": "Too many tokens, please wait before trying again."}),
    ("key", 400, _error("API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", 400)),
    ("renamed", 400, _error("The supported API model names are x or y, but you passed z.", INVALID)),
    ("reason-member", 400, {"code": 400, "reason": "MODEL_NOT_FOUND", "message": "model not found", "metadata": {}}),
    (
        "litellm-model",
        400,
        _error("{'error': '/chat/completions: Invalid model name passed in model=x'}", "None", "400"),
    ),
    ("on-demand", 400, {"message": "Invocation of model ID x with on-demand throughput isn't supported."}),
    ("tool-call", 400, _error("Failed to call a function. See 'failed_generation' for more details.", INVALID)),
    ("reasoning", 400, _error("Missing `reasoning_content` field in the assistant message at message index 2.")),
    ("max-tokens", 400, _error("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", INVALID)),
    ("not-enabled", 422, _error("Image input is not enabled for this model", INVALID)),
    ("template", 400, _error("default chat template is no longer allowed, so you must provide a chat template")),
    ("parser", 400, _error("Tool call parser is not set. Please launch the server with --tool-call-parser")),
    ("overdue", 403, _error("The request failed because your account has an overdue balance.", "Forbidden")),
    ("user-quota", 403, _error("用户额度不足, 剩余额度: 0", "new_api_error", "insufficient_user_quota")),
    ("daily", 403, _error("You have exceeded your daily request limit for free models")),
    ("legal", 451, _error("Unavailable for legal reasons")),
    ("flex", 498, _error("Flex tier capacity exceeded.", "capacity_exceeded")),
    ("saturated", 429, _error("当前分组上游负载已饱和，请稍后再试", "insufficient_quota", "insufficient_quota")),
    (
        "suspended",
        429,
        _error("Your account x is suspended due to insufficient balance", "exceeded_current_quota_error"),
    ),
    ("other-names", 200, {"choices": None, "error_type": "ServerError", "error_message": "engine is gone"}),
    ("vendor", 200, {"base_resp": {"status_code": 1002, "status_msg": "rate limit exceeded(RPM)"}, "choices": None}),
    ("wrapped", 200, {"code": 0, "data": {"choices": [{"index": 0, "message": {"content": "x"}}]}}),
)
SERVER_ERRORS = ("azure-internal", "other-names", "wrapped")
CUTS: tuple[tuple[str, str, str], ...] = (
    ("abort", "a server gave the request up", '"finish_reason":"abort"'),
    ("network", "the network behind an aggregator failed", '"finish_reason":"network_error"'),
    ("native", "a stop that hides its provider's error", f'{STOP},"native_finish_reason":"error"'),
    ("timeout", "the time was over at the provider", '"finish_reason":"timeout"'),
)
FAILURES: tuple[tuple[str, str, str], ...] = (
    # awsl-project/maxx#284: an error, and [DONE] as if it had been an answer
    ("error", "an error as an event", 'data: {"error":{"message":"Internal server error","type":"internal_error"}}'),
    ("nameless", "an event called error, without data", "event: error"),
    (
        "choice",  # openrouter.ai/docs: errors of a choice
        "a choice's own error",
        'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":null,'
        '"error":{"code":502,"message":"Provider disconnected"}}]}',
    ),
    ("details", "FastAPI's list of details", 'data: {"detail":[{"type":"x","loc":["body"],"msg":"boom"}]}'),
    # cloudflare/ai#436
    ("errors", "a list of errors", 'data: {"errors":[{"message":"AiError: x","code":3040}],"success":false}'),
    (
        "envelope",
        "MiniMax's envelope",
        'data: {"base_resp":{"status_code":1002,"status_msg":"rate limit"},"choices":null}',
    ),
    ("coded", "Baidu's code and message", 'data: {"error_code":18,"error_msg":"Open api qps request limit reached"}'),
    ("unsuccessful", "a success that is none", 'data: {"success":false,"msg":"boom"}'),
    # router-for-me/CLIProxyAPI: the other API's event
    ("other-api", "response.failed", 'data: {"type":"response.failed","response":{"error":{"message":"x"}}}'),
    ("bare", "JSON on a line without a field, right before [DONE]", '{"error":{"message":"x"}}'),
)
ODD: tuple[tuple[str, str, Play], ...] = (
    ("empty-error", "an empty error on every event", wire("edited", replace=(('"object":', EMPTY_ERROR),))),
    ("bare-end", "the last event lost the name of its field", wire("edited", replace=(("data: [DONE]", "[DONE]"),))),
    ("no-data", "an event with empty data", wire("edited", insert="data:\n\n", at=3)),
    ("ping", "a ping that has data", wire("edited", insert="event: ping\ndata: {}\n\n", at=3)),
    ("null-choices", "an event whose choices are null", wire("edited", insert='data: {"choices":null}\n\n', at=3)),
    ("one-event", "the whole answer in one event", wire("one_event")),
)


def cases() -> Iterator[Case]:
    for slug, status, body in REFUSALS:
        play = replace(wire("refusal", status=status, body=body), dialect="OpenAI")
        seen = ONE_OR_TWO if slug in SERVER_ERRORS else ONCE
        for mode in BOTH:
            title = f"{status} as {slug} has it"
            yield Case(f"reported-{slug}-{mode}", KLASS, title, mode, When.FIRST, (play, OK), (seen, ONCE))
    for slug, title, said in CUTS:
        spaced = said.replace('":"', '": "')
        play = wire("edited", replace=((STOP, said), (STOP.replace(":", ": "), spaced)))
        yield _stream(f"cut-{slug}", title, play, ONCE)
    for slug, title, event in FAILURES:
        gap = "\n" if slug == "bare" else "\n\n"
        play = wire("then", after_events=4, tail=f"{event}{gap}data: [DONE]\n\n")
        yield _stream(f"fails-{slug}", f"after some text {title}, then [DONE]", play, ONCE)
    for slug, title, play in ODD:
        yield _stream(slug, title, play, NEVER)


def _stream(slug: str, title: str, play: Play, other: Seen) -> Case:
    name = f"reported-{slug}-stream"
    return Case(name, KLASS, title, Mode.STREAM, When.FIRST, (play, OK), (ONCE, other), policy=PATIENT)
