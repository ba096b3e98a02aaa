"""The dials of a scenario, with defaults that keep a test quick."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from testing.fakes.deepseek import jsonin


@dataclass(frozen=True, slots=True)
class Params:
    first_token_ms: float = 1.0
    token_interval_ms: float = 1.0
    slow_factor: float = 1.0
    """Multiplies both delays above."""
    tokens: int = 16
    """Length of a complete answer; max_tokens and a prefill shorten what is sent."""
    reasoning_tokens: int = 8
    tokens_per_chunk: int = 1
    thinking: str = "auto"
    """auto (when the request asks for it), on, off."""
    tool_call: bool = False
    """Answer requests that carry tools with a call, even where tool_choice leaves it open."""
    prefill: str = "accept"
    """accept, refuse (400), or ignore (generate from the start)."""
    usage_in_finish: bool = False
    """Usage rides on the chunk with finish_reason instead of one of its own."""
    early_headers: bool = True
    """A stream's headers go out before the first token is there."""
    after_chunks: int = 3
    """Where a fault strikes: after so many chunks of content (quarters of the body when not streaming)."""
    terminated: bool = False
    """A cut stream still ends with a correct zero-length chunk."""
    keepalive_interval_ms: float = 50.0
    keepalive_ms: float = 200.0
    """How long keepalive_then_ok keeps its client waiting."""
    retry_after_s: float | None = None
    retry_after_date: bool = False
    """Write Retry-After as an HTTP date."""
    retry_after_ms: float | None = None
    concurrency: int = 26
    concurrency_limit: int = 25
    status: int = 0
    """Replaces the scenario's own HTTP status; 0 keeps it."""
    message: str = ""
    """Replaces the scenario's own error message."""
    answers_as: str = ""
    """The model that the answer names, in place of the one asked for."""
    finish_reason: str = ""
    """Replaces a good answer's own; content_filter, say."""
    context_limit: int = 65_536
    """The number in context_too_long."""
    as_event: bool = False
    """Of busy200: the busy body comes as an event of a stream."""
    dialect: str = "openrouter"
    """Of error_in_stream: openrouter or vllm."""
    split_bytes: int = 0
    """Write to the socket in pieces of 1 to so many bytes."""
    split_events: int = 0
    """Cut the SSE text into HTTP chunks of 1 to so many bytes, wherever that falls."""
    split_pause_ms: float = 0.0
    crlf: bool = False
    """SSE lines end in CR LF."""
    connection_close: bool = False
    """Answer with `connection: close` and close."""
    drop: bool = False
    """Of refuse: also reset the requests that are being answered."""
    seed: int = 0

    @property
    def first_token_s(self) -> float:
        return self.first_token_ms * self.slow_factor / 1000

    @property
    def token_interval_s(self) -> float:
        return self.token_interval_ms * self.slow_factor / 1000


_NULLABLE = frozenset({"retry_after_s", "retry_after_ms"})
_CHOICES = {
    "thinking": ("auto", "on", "off"),
    "prefill": ("accept", "refuse", "ignore"),
    "dialect": ("openrouter", "vllm"),
}
_READERS: dict[type, Callable[[object, str], object]] = {
    bool: jsonin.boolean,
    int: jsonin.integer,
    float: jsonin.number,
    str: jsonin.string,
}
FIELDS: dict[str, object] = {field.name: field.default for field in dataclasses.fields(Params)}


def overlay(base: Params, changes: Mapping[str, object], where: str = "params") -> Params:
    """`base` with `changes`, each checked by name, type and range."""
    values = {field: getattr(base, field) for field in FIELDS}
    jsonin.known_keys(dict(changes), tuple(FIELDS), where)
    for name, value in changes.items():
        values[name] = _read(name, value, f"{where}.{name}")
    return Params(**values)


def _read(name: str, value: object, where: str) -> object:
    if name in _NULLABLE:
        return None if value is None else jsonin.number(value, where)
    read = _READERS[type(FIELDS[name])](value, where)
    if name in _CHOICES and read not in _CHOICES[name]:
        raise jsonin.ShapeError(f"{where}: {read!r}, wanted one of {', '.join(_CHOICES[name])}")
    if isinstance(read, (int, float)) and read < 0:
        raise jsonin.ShapeError(f"{where}: {read}, wanted 0 or more")
    return read
