"""How a reply is written on the Responses API: numbered events, items, and a last event that says all again."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from testing.fakes.deepseek import bodies
from testing.fakes.deepseek.ask import Ask
from testing.fakes.deepseek.reply import Origin, Reply

INCOMPLETE = {"length": "max_output_tokens"}
"""Reasons to finish that leave a response incomplete, as it calls them; others keep their name."""
COMPLETE = ("stop", "tool_calls")


@dataclass(frozen=True, slots=True)
class ResponsesWriter:
    ask: Ask
    origin: Origin
    reply: Reply
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    # --- events

    @property
    def done(self) -> bytes:
        return self._event(
            f"response.{self._status}", response=self._response(self._status, self._output(), self._usage())
        )

    def role(self) -> bytes:
        started = self._response("in_progress", [], None)
        return self._event("response.created", response=started) + self._event("response.in_progress", response=started)

    def empty(self) -> bytes:
        return self._event("response.in_progress", response=self._response("in_progress", [], None))

    def reasoning(self, start: int, stop: int) -> bytes:
        opening = self._item("added", 0, self._thought("in_progress", "")) if start == 0 else b""
        said = "".join(self.reply.reasoning[start:stop])
        return opening + self._part("reasoning_text.delta", 0, delta=said)

    def content(self, start: int, stop: int) -> bytes:
        said = "".join(self.reply.words[0][start:stop])
        opening = b""
        if start == 0:
            opening = self._reasoning_done() + self._item("added", self._index, self._said("in_progress", ""))
            if not self.reply.is_tool_call:
                opening += self._part("content_part.added", self._index, part=_text(""))
        if self.reply.is_tool_call:
            return opening + self._arguments("delta", delta=said)
        return opening + self._part("output_text.delta", self._index, delta=said, logprobs=[])

    def finish(self, *, with_usage: bool = False) -> bytes:
        said = "".join(self.reply.words[0])
        if not said:
            return self._reasoning_done()
        if self.reply.is_tool_call:
            last = self._arguments("done", arguments=said)
        else:
            last = self._part("output_text.done", self._index, text=said, logprobs=[])
            last += self._part("content_part.done", self._index, part=_text(said))
        return last + self._item("done", self._index, self._said("completed", said))

    def usage_event(self) -> bytes:
        return b""

    def broken(self) -> bytes:
        whole = self._part("output_text.delta", self._index, delta=" broken")
        return whole.partition(b" broken")[0] + b" broken\n\n"

    def error_event(self, body: bytes) -> bytes:
        return b"event: error\ndata: " + body + b"\n\n"

    def failure(self, status: int, message: str, dialect: str) -> bytes:
        return self._event("response.failed", response=self._failed(message))

    # --- whole bodies

    def body(self) -> bytes:
        return bodies.dump(self._response(self._status, self._output(), self._usage()))

    def failed_body(self, status: int, message: str) -> bytes:
        return bodies.dump(self._failed(message))

    # --- parts of both

    @property
    def _index(self) -> int:
        return 1 if self.reply.reasoning and self.reply.words[0] else 0

    @property
    def _status(self) -> str:
        return "completed" if self.reply.finish_reason in COMPLETE else "incomplete"

    def _response(self, status: str, output: list[object], usage: dict[str, object] | None) -> dict[str, object]:
        reason = self.reply.finish_reason
        return {
            "id": f"resp_{self.origin.id}",
            "object": "response",
            "created_at": self.origin.created_s,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": INCOMPLETE.get(reason, reason)} if status == "incomplete" else None,
            "instructions": None,
            "model": self.ask.model,
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "metadata": {},
            "usage": usage,
        }

    def _failed(self, message: str) -> dict[str, object]:
        response = self._response("failed", [], None)
        return {**response, "error": {"code": "server_error", "message": message}}

    def _output(self) -> list[object]:
        said, thought = "".join(self.reply.words[0]), "".join(self.reply.reasoning)
        items = [self._thought("completed", thought)] if thought else []
        return [*items, self._said("completed", said)] if said else list(items)

    def _said(self, status: str, text: str) -> dict[str, object]:
        identity = {"id": self._item_id(self._index), "status": status}
        if self.reply.is_tool_call:
            call = {"call_id": f"call_{self.origin.id}", "name": self.ask.tool, "arguments": text}
            return {**identity, "type": "function_call", **call}
        content = [_text(text)] if text else []
        return {**identity, "type": "message", "role": "assistant", "content": content}

    def _thought(self, status: str, text: str) -> dict[str, object]:
        content = [{"type": "reasoning_text", "text": text}] if text else []
        return {"id": self._item_id(0), "type": "reasoning", "status": status, "summary": [], "content": content}

    def _usage(self) -> dict[str, object]:
        prompt, spoken = self.ask.prompt_tokens, self.reply.spoken
        return {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": self.origin.cached_tokens},
            "output_tokens": spoken,
            "output_tokens_details": {"reasoning_tokens": len(self.reply.reasoning)},
            "total_tokens": prompt + spoken,
        }

    def _reasoning_done(self) -> bytes:
        if not self.reply.reasoning:
            return b""
        thought = "".join(self.reply.reasoning)
        return self._part("reasoning_text.done", 0, text=thought) + self._item(
            "done", 0, self._thought("completed", thought)
        )

    def _item(self, what: str, index: int, item: dict[str, object]) -> bytes:
        return self._event(f"response.output_item.{what}", output_index=index, item=item)

    def _part(self, what: str, index: int, **members: object) -> bytes:
        place = {"item_id": self._item_id(index), "output_index": index, "content_index": 0}
        return self._event(f"response.{what}", **place, **members)

    def _arguments(self, what: str, **members: object) -> bytes:
        place = {"item_id": self._item_id(self._index), "output_index": self._index}
        return self._event(f"response.function_call_arguments.{what}", **place, **members)

    def _item_id(self, index: int) -> str:
        return f"item_{index}_{self.origin.id}"

    def _event(self, name: str, **members: object) -> bytes:
        data = bodies.dump({"type": name, **members, "sequence_number": next(self._numbers)})
        return f"event: {name}\ndata: ".encode() + data + b"\n\n"


def _text(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
