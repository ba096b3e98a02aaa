"""Truncated and Stalled before anything reached the caller: it notices nothing."""

from collections.abc import Iterator

from testing.conformance.case import Case, Mode, Seen
from testing.conformance.table.rows import Fault, nobody_left, passed_over, plays, wire
from testing.conformance.table.vendors import STRING_CODE

STALLED, TRUNCATED = "Stalled", "Truncated"
STREAM, WHOLE = (Mode.STREAM,), (Mode.WHOLE,)
NOTHING_SAID = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

BEFORE = (
    Fault(TRUNCATED, "trunc-eof", "cut before any content", plays("cut", after_chunks=0)),
    Fault(TRUNCATED, "trunc-body", "cut inside the body", plays("cut", after_chunks=2), modes=WHOLE),
    Fault(TRUNCATED, "trunc-body-reset", "reset inside the body", plays("reset", after_chunks=2), modes=WHOLE),
    Fault(
        TRUNCATED,
        "trunc-terminated",
        "HTTP in order, no content",
        plays("cut", after_chunks=0, terminated=True),
        modes=STREAM,
    ),
    Fault(TRUNCATED, "trunc-reset", "reset before any content", plays("reset", after_chunks=0), modes=STREAM),
    Fault(
        TRUNCATED, "trunc-inside", "cut inside the first event", plays("cut_inside_chunk", after_chunks=0), modes=STREAM
    ),
    Fault(
        TRUNCATED,
        "trunc-resource",
        "insufficient_system_resource",
        plays("insufficient_system_resource", after_chunks=0),
    ),
    Fault(
        TRUNCATED,
        "trunc-openrouter",
        "200 with an error inside, OpenRouter's way",
        plays("error_in_stream", after_chunks=0),
    ),
    Fault(
        TRUNCATED, "trunc-openrouter-429", "200 with a 429 inside", plays("error_in_stream", after_chunks=0, status=429)
    ),
    Fault(
        TRUNCATED,
        "trunc-vllm",
        "an error event first, vLLM's way",
        plays("error_in_stream", after_chunks=0, dialect="vllm"),
        modes=STREAM,
    ),
    Fault(
        TRUNCATED,
        "trunc-string-code",
        "an error event first, with a word for a code",
        wire("then", after_events=1, tail=STRING_CODE),
        modes=STREAM,
    ),
    Fault(TRUNCATED, "trunc-empty", "200 without a body", plays("empty_200")),
    Fault(
        TRUNCATED, "trunc-no-content", "all of it in reasoning_content, no content", plays("empty_content"), modes=WHOLE
    ),
    Fault(
        TRUNCATED,
        "trunc-nothing",
        "finish_reason stop, and nothing was said",
        wire("then", after_events=1, tail=NOTHING_SAID),
        modes=STREAM,
    ),
    Fault(TRUNCATED, "trunc-half-json", "half of a JSON body", plays("invalid_chunk"), modes=WHOLE),
    Fault(STALLED, "stall-body", "silence inside the body", plays("stall", after_chunks=2), modes=WHOLE),
)


def cases() -> Iterator[Case]:
    yield from passed_over(*BEFORE)
    yield from nobody_left(BEFORE[0], seen=Seen(1, 2))
