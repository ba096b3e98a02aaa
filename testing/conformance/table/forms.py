"""Forms: a request that is refused in this form goes to the next endpoint; where none is left it is repaired, once."""

from collections.abc import Iterator

from testing.conformance.case import ONCE, Case, When, times
from testing.conformance.table.rows import BOTH, OK, wire

KLASS = "Form of a request"
FORMS: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    # tickernelz/opencode-mem#253, BerriAI/litellm, pull request 37470
    (
        "tool-choice",
        "Thinking mode does not support this tool_choice",
        '"tool_choice"',
        {"tool_choice": "auto"},
    ),
    # farion1231/cc-switch#3876, lobehub/lobehub#14173
    (
        "effort",
        "thinking options type cannot be disabled when reasoning_effort is set",
        '"reasoning_effort"',
        {"thinking": {"type": "disabled"}, "reasoning_effort": "high"},
    ),
    # deepseek-ai/awesome-deepseek-agent#67
    ("user", "Invalid 'user_id': string does not match pattern.", "ada@", {"user_id": "ada@example.org"}),
    ("user-slash", "Invalid 'user_id': string does not match pattern.", "team/", {"user_id": "team/7"}),
    # zhukunpenglinyutong/jetbrains-cc-gui#1056: Claude Code's is JSON
    (
        "user-json",
        "Invalid 'user_id': string does not match pattern.",
        '{\\"device',
        {"user_id": '{"device_id":"ea1"}'},
    ),
    # ericc-ch/copilot-api#217
    (
        "unknown-member",
        "context_management: Extra inputs are not permitted",
        '"context_management"',
        {"context_management": {"edits": []}},
    ),
    # LangLang03/LineCodePro#30
    (
        "unsupported-member",
        '"store" is not supported on /v1/chat/completions and was not applied.',
        '"store"',
        {"store": True},
    ),
    (
        "max-tokens",
        "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
        '"max_tokens"',
        {"max_tokens": 100000},
    ),
)


def cases() -> Iterator[Case]:
    for mode in BOTH:
        for slug, message, dislikes, request in FORMS:
            body = {"error": {"message": message, "type": "invalid_request_error", "code": "invalid_request_error"}}
            play = wire("picky", dislikes=dislikes, status=400, body=body)
            yield Case(
                f"form-{slug}-next-{mode}", KLASS, f"{slug}: the next endpoint takes it", mode, When.FIRST, (play, OK),
                (ONCE, ONCE), request=request,
            )  # fmt: skip
            yield Case(
                f"form-{slug}-repaired-{mode}", KLASS, f"{slug}: nobody else is left, it is repaired", mode, When.ALL,
                (play,), (times(2),), request=request,
            )  # fmt: skip
