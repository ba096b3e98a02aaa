"""How a reply is written on the Messages API: named events, blocks of thinking, text and tool input; whole messages."""

import json
from dataclasses import dataclass

from testing.fakes.deepseek import bodies
from testing.fakes.deepseek.ask import Ask
from testing.fakes.deepseek.reply import Origin, Reply

STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}

SIGNATURE = "fake"


@dataclass(frozen=True, slots=True)
class MessagesWriter:
    ask: Ask
    origin: Origin
    reply: Reply

    # --- events

    @property
    def done(self) -> bytes:
        return _event("message_stop")

    def role(self) -> bytes:
        started = self._message([], None, {**self._usage(), "output_tokens": 0})
        return _event("message_start", message=started)

    def empty(self) -> bytes:
        return _event("ping")

    def reasoning(self, start: int, stop: int) -> bytes:
        opening = self._opened(0, {"type": "thinking", "thinking": "", "signature": ""}) if start == 0 else b""
        said = "".join(self.reply.reasoning[start:stop])
        return opening + self._delta(0, {"type": "thinking_delta", "thinking": said})

    def content(self, start: int, stop: int) -> bytes:
        said = "".join(self.reply.words[0][start:stop])
        index = self._text_index
        opening = b""
        if start == 0:
            opening = self._thought() if index else b""
            opening += self._opened(index, self._block("", {}))
        kind, member = ("input_json_delta", "partial_json") if self.reply.is_tool_call else ("text_delta", "text")
        return opening + self._delta(index, {"type": kind, member: said})

    def _thought(self) -> bytes:
        """The end of the thinking block: its signature comes last."""
        return self._delta(0, {"type": "signature_delta", "signature": SIGNATURE}) + self._closed(0)

    def finish(self, *, with_usage: bool = False) -> bytes:
        closing = self._closed(self._text_index) if self.reply.words[0] else b""
        if self.reply.reasoning and not self.reply.words[0]:
            closing = self._thought()
        delta = {"stop_reason": self._stop_reason, "stop_sequence": None}
        return closing + _event("message_delta", delta=delta, usage={"output_tokens": self.reply.spoken})

    def usage_event(self) -> bytes:
        return b""

    def broken(self) -> bytes:
        whole = self._delta(self._text_index, {"type": "text_delta", "text": " broken"})
        return whole.partition(b'"}}')[0] + b"\n\n"

    def error_event(self, body: bytes) -> bytes:
        return b"event: error\ndata: " + bodies.in_anthropic(503, body) + b"\n\n"

    def failure(self, status: int, message: str, dialect: str) -> bytes:
        return b"event: error\ndata: " + bodies.anthropic_error(status, message) + b"\n\n"

    # --- whole bodies

    def body(self) -> bytes:
        content: list[object] = []
        if self.reply.reasoning:
            content.append({"type": "thinking", "thinking": "".join(self.reply.reasoning), "signature": SIGNATURE})
        if self.reply.words[0]:
            said = "".join(self.reply.words[0])
            content.append(self._block(said, json.loads(said) if self.reply.is_tool_call else {}))
        return bodies.dump(self._message(content, self._stop_reason, self._usage()))

    def failed_body(self, status: int, message: str) -> bytes:
        return bodies.anthropic_error(status, message)

    # --- parts of both

    @property
    def _text_index(self) -> int:
        return 1 if self.reply.reasoning and self.reply.words[0] else 0

    @property
    def _stop_reason(self) -> str:
        return STOP_REASONS.get(self.reply.finish_reason, self.reply.finish_reason)

    def _message(self, content: list[object], stop_reason: str | None, usage: dict[str, object]) -> dict[str, object]:
        return {
            "id": self.origin.id,
            "type": "message",
            "role": "assistant",
            "model": self.ask.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": usage,
        }

    def _usage(self) -> dict[str, object]:
        cached = self.origin.cached_tokens
        return {
            "input_tokens": self.ask.prompt_tokens - cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": cached,
            "output_tokens": self.reply.spoken,
        }

    def _block(self, text: str, tool_input: object) -> dict[str, object]:
        if self.reply.is_tool_call:
            return {"type": "tool_use", "id": f"toolu_{self.origin.id}", "name": self.ask.tool, "input": tool_input}
        return {"type": "text", "text": text}

    def _opened(self, index: int, block: dict[str, object]) -> bytes:
        return _event("content_block_start", index=index, content_block=block)

    def _delta(self, index: int, delta: dict[str, str]) -> bytes:
        return _event("content_block_delta", index=index, delta=delta)

    def _closed(self, index: int) -> bytes:
        return _event("content_block_stop", index=index)


def _event(name: str, **members: object) -> bytes:
    return f"event: {name}\ndata: ".encode() + bodies.dump({"type": name, **members}) + b"\n\n"
