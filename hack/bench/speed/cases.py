"""What is asked of every gateway.

Lengths of the realistic case are the medians of a public trace of a chat service (AzureLLMInferenceTrace_conv, 2023,
CC-BY 4.0, 19,366 requests: 1,020 tokens in, 129 out) at four bytes a token.
"""

import json
from dataclasses import dataclass

MODEL = "m"
BYTES_PER_TOKEN = 4
TRACE_PROMPT_TOKENS = 1020
TRACE_ANSWER_TOKENS = 129
STREAM_EVENTS = 64
SENTENCE = "The quick brown fox jumps over the lazy dog. "


def text_of(length: int) -> str:
    return (SENTENCE * (length // len(SENTENCE) + 1))[:length]


@dataclass(frozen=True)
class Case:
    """folder: what the backend serves it under. rate: requests a second of the paced rounds."""

    name: str
    folder: str
    prompt_bytes: int
    stream: bool
    rate: int

    @property
    def path(self) -> str:
        return f"/{self.folder}/v1"

    @property
    def body(self) -> str:
        messages = [{"role": "user", "content": text_of(self.prompt_bytes)}]
        return json.dumps({"model": MODEL, "messages": messages, "stream": self.stream})


TINY = Case("tiny JSON", "tiny", 50, stream=False, rate=2000)
REAL = Case("realistic JSON", "real", TRACE_PROMPT_TOKENS * BYTES_PER_TOKEN, stream=False, rate=2000)
STREAM = Case("64-event stream", "stream", 50, stream=True, rate=200)
IDLE = Case("idle stream", "idle", 50, stream=True, rate=0)
PACED = Case("paced stream", "paced", 50, stream=True, rate=0)
CASES = (TINY, REAL, STREAM)


def answer(content: str, prompt_tokens: int, answer_tokens: int) -> str:
    """A whole answer, as providers write it."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content},
        "logprobs": None,
        "finish_reason": "stop",
    }
    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": answer_tokens,
        "total_tokens": prompt_tokens + answer_tokens,
    }
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", **_HEAD, "choices": [choice], "usage": usage})


def events() -> list[str]:
    """A stream: the role, a word an event, the reason, the end."""
    words = [_event({"content": f" word{number}"}, None) for number in range(1, STREAM_EVENTS - 1)]
    return [_event({"role": "assistant", "content": ""}, None), *words, _event({}, "stop") + "data: [DONE]\n\n"]


FIRST_CONTENT = b" word1"
_HEAD = {"created": 1700000000, "model": MODEL, "system_fingerprint": "fp"}


def _event(delta: dict[str, str], reason: str | None) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", **_HEAD, "choices": [choice]}
    return f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n"
