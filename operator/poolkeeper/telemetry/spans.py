"""The spans of a request, from its line in the request log: one for the request, one for each attempt.

Names and values are those of OpenTelemetry's conventions for generative AI (github.com/open-telemetry/
semantic-conventions-genai) where they have one, else `poolkeeper.*`. Tokens are on attempts alone: a sum over spans
counts each once. Pure.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from poolkeeper.api.request_line import AttemptLine, RequestLine

Value = str | bool | int | float

OPERATIONS: Mapping[str, str] = {
    "completions": "text_completion",
    "beta": "text_completion",
    "embeddings": "embeddings",
}
CHAT = "chat"
ERROR_TYPES: Mapping[str, str] = {
    "Connect": "connect",
    "ProxyFailed": "connect",
    "Busy": "busy",
    "RateLimited": "rate_limited",
    "ServerError": "server_error",
    "SlowFirstToken": "timeout",
    "Deadline": "timeout",
    "Stalled": "timeout",
    "Truncated": "cut",
}
OTHER = "_OTHER"
"""As the labels of the routers' metrics have them (router/lua/core/metrics/values.lua)."""
FAILED = frozenset({"error", "shed", "cut", "empty"})
"""Outcomes of a request that are an error of ours; one that was refused is the caller's."""
_TRACE, _SPAN = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")
_LONGEST_MS = 7 * 86_400_000
_LARGEST = 2**53


@dataclass(frozen=True)
class Span:
    """trace, span_id, parent: in hex; parent "": there is none. is_call: to an endpoint, else from a caller."""

    name: str
    trace: str
    span_id: str
    parent: str
    start_ns: int
    end_ns: int
    is_call: bool
    is_error: bool
    attributes: Mapping[str, Value] = field(default_factory=dict)


def line_of(text: str) -> RequestLine | None:
    """A log also has lines of other kinds, and a Pod may write what it likes: what is not a sound line is none."""
    begins = text.find('{"time":')
    if begins < 0:
        return None
    try:
        line = RequestLine.model_validate_json(text[begins:])
        start_ns(line)
    except (ValidationError, ValueError):
        return None
    return line if _is_sound(line) else None


def start_ns(line: RequestLine) -> int:
    return round(datetime.fromisoformat(line.time).timestamp() * 1000) * 1_000_000


def end_ns(line: RequestLine) -> int:
    return start_ns(line) + line.duration_ms * 1_000_000


def spans_of(line: RequestLine) -> Iterator[Span]:
    """None where the caller does not record its trace."""
    if not line.sampled:
        return
    began_ns = start_ns(line)
    operation = OPERATIONS.get(line.api, CHAT)
    failed = line.outcome in FAILED
    yield Span(
        name=f"{operation} {line.model}".rstrip(),
        trace=line.trace,
        span_id=line.span,
        parent=line.parent,
        start_ns=began_ns,
        end_ns=end_ns(line),
        is_call=False,
        is_error=failed,
        attributes=_known(
            {
                "gen_ai.operation.name": operation,
                "gen_ai.request.model": line.model,
                "gen_ai.request.stream": line.stream,
                "gen_ai.response.time_to_first_chunk": _seconds(line.first_token_ms),
                "http.response.status_code": line.status,
                "error.type": line.outcome if failed else "",
                "poolkeeper.pool": line.pool,
                "poolkeeper.generation": line.generation,
                "poolkeeper.request": line.request,
                "poolkeeper.client": line.client,
                "poolkeeper.outcome": line.outcome,
                "poolkeeper.attempts": len(line.attempts),
                "poolkeeper.queued_ms": line.queued_ms or None,
                "poolkeeper.fallback": line.fallback,
                "poolkeeper.repaired": line.repaired,
                "poolkeeper.trimmed_turns": line.trimmed_turns or None,
                "poolkeeper.continued": line.continued,
            }
        ),
    )
    for number, attempt in enumerate(line.attempts, 1):
        yield _of_attempt(line, attempt, number, operation, began_ns)


def _of_attempt(line: RequestLine, one: AttemptLine, number: int, operation: str, began_ns: int) -> Span:
    began_ns += one.start_ms * 1_000_000
    tokens = one.tokens
    return Span(
        name=f"{operation} {one.provider_model}".rstrip(),
        trace=line.trace,
        span_id=one.span,
        parent=line.span,
        start_ns=began_ns,
        end_ns=began_ns + one.duration_ms * 1_000_000,
        is_call=True,
        is_error=bool(one.class_),
        attributes=_known(
            {
                "gen_ai.operation.name": operation,
                "gen_ai.provider.name": one.provider_name or OTHER,
                "gen_ai.request.model": one.provider_model,
                "gen_ai.request.stream": line.stream,
                "gen_ai.response.model": one.answered_by or (one.provider_model if one.kind == "answer" else ""),
                "gen_ai.response.time_to_first_chunk": _seconds(one.first_token_ms),
                "gen_ai.usage.input_tokens": tokens.input if tokens else None,
                "gen_ai.usage.cache_read.input_tokens": tokens.cached_input if tokens else None,
                "gen_ai.usage.output_tokens": tokens.output if tokens else None,
                "gen_ai.usage.reasoning.output_tokens": tokens.reasoning if tokens else None,
                "http.response.status_code": one.status,
                "error.type": ERROR_TYPES.get(one.class_, OTHER) if one.class_ else "",
                "poolkeeper.endpoint": one.endpoint,
                "poolkeeper.tier": one.tier,
                "poolkeeper.attempt": number,
                "poolkeeper.class": one.class_,
                "poolkeeper.kind": one.kind,
                "poolkeeper.estimated": one.estimated or None,
                "poolkeeper.cost": one.cost,
                "poolkeeper.currency": one.currency,
                "poolkeeper.upstream_provider": one.provider,
                "poolkeeper.fingerprint": one.fingerprint,
            }
        ),
    )


def _is_sound(line: RequestLine) -> bool:
    ids = [line.span, *(one.span for one in line.attempts), *([line.parent] if line.parent else [])]
    times = [line.duration_ms, *(ms for one in line.attempts for ms in (one.start_ms, one.duration_ms))]
    return (
        _TRACE.fullmatch(line.trace) is not None
        and all(_SPAN.fullmatch(one) for one in ids)
        and all(0 <= ms <= _LONGEST_MS for ms in times)
    )


def _known(attributes: Mapping[str, Value | None]) -> Mapping[str, Value]:
    """Without what is not known, and without numbers that the protocol has no room for."""
    known = {name: value for name, value in attributes.items() if value is not None and value != ""}
    return {name: value for name, value in known.items() if not isinstance(value, int) or abs(value) <= _LARGEST}


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
