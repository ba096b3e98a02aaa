"""Whole answers that take longer than a first token may: healthy ones, which proxies cut off. Each is from a report."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Case, Mode, Play, Policy, Surface, When
from testing.conformance.table.rows import BUSY, OK, wire

KLASS = "A whole answer takes long"
SHORT = Policy(first_token_ms=700, inter_token_ms=3000, request_ms=9000)
"""The answer takes twice as long as its first token may."""
LONG_S = 1.5


def _slow(**more: object) -> Play:
    return wire("edited", pause_s=LONG_S, **more)


REPORTS: tuple[tuple[str, str, Surface, Play], ...] = (
    # BerriAI/litellm#9551: 504 for whole answers of deepseek-chat, streams are fine
    ("middle", "its second half takes long", Surface.CHAT, _slow(pause_at=6)),
    # OpenSecretCloud/opensecret#192: 120 s without a byte, 305 s as a stream
    ("alive", "keep-alives while it takes long", Surface.CHAT, _slow(insert=": keep-alive\n\n" * 20, at=5, pause_at=6)),
    # BeehiveInnovations/pal-mcp-server#468: large requests to models that reason
    ("second", "a long pause right after its first word", Surface.CHAT, _slow(pause_at=2)),
    # CRui5in/paper-ppt-agent, pull request 56: put together of a stream, the account of tokens kept
    ("account", "the account of tokens comes late", Surface.CHAT, _slow(pause_at=-2)),
    # mudler/LocalAI#11046: whole Responses behind a proxy
    ("response", "a response that takes long", Surface.RESPONSES, _slow(pause_at=6)),
    # misospace/pr-reviewer-action#23: eight of eight attempts cut off
    ("message", "a message that takes long", Surface.MESSAGES, _slow(pause_at=5)),
)


def cases() -> Iterator[Case]:
    for slug, title, surface, play in REPORTS:
        play = replace(play, dialect="OpenAI" if surface is Surface.RESPONSES else "DeepSeek")
        first = Case(
            f"long-{slug}-whole", KLASS, title, Mode.WHOLE, When.FIRST, (play, OK), (ONCE, NEVER), policy=SHORT,
            surface=surface,
        )  # fmt: skip
        yield first
        yield replace(
            first, name=f"long-{slug}-later-whole", when=When.LATER, plays=(BUSY, play, OK), seen=(ONCE, ONCE, NEVER)
        )
