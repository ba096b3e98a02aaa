"""What a router Pod may answer to /state in place of the truth, and what a probe's Pod may leave as its termination
message. One table: `make test` plays each entry through a real operator."""

import gzip
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from testing.chaos.fleet import Json, answer_of

Lie = Callable[[Json], bytes | None]
"""Of the true state: all bytes of the answer; none: no answer, the connection stays open."""

ESCAPES = "\x1b]0;owned\x07\x1b[31m‮"
HUGE = 10**12


def _changed(**fields: Any) -> Lie:
    return lambda truth: answer_of({**truth, **fields})


def _endpoints(**fields: Any) -> Lie:
    return lambda truth: answer_of({**truth, "endpoints": [{**one, **fields} for one in truth["endpoints"]]})


def _raw(data: bytes) -> Lie:
    return lambda truth: data


def _packed(truth: Json, times: int) -> bytes:
    body = json.dumps(truth).encode() + b" " * (64 << 20 if times > 1 else 0)
    for _ in range(times):
        body = gzip.compress(body, 9)
    return answer_of(body, f"Content-Encoding: {', '.join(['gzip'] * times)}\r\n")


def _nested(depth: int) -> bytes:
    return answer_of(b'{"endpoints": ' + b"[" * depth + b"]" * depth + b"}")


STATES: Mapping[str, Lie] = {
    "no answer": lambda truth: None,
    "half an answer": lambda truth: answer_of(truth)[: len(answer_of(truth)) // 2],
    "half a head": _raw(b"HTTP/1.1 200 O"),
    "10 MB": lambda truth: answer_of(json.dumps(truth).encode() + b" " * (10 << 20)),
    "10 MB of endpoints": lambda truth: answer_of({**truth, "endpoints": truth["endpoints"] * 100_000}),
    "compressed": lambda truth: _packed(truth, 1),
    "compressed twice, large": lambda truth: _packed(truth, 2),
    "nested 100000 deep": _raw(_nested(100_000)),
    "HTML": _raw(answer_of(b"<html>Please log in</html>")),
    "no bytes": _raw(answer_of(b"")),
    "null": _raw(answer_of(b"null")),
    "no UTF-8": _raw(answer_of(b'{"pool": "\xff\xfe"}')),
    "500": _raw(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
    "redirect": _raw(b"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/state\r\nContent-Length: 0\r\n\r\n"),
    "NaN": lambda truth: answer_of(json.dumps({**truth, "activeTier": math.nan}).encode()),
    "infinite latency": _endpoints(ttftMs=math.inf),
    "tier 10^12": _changed(activeTier=HUGE),
    "generation 10^30": _changed(generation=10**30),
    "negative counts": _endpoints(inFlight=-1),
    "time without a zone": _endpoints(breaker="Open", since="2026-11-28T00:00:00"),
    "a time in the future": _endpoints(breaker="Open", health="Unhealthy", since="2199-01-01T00:00:00Z"),
    "an old state": _changed(generation=1, configHash="0" * 64, ready=True),
    "an older version": lambda truth: answer_of({"pool": truth["pool"], "ready": True, "health": "ok"}),
    "a newer version": _changed(format=9, endpoints={"official": {"health": "Splendid"}}),
    "escapes in words": _endpoints(breaker="Open", health="Unhealthy", reason=ESCAPES, region=ESCAPES),
    "a reason of 100 kB": _endpoints(breaker="Open", health="Unhealthy", reason="x" * 100_000),
    "of another pool": _changed(pool="other/pool", endpoints=[]),
    "endpoints twice, in contradiction": lambda truth: answer_of(
        {
            **truth,
            "endpoints": [
                {**one, "health": health, "breaker": breaker}
                for one in truth["endpoints"]
                for health, breaker in (("Healthy", "Open"), ("Unhealthy", "Closed"))
            ],
        }
    ),
    "refuses a document, at length": _changed(config={"refused": {"generation": 1, "message": ESCAPES * 5000}}),
}

MESSAGES: Mapping[str, str] = {
    "half": '{"pool": "NAMESPACE/NAME", "began": "2026-1',
    "no JSON": "Killed",
    "empty": "",
    "NaN": '{"pool": "NAMESPACE/NAME", "began": NaN, "ended": "2026-11-28T00:00:00Z"}',
    "of another pool": '{"pool": "other/pool", "began": "2026-11-28T00:00:00Z", "ended": "2026-11-28T00:00:00Z"}',
    "ended before it began": (
        '{"pool": "NAMESPACE/NAME", "began": "2199-11-28T00:00:00Z", "ended": "2026-11-28T00:00:00Z"}'
    ),
    "an older version": '{"pool": "NAMESPACE/NAME", "verdict": "good"}',
    "counts beyond bounds": (
        '{"pool": "NAMESPACE/NAME", "began": "2026-11-28T00:00:00Z", "ended": "2026-11-28T00:00:01Z", '
        '"endpoints": [{"name": "official", "bad": -1, "asked": 1e400}]}'
    ),
    "escapes": json.dumps(
        {
            "pool": "NAMESPACE/NAME",
            "began": "2026-11-28T00:00:00Z",
            "ended": "2026-11-28T00:00:01Z",
            "note": ESCAPES * 100,
            "endpoints": [{"name": "official", "why": ESCAPES, "bad": 3, "asked": 1}],
        }
    ),
    "nested": "[" * 1000,
}
"""NAMESPACE and NAME: the pool's."""
