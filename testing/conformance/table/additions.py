"""What the router adds to a request, and takes back: usage, in every shape it comes in, or not at all."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Case, Mode, Play, Turn, When, times
from testing.conformance.table.rows import OK, wire

KLASS = "What is added is taken back"
COUNT = '"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}'
ZEROS = '"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}'
ASKS_USAGE: dict[str, object] = {"stream_options": {"include_usage": True}}
BEFORE_DONE = -1
DONE = "data: [DONE]"
SHAPES: tuple[tuple[str, str, Play], ...] = (
    (
        "choice",
        "usage in a chunk with an empty choice, as LiteLLM has it",
        wire(
            "edited",
            at=BEFORE_DONE,
            insert=f'data: {{"id":"x","choices":[{{"index":0,"delta":{{"content":""}}}}],{COUNT}}}\n\n',
        ),
    ),
    (
        "null",
        "usage in a chunk whose choices are null",
        wire("edited", at=BEFORE_DONE, insert=f'data: {{"id":"x","choices":null,{COUNT}}}\n\n'),
    ),
    (
        "missing",
        "usage in a chunk without choices",
        wire("edited", at=BEFORE_DONE, insert=f'data: {{"id":"x",{COUNT}}}\n\n'),
    ),
    (
        "zeros",
        "zeros on every chunk, as Ollama has it",
        wire("edited", replace=(('"choices":', f'{ZEROS},"choices":'),)),
    ),
    ("running", "a running account on every chunk", wire("edited", replace=(('"choices":', f'{COUNT},"choices":'),))),
    (
        "twice",
        "usage twice after the finish",
        wire("edited", at=BEFORE_DONE, insert=f'data: {{"choices":[],{COUNT}}}\n\ndata: {{"choices":[],{COUNT}}}\n\n'),
    ),
    (
        "with-finish",
        "usage in the chunk of the finish",
        wire("edited", replace=(('"finish_reason":"stop"}]', f'"finish_reason":"stop"}}],{COUNT}'),)),
    ),
    ("first", "usage before any text", wire("edited", at=1, insert=f'data: {{"choices":[],{COUNT}}}\n\n')),
    (
        "after-done",
        "usage after [DONE]",
        wire("edited", replace=((DONE, f'{DONE}\n\ndata: {{"choices":[],{COUNT}}}'),)),
    ),
    (
        "empty-delta",
        "usage with a choice that has finished",
        wire(
            "edited",
            at=BEFORE_DONE,
            insert=f'data: {{"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}],{COUNT}}}\n\n',
        ),
    ),
    (
        "error-null",
        "usage beside an error that is null",
        wire("edited", at=BEFORE_DONE, insert=f'data: {{"error":null,"choices":[],{COUNT}}}\n\n'),
    ),
)
REFUSALS: tuple[tuple[str, str, int, object], ...] = (
    (
        "openai",
        "as OpenAI words it",
        400,
        {"error": {"message": "Unrecognized request argument supplied: stream_options"}},
    ),
    (
        "fastapi",
        "as FastAPI words it",
        422,
        {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
    ),
    ("serde", "as Rust words it", 422, "Failed to deserialize: unknown field `stream_options` at line 1"),
    ("python", "as a Python error", 500, {"detail": "create() got an unexpected keyword argument 'stream_options'"}),
    (
        "in-200",
        "inside a 200",
        200,
        {"error": {"code": 400, "message": "stream_options.include_usage is not supported"}},
    ),
    ("nameless", "without its name", 400, {"message": "Additional properties are not allowed"}),
    (
        "groq",
        "as Groq words it",
        400,
        {"error": {"message": "property 'stream_options' is unsupported, did you mean 'stream'?"}},
    ),
    (
        "mistral",
        "in a list in a message",
        422,
        {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"]}]}},
    ),
    ("go", "as Go's decoder words it", 400, {"error": 'json: unknown field "stream_options"'}),
    ("version", "as an older API version", 400, {"error": {"message": "stream_options is not available in 2024-06"}}),
    (
        "forbidden",
        "with 403",
        403,
        {"error": {"message": "Parameter stream_options is not allowed", "type": "forbidden"}},
    ),
    (
        "not-built",
        "with 501",
        501,
        {"error": {"message": "include_usage is not implemented", "type": "not_implemented"}},
    ),
)


def cases() -> Iterator[Case]:
    for slug, title, play in SHAPES:
        yield Case(f"usage-{slug}-stream", KLASS, title, Mode.STREAM, When.FIRST, (play, OK), (ONCE, NEVER))
    for slug, title, status, body in REFUSALS:
        refuses = wire("refuses_member", member="stream_options", status=status, body=body)
        case = Case(
            f"usage-refused-{slug}-stream",
            KLASS,
            f"stream_options is refused, {title}",
            Mode.STREAM,
            When.FIRST,
            (refuses, OK),
            (times(4), NEVER),
            turns=(Turn(times=3),),
        )
        yield case
        if slug == "openai":
            yield replace(
                case,
                name="usage-refused-to-who-asked-stream",
                title="stream_options is refused to a caller who sent it: the next endpoint takes it",
                request=ASKS_USAGE,
                seen=(ONCE, ONCE),
                turns=(Turn(),),
            )
