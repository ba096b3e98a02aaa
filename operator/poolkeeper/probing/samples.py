"""What a probe asks: the user's own request bodies, one JSON object a line, or a short built-in question.

Whatever they say, they are sent as streams with usage, to the probe's own limit of tokens, without thinking where that
can be said, under a tag, and with a few words in front that no prompt cache has seen.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from poolkeeper.api.endpoint import Provider

TAG_HEADER = "x-poolkeeper-probe"
USER = "poolkeeper-probe"

MOST_SAMPLES = 100
LONGEST_LINE_BYTES = 64 * 1024
MOST_LEVELS = 64
"""Far more than a request has, far less than JSON can be read and written with."""
NAMED_AT_ONCE = 3

Body = dict[str, object]

BUILT_IN: Body = {
    "messages": [
        {"role": "user", "content": "Write down the numbers from one to thirty as English words, separated by commas."}
    ]
}
"""Long enough an answer for a speed, cheap, and the same for every model."""

THINKING_OFF: Mapping[Provider, Body] = {
    "DeepSeek": {"thinking": {"type": "disabled"}},
    "OpenRouter": {"reasoning": {"enabled": False}},
    "SiliconFlow": {"enable_thinking": False},
    "VLLM": {"chat_template_kwargs": {"thinking": False}},
    "SGLang": {"chat_template_kwargs": {"thinking": False}},
}
"""The parameter of a provider that switches thinking off; no other provider is known to have one."""

_NOT_SENT = ("max_completion_tokens", "n", "stream", "stream_options", "user", "max_tokens", "model")


@dataclass(frozen=True)
class Samples:
    """bodies: those that can be used. complaints: of the lines that cannot, without quoting them."""

    bodies: tuple[Body, ...]
    complaints: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """In one sentence, or ""."""
        if not self.complaints:
            return ""
        more = len(self.complaints) - NAMED_AT_ONCE
        tail = f"; and {more} more" if more > 0 else ""
        instead = "" if self.bodies else "; the built-in question was asked instead"
        return f"samples: {'; '.join(self.complaints[:NAMED_AT_ONCE])}{tail}{instead}"


def parse(text: str) -> Samples:
    bodies: list[Body] = []
    complaints: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if len(bodies) == MOST_SAMPLES:
            complaints.append(f"line {number}: only the first {MOST_SAMPLES} samples are used")
            break
        body = _read(line)
        if isinstance(body, str):
            complaints.append(f"line {number}: {body}")
        else:
            bodies.append(body)
    if not bodies and not complaints:
        complaints.append("there is no sample; wanted one JSON request body a line")
    return Samples(tuple(bodies), tuple(complaints))


def chosen(samples: Samples, at: int) -> Body:
    """at: any number; consecutive ones walk through the samples."""
    bodies = samples.bodies or (BUILT_IN,)
    return bodies[at % len(bodies)]


def request_body(sample: Body, provider: Provider, model: str, max_tokens: int, nonce: str) -> Body:
    """nonce: words that were never said before, for the front of the prompt, where caches look."""
    wanted = sample.get("max_tokens")
    own_limit = wanted if isinstance(wanted, int) and wanted > 0 else max_tokens
    kept = {name: value for name, value in sample.items() if name not in _NOT_SENT}
    off = {name: value for name, value in THINKING_OFF.get(provider, {}).items() if name not in sample}
    return {
        **kept,
        **off,
        "model": model,
        "messages": _with_nonce(sample["messages"], nonce),
        "max_tokens": min(own_limit, max_tokens),
        "stream": True,
        "stream_options": {"include_usage": True},
        "user": USER,
    }


def _read(line: str) -> Body | str:
    if len(line.encode()) > LONGEST_LINE_BYTES:
        return f"is longer than {LONGEST_LINE_BYTES // 1024} KiB"
    try:
        body = json.loads(line, parse_constant=_no_number)
    except ValueError:
        return "is not JSON"
    except RecursionError:
        return f"is nested more than {MOST_LEVELS} levels deep"
    if not isinstance(body, dict):
        return "is not a JSON object"
    if _levels(body) > MOST_LEVELS:
        return f"is nested more than {MOST_LEVELS} levels deep"
    try:
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return "holds a number or a character that cannot be sent"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "has no messages; wanted the body of a chat completion"
    if not all(isinstance(message, dict) and isinstance(message.get("role"), str) for message in messages):
        return "has a message without a role"
    return body


def _no_number(name: str) -> object:
    raise ValueError(f"JSON has no {name}")


def _levels(value: object) -> int:
    """How deep it is nested, as far as that is of interest."""
    level, count = [value], 0
    while level and count <= MOST_LEVELS:
        level, count = [inner for outer in level for inner in _inside(outer)], count + 1
    return count


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _with_nonce(messages: object, nonce: str) -> list[object]:
    if not isinstance(messages, list):
        raise AssertionError("a sample without messages got past parse()")
    first, *rest = messages
    content = first.get("content")
    tagged: object
    if isinstance(content, str):
        tagged = f"({nonce}) {content}"
    elif isinstance(content, list):
        tagged = [{"type": "text", "text": f"({nonce})"}, *content]
    else:
        return [{"role": "user", "content": f"({nonce})"}, *messages]
    return [{**first, "content": tagged}, *rest]
