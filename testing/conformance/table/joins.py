"""What a caller has and the rest make one valid answer, or the stream says that they do not.

What retries and fallbacks in the middle of a stream make of it elsewhere: endolith/open-interpreter#291 (arguments of a
call twice), NuGuardAI/nuguard#455 (the text twice), RedWoodOG/Hermes-Desktop, pull request 60, BerriAI/litellm, pull
request 41127, can1357/oh-my-pi#9609.
"""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import ONCE, Called, Case, Mode, Play, Policy, Seen, Turn, When, times
from testing.conformance.table.rows import plays, wire
from testing.conformance.table.shapes import FILTER

KLASS = "Two answers as one"
CAPABLE = ("PrefixCompletion",)
SPACED = {"token_interval_ms": 30}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "p", "schema": {"type": "object"}}}
GRAMMARS: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("json", "JSON mode", {"response_format": {"type": "json_object"}}),
    ("schema", "a JSON schema", {"response_format": SCHEMA}),
    ("guided", "vLLM's guided_json", {"guided_json": {"type": "object"}}),
    ("structured", "vLLM's structured_outputs", {"structured_outputs": {"regex": "[a-z]+"}}),
    ("grammar", "llama.cpp's grammar", {"grammar": "root ::= [a-z]+"}),
)
WEATHER, TIME = ("get_weather", '{"city":"Paris"}'), ("get_time", '{"tz":"CET"}')
TOOLS: dict[str, object] = {
    "tools": [{"type": "function", "function": {"name": name, "parameters": {}}} for name, _ in (WEATHER, TIME)]
}


def _whole(index: int, id_: str, call: tuple[str, str]) -> list[object]:
    return [index, id_, *call]


BOTH_AT_ONE_INDEX = [_whole(0, "b1", WEATHER), _whole(0, "b2", TIME)]
CALLS: tuple[tuple[str, str, list[object], list[object], Called], ...] = (
    ("name", "cut inside a tool's name", [[0, "a", "get_", ""]], [_whole(0, "b", WEATHER)], Called((WEATHER,))),
    (
        "name-pieces",
        "the same, and the second answer says the name in pieces",
        [[0, "a", "get_w", ""]],
        [[0, "b", "get", ""], [0, None, "_weather", None], [0, None, None, WEATHER[1]]],
        Called((WEATHER,)),
    ),
    (
        "other-tool",
        "cut inside a call's arguments, and the second answer calls another tool",
        [[0, "a", "get_weather", "{"]],
        [_whole(0, "b", TIME)],
        Called((WEATHER,), or_broken=True),
    ),
    (
        "arguments",
        "cut inside a call's arguments",
        [[0, "a", "get_weather", '{"city":']],
        [_whole(0, "b", WEATHER)],
        Called((WEATHER,)),
    ),
    (
        "other-arguments",
        "and the second answer gives others",
        [[0, "a", "get_weather", '{"city":"Ro']],
        [_whole(0, "b", WEATHER)],
        Called((WEATHER,), or_broken=True),
    ),
    (
        "shared-index",
        "parallel calls that share an index, the first of them was sent",
        [_whole(0, "a", WEATHER)],
        [BOTH_AT_ONE_INDEX],
        Called((WEATHER, TIME)),
    ),
    (
        "shared-later",
        "the same, one event after the other",
        [_whole(0, "a", WEATHER)],
        [_whole(0, "b1", WEATHER), [0, "b2", "get_time", ""], [0, None, None, TIME[1]]],
        Called((WEATHER, TIME)),
    ),
    (
        "no-index",
        "calls without an index",
        [[None, "a", "get_weather", '{"ci']],
        [[None, "b", *WEATHER]],
        Called((WEATHER,)),
    ),
    (
        "name-again",
        "the name comes again with each piece",
        [[0, "a", "get_weather", '{"city"']],
        [[0, "b", "get_weather", '{"city":'], [0, "b", "get_weather", '"Paris"}']],
        Called((WEATHER,)),
    ),
    (
        "id-again",
        "each piece has an id of its own",
        [[0, "a1", "get_weather", '{"city"']],
        [[0, "b1", "get_weather", '{"city":'], [0, "b2", None, '"Paris"}']],
        Called((WEATHER,), or_broken=True),
    ),
    (
        "spaced",
        "the second answer writes its arguments with other spaces",
        [[0, "a", "get_weather", '{"city":']],
        [_whole(0, "b", ("get_weather", '{"city": "Paris"}'))],
        Called((("get_weather", '{"city": "Paris"}'),)),
    ),
    (
        "fewer",
        "parallel calls, and the second answer has only the first",
        [_whole(0, "a1", WEATHER), [1, "a2", "get_time", "{"]],
        [_whole(0, "b1", WEATHER)],
        Called((WEATHER, TIME), or_broken=True),
    ),
    (
        "other-order",
        "parallel calls, and the second answer has them in another order",
        [_whole(0, "a1", WEATHER), [1, "a2", "get_time", "{"]],
        [_whole(0, "b1", TIME), _whole(1, "b2", WEATHER)],
        Called((WEATHER, TIME), or_broken=True),
    ),
    (
        "parallel",
        "parallel calls, cut inside the second",
        [_whole(0, "a1", WEATHER), [1, "a2", "get_time", "{"]],
        [_whole(0, "b1", WEATHER), _whole(1, "b2", TIME)],
        Called((WEATHER, TIME)),
    ),
)


def cases() -> Iterator[Case]:
    for slug, title, member in GRAMMARS:
        capable = replace(wire("starts_anew"), capabilities=CAPABLE, dialect="VLLM")
        yield _case(
            f"bound-{slug}", f"{title}, cut, and a server that starts its grammar anew", (plays("cut"), capable), member
        )
    for status, body in (
        (500, {"error": {"message": "Cannot have 2 or more assistant messages"}}),
        (400, {"detail": "no"}),
    ):
        refuses = replace(wire("refuses_prefix", status=status, body=body), capabilities=CAPABLE)
        case = _case(
            f"prefix-{status}", f"the prefix is refused with {status}: start again", (plays("cut"), refuses), {}
        )
        yield replace(case, seen=(ONCE, times(2)))
    renamed = replace(wire("edited", replace=(('"id":"', '"id":"other-'), ('"created":', '"created":7'))))
    for way in ("Continue", "Restart"):
        case = _case(
            f"identity-{way.lower()}",
            f"{way}: the second answer has another id and created",
            (plays("cut"), renamed),
            {},
        )
        yield replace(case, policy=Policy(recovery=way))
    filtered = _case(
        "identity-filter",
        "the first event is Azure's account of its filter, which has no id",
        (wire("edited", insert=FILTER, at=0, cut_at=5), renamed),
        {},
    )
    yield filtered
    for slug, title, first, second, want in CALLS:
        playing = (wire("calls", pieces=first, cut=True, id="x"), wire("calls", pieces=second, id="y"))
        case = _case(f"calls-{slug}", title, playing, TOOLS)
        yield replace(case, dials={}, turns=(Turn(want),), seen=(ONCE, Seen(1, 2)))


def _case(slug: str, title: str, playing: tuple[Play, ...], request: dict[str, object]) -> Case:
    name = f"join-{slug}-stream"
    return Case(name, KLASS, title, Mode.STREAM, When.AFTER, playing, (ONCE, ONCE), request=request, dials=SPACED)
