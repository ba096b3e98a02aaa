"""A good answer as parts: the head, the beats (some text and the wait before it), the framing, the end.

Programs play these parts in full, in part, or badly.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from testing.fakes.deepseek import http1
from testing.fakes.deepseek.ask import Ask
from testing.fakes.deepseek.params import Params
from testing.fakes.deepseek.reply import Origin, Reply, compose
from testing.fakes.deepseek.writers import Writer, writer_for

SLICES = 4
"""A body that is not streamed goes out in so many slices, each a chunk of content."""


@dataclass(frozen=True, slots=True)
class Beat:
    wait_s: float
    data: bytes
    chunks: int
    """Chunks of content in here: a role, usage, a finish_reason is none."""


@dataclass(frozen=True)
class Answer:
    ask: Ask
    params: Params
    origin: Origin
    http10: bool = False
    """Such clients know no chunks: the end of the connection is the end of an answer of unknown length."""
    length_unknown: bool = False
    """The head of a whole answer goes out before its body is known, because keep-alives come first."""
    fixed_body: bytes | None = None
    """Of the surfaces that generate nothing."""
    change: Callable[[Reply], Reply] | None = None
    """What a fault makes of the reply before it is written."""

    @cached_property
    def writer(self) -> Writer:
        reply = compose(self.ask, self.params, self.origin)
        named = replace(self.ask, model=self.params.answers_as or self.ask.model)
        return writer_for(named, self.origin, self.change(reply) if self.change else reply)

    @cached_property
    def body(self) -> bytes:
        return self.writer.body() if self.fixed_body is None else self.fixed_body

    @property
    def open_ended(self) -> bool:
        return self.ask.stream or self.length_unknown

    @property
    def chunked(self) -> bool:
        return self.open_ended and not self.http10

    # --- head and framing

    def head(self) -> bytes:
        kind = "text/event-stream; charset=utf-8" if self.ask.stream else "application/json"
        headers = [("content-type", kind), ("cache-control", "no-cache"), *origin_headers(self.origin)]
        if self.chunked:
            headers.append(("transfer-encoding", "chunked"))
        elif not self.open_ended:
            headers.append(("content-length", str(len(self.body))))
        if self.params.connection_close:
            headers.append(("connection", "close"))
        return http1.response_head(200, tuple(headers))

    def frame(self, data: bytes) -> bytes:
        """SSE or JSON text as it goes over the wire."""
        if not data:
            return b""
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

    @property
    def closes(self) -> bool:
        return self.params.connection_close or (self.open_ended and self.http10)

    # --- beats

    @property
    def head_wait_s(self) -> float:
        if self.length_unknown:
            return 0.0
        if self.ask.stream:
            return 0.0 if self.params.early_headers else self.params.first_token_s
        return self._whole_wait_s

    def beats(self) -> Iterator[Beat]:
        """Everything between the head and the last event."""
        return self._stream_beats() if self.ask.stream else self._body_beats()

    def _stream_beats(self) -> Iterator[Beat]:
        writer, reply, params = self.writer, self.writer.reply, self.params
        yield Beat(params.first_token_s - self.head_wait_s, writer.role(), 0)
        step, wait_s = max(1, params.tokens_per_chunk), 0.0
        for at in range(0, len(reply.reasoning), step):
            yield Beat(wait_s, writer.reasoning(at, at + step), 1)
            wait_s = params.token_interval_s
        for at in range(0, len(reply.words[0]), step):
            yield Beat(wait_s, writer.content(at, at + step), 1)
            wait_s = params.token_interval_s
        yield Beat(wait_s, writer.finish(with_usage=params.usage_in_finish), 0)
        if self.ask.include_usage and not params.usage_in_finish:
            yield Beat(0.0, writer.usage_event(), 0)

    def _body_beats(self) -> Iterator[Beat]:
        wait_s = self._whole_wait_s - self.head_wait_s
        size = max(1, -(-len(self.body) // SLICES))
        for at in range(0, len(self.body), size):
            yield Beat(wait_s, self.body[at : at + size], 1)
            wait_s = 0.0

    @property
    def _whole_wait_s(self) -> float:
        """A whole answer takes as long as the stream of its tokens would."""
        tokens = 1 if self.fixed_body is not None else self.writer.reply.spoken
        return self.params.first_token_s + max(0, tokens - 1) * self.params.token_interval_s


def origin_headers(origin: Origin) -> tuple[tuple[str, str], ...]:
    return (("x-fake-name", origin.name), ("x-fake-request", str(origin.request)))


def pieces(data: bytes, most: int, dice: random.Random) -> Iterator[bytes]:
    """`data` in pieces of 1 to `most` bytes."""
    at = 0
    while at < len(data):
        size = dice.randint(1, most)
        yield data[at : at + size]
        at += size
