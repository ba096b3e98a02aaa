"""How a reply is written: SSE events of a stream, the JSON body of a whole answer, usage.

Events are put together from ready-made text: a benchmark's back end spends most of its time here.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

from testing.fakes.deepseek import bodies, text
from testing.fakes.deepseek.ask import Ask, Surface
from testing.fakes.deepseek.reply import Origin, Reply

DONE = b"data: [DONE]\n\n"
EMBEDDING_DIMENSIONS = 8
_WORD_JSON = {word: json.dumps(word, ensure_ascii=False) for word in text.PLAIN + text.HARD}


@dataclass(frozen=True, slots=True)
class ChatWriter:
    ask: Ask
    origin: Origin
    reply: Reply

    # --- events

    @property
    def done(self) -> bytes:
        return DONE

    def role(self) -> bytes:
        if self.ask.surface is Surface.COMPLETIONS:
            return b""
        plain, thinking = (
            '{"role":"assistant","content":""}',
            '{"role":"assistant","content":null,"reasoning_content":""}',
        )
        return self._each(thinking if self.reply.reasoning else plain)

    def empty(self) -> bytes:
        return self._event(self._choice(0, '{"content":""}'))

    def reasoning(self, start: int, stop: int) -> bytes:
        said = _quote(self.reply.reasoning[start:stop])
        return self._event(self._choice(0, f'{{"content":null,"reasoning_content":{said}}}'))

    def content(self, start: int, stop: int) -> bytes:
        return b"".join(
            self._event(self._choice(index, self._delta(words[start:stop], first=start == 0)))
            for index, words in enumerate(self.reply.words)
        )

    def finish(self, *, with_usage: bool = False) -> bytes:
        return self._each('{"content":""}', f'"{self.reply.finish_reason}"', self.usage() if with_usage else "null")

    def usage_event(self) -> bytes:
        return self._event("", self.usage())

    def broken(self) -> bytes:
        return self._event(self._choice(0, '{"content":" broken"}')).partition(b'"},')[0] + b"\n\n"

    def error_event(self, body: bytes) -> bytes:
        return b"data: " + body + b"\n\n"

    def failure(self, status: int, message: str, dialect: str) -> bytes:
        """OpenRouter and vLLM each have their own way to say so."""
        if dialect == "vllm":
            return self.error_event(bodies.vllm_error(message, status)) + DONE
        return self._openrouter_error(status, bodies.OPENROUTER_ERROR_TYPES.get(status, "server"), message)

    def _openrouter_error(self, code: int, kind: str, message: str) -> bytes:
        detail = bodies.dump({"code": code, "message": message, "metadata": {"error_type": kind}}).decode()
        choice = (
            '{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"error","native_finish_reason":null}'
        )
        envelope = self._envelope("chat.completion.chunk")
        return f'data: {{{envelope},"provider":"DeepSeek","error":{detail},"choices":[{choice}]}}\n\n'.encode()

    def _each(self, delta: str, finish: str = "null", usage: str = "null") -> bytes:
        return b"".join(self._event(self._choice(index, delta, finish), usage) for index in range(self.ask.n))

    def _delta(self, words: list[str], *, first: bool) -> str:
        said = _quote(words)
        if not self.reply.is_tool_call:
            return f'{{"content":{said}}}'
        if not first:
            return f'{{"tool_calls":[{{"index":0,"function":{{"arguments":{said}}}}}]}}'
        name = json.dumps(self.ask.tool, ensure_ascii=False)
        function = f'{{"name":{name},"arguments":{said}}}'
        return f'{{"tool_calls":[{{"index":0,"id":"{self._call_id}","type":"function","function":{function}}}]}}'

    def _choice(self, index: int, delta: str, finish: str = "null") -> str:
        if self.ask.surface is Surface.COMPLETIONS:
            said = delta.removeprefix('{"content":').removesuffix("}")
            return f'{{"text":{said},"index":{index},"logprobs":null,"finish_reason":{finish}}}'
        return f'{{"index":{index},"delta":{delta},"logprobs":null,"finish_reason":{finish}}}'

    def _event(self, choice: str, usage: str = "null") -> bytes:
        kind = "text_completion" if self.ask.surface is Surface.COMPLETIONS else "chat.completion.chunk"
        tail = f',"usage":{usage}' if self.ask.include_usage or usage != "null" else ""
        return f'data: {{{self._envelope(kind)},"choices":[{choice}]{tail}}}\n\n'.encode("utf-8", "surrogatepass")

    # --- whole bodies

    def body(self) -> bytes:
        if self.ask.surface is Surface.EMBEDDINGS:
            return self._embeddings()
        if self.ask.surface is Surface.COMPLETIONS:
            kind, choices = "text_completion", [self._whole_text(i) for i in range(self.ask.n)]
        else:
            kind, choices = "chat.completion", [self._whole_message(i) for i in range(self.ask.n)]
        written = json.dumps(choices, ensure_ascii=False, separators=(",", ":"))
        whole = f'{{{self._envelope(kind)},"choices":{written},"usage":{self.usage()}}}'
        return whole.encode("utf-8", "surrogatepass")

    def failed_body(self, status: int, message: str) -> bytes:
        return bodies.error_in_choice(self.body(), status, message)

    def _whole_text(self, index: int) -> dict[str, object]:
        said = "".join(self.reply.words[index])
        return {"text": said, "index": index, "logprobs": None, "finish_reason": self.reply.finish_reason}

    def _whole_message(self, index: int) -> dict[str, object]:
        said = "".join(self.reply.words[index])
        message: dict[str, object] = {"role": "assistant", "content": said}
        if self.reply.reasoning:
            message["reasoning_content"] = "".join(self.reply.reasoning)
        if self.reply.is_tool_call:
            message["content"] = ""
            function = {"name": self.ask.tool, "arguments": said}
            message["tool_calls"] = [{"index": 0, "id": self._call_id, "type": "function", "function": function}]
        return {"index": index, "message": message, "logprobs": None, "finish_reason": self.reply.finish_reason}

    def _embeddings(self) -> bytes:
        data = [
            {"object": "embedding", "index": index, "embedding": list(self._vector(given))}
            for index, given in enumerate(self.ask.inputs)
        ]
        usage = {"prompt_tokens": self.ask.prompt_tokens, "total_tokens": self.ask.prompt_tokens}
        return bodies.dump({"object": "list", "data": data, "model": self.ask.model, "usage": usage})

    def _vector(self, given: str) -> Iterator[float]:
        dice = random.Random(f"{self.ask.model}\0{given}")
        return (round(dice.uniform(-1, 1), 6) for _ in range(EMBEDDING_DIMENSIONS))

    # --- parts of both

    def usage(self) -> str:
        prompt, cached = self.ask.prompt_tokens, self.origin.cached_tokens
        thought, written = len(self.reply.reasoning), self.reply.spoken
        return (
            f'{{"prompt_tokens":{prompt},"completion_tokens":{written},"total_tokens":{prompt + written},'
            f'"prompt_tokens_details":{{"cached_tokens":{cached}}},'
            f'"completion_tokens_details":{{"reasoning_tokens":{thought}}},'
            f'"prompt_cache_hit_tokens":{cached},"prompt_cache_miss_tokens":{prompt - cached}}}'
        )

    def _envelope(self, kind: str) -> str:
        return (
            f'"id":"{self.origin.id}","object":"{kind}","created":{self.origin.created_s},'
            f'"model":{json.dumps(self.ask.model, ensure_ascii=False)},"system_fingerprint":"fp_{self.origin.name}"'
        )

    @property
    def _call_id(self) -> str:
        return f"call_0_{self.origin.id}"


def _quote(words: list[str]) -> str:
    if len(words) == 1:
        known = _WORD_JSON.get(words[0])
        if known is not None:
            return known
    return json.dumps("".join(words), ensure_ascii=False)
