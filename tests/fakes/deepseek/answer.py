"""A good answer as parts: the head, the beats (an event and the wait before it), the framing, the end.

Scenarios play these parts in full, in part, or badly.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from fakes.deepseek import bodies, http1, text
from fakes.deepseek.ask import Ask, Surface
from fakes.deepseek.params import Params

DONE = b"data: [DONE]\n\n"
SLICES = 4
"""A body that is not streamed counts as so many chunks of content."""
_WORD_JSON = {word: json.dumps(word, ensure_ascii=False) for word in text.PLAIN + text.HARD}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who answers, when, and as what number: all that differs between two answers to the same request."""

    name: str
    request: int
    created_s: int
    text_seed: str = ""
    text_model: str = ""
    """The text is written as if the model had this name: endpoints may call the same weights differently."""
    cached_tokens: int = 0

    @property
    def id(self) -> str:
        return f"{self.name}-{self.request:012d}"


@dataclass(frozen=True, slots=True)
class Beat:
    wait_s: float
    data: bytes
    chunks: int
    """Chunks of content in here: a role, usage, a finish_reason or [DONE] is none."""


@dataclass(slots=True)
class Answer:
    ask: Ask
    params: Params
    origin: Origin
    chunked: bool
    """HTTP/1.0 clients get neither chunks nor keep-alive: the end of the connection is the end of the answer."""
    words: tuple[list[str], ...] = field(init=False)
    reasoning: list[str] = field(init=False)
    finish_reason: str = field(init=False)
    calls_tool: bool = field(init=False)

    def __post_init__(self) -> None:
        ask, params = self.ask, self.params
        thinking = params.thinking == "on" or (params.thinking == "auto" and ask.wants_thinking)
        self.calls_tool = ask.tool is not None and (ask.tool_required or params.tool_call)
        speaks = params.reasoning_tokens if thinking and ask.prefill is None and ask.surface is Surface.CHAT else 0
        self.reasoning = text.tokens("reasoning " + self._seed(0), speaks)
        self.words = tuple(self._words(choice) for choice in range(ask.n))
        limit = len(self.words[0]) if ask.max_tokens is None else ask.max_tokens
        self.finish_reason = "tool_calls" if self.calls_tool else "stop"
        if limit < len(self.words[0]):
            self.words = tuple(words[:limit] for words in self.words)
            self.finish_reason = "length"

    def _seed(self, choice: int) -> str:
        return "\0".join(
            (self.origin.text_seed, self.origin.text_model or self.ask.model, str(choice), self.ask.content)
        )

    def _words(self, choice: int) -> list[str]:
        if self.calls_tool:
            arguments = json.dumps({"query": "".join(text.tokens(self._seed(choice), 3))}, ensure_ascii=False)
            return [arguments[at : at + 4] for at in range(0, len(arguments), 4)]
        whole = text.tokens(self._seed(choice), self.params.tokens)
        if self.ask.prefill is None or self.params.prefill == "ignore":
            return whole
        rest = text.remainder(whole, self.ask.prefill)
        return text.tokens(self._seed(choice) + "\0" + self.ask.prefill, self.params.tokens) if rest is None else rest

    # --- head and framing

    def head(self, *, length: int | None = None, status: int = 200) -> bytes:
        kind = "text/event-stream; charset=utf-8" if self.ask.stream else "application/json"
        headers = [("content-type", kind), ("cache-control", "no-cache"), *origin_headers(self.origin)]
        if length is not None:
            headers.append(("content-length", str(length)))
        elif self.chunked:
            headers.append(("transfer-encoding", "chunked"))
        if self.params.connection_close:
            headers.append(("connection", "close"))
        return http1.response_head(status, tuple(headers))

    def frame(self, data: bytes) -> bytes:
        """SSE or JSON text as it goes over the wire."""
        if self.params.crlf and self.ask.stream:
            data = data.replace(b"\n", b"\r\n")
        if not self.chunked:
            return data
        if self.params.split_events:
            dice = random.Random(f"{self.params.seed}:{len(data)}")
            return b"".join(http1.chunk(part) for part in pieces(data, self.params.split_events, dice))
        return http1.chunk(data)

    @property
    def end(self) -> bytes:
        return http1.CHUNKED_END if self.chunked else b""

    # --- streams

    def beats(self) -> Iterator[Beat]:
        """Role, reasoning, content, finish_reason, usage: everything up to [DONE]."""
        wait_s = 0.0 if not self.params.early_headers else self.params.first_token_s
        yield Beat(wait_s, self.role(), 0)
        step = max(1, self.params.tokens_per_chunk)
        wait_s = 0.0
        for name, words in (("reasoning_content", self.reasoning), *(("content", words) for words in self.words[:1])):
            for at in range(0, len(words), step):
                yield Beat(wait_s, b"".join(self._events(name, at, at + step)), 1)
                wait_s = self.params.token_interval_s
        yield Beat(wait_s, self.finish(self.finish_reason), 0)
        if self.ask.include_usage and not self.params.usage_in_finish:
            yield Beat(0.0, self._event("", usage=self._usage()), 0)

    def role(self) -> bytes:
        if self.ask.surface is Surface.COMPLETIONS:
            return b""
        delta = (
            '{"role":"assistant","content":null,"reasoning_content":""}'
            if self.reasoning
            else ('{"role":"assistant","content":""}')
        )
        return b"".join(self._event(self._choice(index, delta)) for index in range(self.ask.n))

    def empty(self) -> bytes:
        """A delta that is no progress."""
        return self._event(self._choice(0, '{"content":""}'))

    def finish(self, reason: str) -> bytes:
        usage = self._usage() if self.params.usage_in_finish else "null"
        delta = '{"content":""}'
        return b"".join(self._event(self._choice(i, delta, f'"{reason}"'), usage=usage) for i in range(self.ask.n))

    def _events(self, name: str, start: int, stop: int) -> Iterator[bytes]:
        if name == "reasoning_content":
            said = _quote(self.reasoning[start:stop])
            yield self._event(self._choice(0, f'{{"content":null,"reasoning_content":{said}}}'))
            return
        for index, words in enumerate(self.words):
            if self.calls_tool:
                delta = f'{{"tool_calls":[{self._tool_delta(words, start, stop)}]}}'
            else:
                delta = f'{{"content":{_quote(words[start:stop])}}}'
            yield self._event(self._choice(index, delta))

    def _tool_delta(self, words: list[str], start: int, stop: int) -> str:
        said = json.dumps("".join(words[start:stop]), ensure_ascii=False)
        if start:
            return f'{{"index":0,"function":{{"arguments":{said}}}}}'
        name = json.dumps(self.ask.tool, ensure_ascii=False)
        return (
            f'{{"index":0,"id":"call_0_{self.origin.id}","type":"function",'
            f'"function":{{"name":{name},"arguments":{said}}}}}'
        )

    def _choice(self, index: int, delta: str, finish: str = "null") -> str:
        if self.ask.surface is Surface.COMPLETIONS:
            said = delta.removeprefix('{"content":').removesuffix("}")
            return f'{{"text":{said},"index":{index},"logprobs":null,"finish_reason":{finish}}}'
        return f'{{"index":{index},"delta":{delta},"logprobs":null,"finish_reason":{finish}}}'

    def _event(self, choice: str, usage: str = "null") -> bytes:
        kind = "text_completion" if self.ask.surface is Surface.COMPLETIONS else "chat.completion.chunk"
        tail = f',"usage":{usage}' if self.ask.include_usage or usage != "null" else ""
        return f'data: {{{self._envelope(kind)},"choices":[{choice}]{tail}}}\n\n'.encode("utf-8", "surrogatepass")

    def _envelope(self, kind: str) -> str:
        model = json.dumps(self.ask.model, ensure_ascii=False)
        return (
            f'"id":"{self.origin.id}","object":"{kind}","created":{self.origin.created_s},"model":{model},'
            f'"system_fingerprint":"fp_{self.origin.name}"'
        )

    # --- whole bodies

    def body(self, *, finish_reason: str = "", share: float = 1.0, silent: bool = False) -> bytes:
        """The JSON answer; `share` of its text, or with all text moved into reasoning_content (`silent`)."""
        if self.ask.surface is Surface.EMBEDDINGS:
            return self._embedding_body()
        reason = finish_reason or self.finish_reason
        chosen = [words[: round(len(words) * share)] for words in self.words]
        if self.ask.surface is Surface.COMPLETIONS:
            kind = "text_completion"
            choices: list[dict[str, object]] = [
                {"text": "" if silent else "".join(words), "index": i, "logprobs": None, "finish_reason": reason}
                for i, words in enumerate(chosen)
            ]
        else:
            kind = "chat.completion"
            choices = [
                {"index": i, "message": self._message(words, silent), "logprobs": None, "finish_reason": reason}
                for i, words in enumerate(chosen)
            ]
        written = json.dumps(choices, ensure_ascii=False, separators=(",", ":"))
        whole = f'{{{self._envelope(kind)},"choices":{written},"usage":{self._usage()}}}'
        return whole.encode("utf-8", "surrogatepass")

    def _message(self, words: list[str], silent: bool) -> dict[str, object]:
        said = "".join(words)
        message: dict[str, object] = {"role": "assistant", "content": "" if silent else said}
        if silent:
            message["reasoning_content"] = said
        elif self.reasoning:
            message["reasoning_content"] = "".join(self.reasoning)
        if self.calls_tool:
            message["content"] = ""
            function = {"name": self.ask.tool, "arguments": said}
            message["tool_calls"] = [
                {"index": 0, "id": f"call_0_{self.origin.id}", "type": "function", "function": function}
            ]
        return message

    def _embedding_body(self) -> bytes:
        dice = [random.Random(f"{self.ask.model}\0{given}") for given in self.ask.inputs]
        data = [
            {"object": "embedding", "index": i, "embedding": [round(die.uniform(-1, 1), 6) for _ in range(8)]}
            for i, die in enumerate(dice)
        ]
        usage = {"prompt_tokens": self.ask.prompt_tokens, "total_tokens": self.ask.prompt_tokens}
        return bodies.dump({"object": "list", "data": data, "model": self.ask.model, "usage": usage})

    def whole_wait_s(self) -> float:
        """How long the body of an answer takes that is not streamed."""
        spoken = len(self.words[0]) + len(self.reasoning)
        return self.params.first_token_s + max(0, spoken - 1) * self.params.token_interval_s

    def _usage(self) -> str:
        prompt, cached, thought = self.ask.prompt_tokens, self.origin.cached_tokens, len(self.reasoning)
        written = sum(len(words) for words in self.words) + thought
        return (
            f'{{"prompt_tokens":{prompt},"completion_tokens":{written},"total_tokens":{prompt + written},'
            f'"prompt_tokens_details":{{"cached_tokens":{cached}}},'
            f'"completion_tokens_details":{{"reasoning_tokens":{thought}}},'
            f'"prompt_cache_hit_tokens":{cached},"prompt_cache_miss_tokens":{prompt - cached}}}'
        )


def origin_headers(origin: Origin) -> tuple[tuple[str, str], ...]:
    return (("x-fake-name", origin.name), ("x-fake-request", str(origin.request)))


def pieces(data: bytes, most: int, dice: random.Random) -> Iterator[bytes]:
    """`data` in pieces of 1 to `most` bytes."""
    at = 0
    while at < len(data):
        size = dice.randint(1, most)
        yield data[at : at + size]
        at += size


def _quote(words: list[str]) -> str:
    if len(words) == 1:
        known = _WORD_JSON.get(words[0])
        if known is not None:
            return known
    return json.dumps("".join(words), ensure_ascii=False)
