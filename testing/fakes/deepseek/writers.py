"""Who writes the answers of a surface."""

from typing import Protocol

from testing.fakes.deepseek.ask import Ask, Surface
from testing.fakes.deepseek.render import ChatWriter
from testing.fakes.deepseek.render_messages import MessagesWriter
from testing.fakes.deepseek.render_responses import ResponsesWriter
from testing.fakes.deepseek.reply import Origin, Reply


class Writer(Protocol):
    @property
    def reply(self) -> Reply: ...

    @property
    def done(self) -> bytes:
        """The event that ends a whole stream."""

    def role(self) -> bytes:
        """What comes before any content."""

    def empty(self) -> bytes:
        """An event that is no progress."""

    def reasoning(self, start: int, stop: int) -> bytes: ...

    def content(self, start: int, stop: int) -> bytes: ...

    def finish(self, *, with_usage: bool = False) -> bytes:
        """Why it ends."""

    def usage_event(self) -> bytes: ...

    def broken(self) -> bytes:
        """An event whose JSON ends inside a string."""

    def error_event(self, body: bytes) -> bytes:
        """A refusal's body as an event."""

    def failure(self, status: int, message: str, dialect: str) -> bytes:
        """The last events of an answer whose generation failed."""

    def body(self) -> bytes: ...

    def failed_body(self, status: int, message: str) -> bytes:
        """A whole answer of status 200 whose generation failed."""


def writer_for(ask: Ask, origin: Origin, reply: Reply) -> Writer:
    match ask.surface:
        case Surface.MESSAGES:
            return MessagesWriter(ask, origin, reply)
        case Surface.RESPONSES:
            return ResponsesWriter(ask, origin, reply)
        case _:
            return ChatWriter(ask, origin, reply)
