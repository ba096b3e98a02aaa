"""Providers that the scripted one cannot be: HTTP broken before or inside the head, other vendors' words, odd streams.

A program gets the request's body and yields bytes and pauses; what a good answer is, it asks the scripted provider. One
request a connection, on a thread of its own: plain and slow is good enough here.
"""

import contextlib
import json
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from testing import plain_http
from testing.conformance import reports
from testing.conformance.judge import Attempt
from testing.fakes.deepseek import jsonin
from testing.fakes.deepseek.http1 import ProtocolError, Request, chunk
from testing.fakes.deepseek.log import Outcome, bearer
from testing.fakes.listening import HOST, Listening, read_request

ORIGIN_PATHS = {path: path for path in ("/anthropic/v1/messages", "/v1/responses")}
"""Where else good answers are asked for than as chat."""
RESET = b"\0reset"
"""Not sent: the connection is reset instead."""
BEAT_S = 0.05
ALL = -1
LINGER_RESET = struct.pack("ii", 1, 0)
PAUSE_S = 0.04
"""Between the last good byte and the fault: the caller has what was sent before anybody knows that it will be cut."""
CHUNKED_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
)
NOT_ASKED = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
"""To health checks: the programs are about answers."""
WHOLE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n"

Bytes = Iterator[bytes | float]
"""Bytes to send, or seconds to wait."""
Origin = Callable[[bytes], bytes]
"""A request body to the whole body of a good answer to it."""
Program = Callable[[bytes, Origin, Mapping[str, object]], Bytes]


@dataclass
class _Seen:
    request: Request
    at_s: float
    outcome: Outcome = Outcome.IN_PROGRESS


class WireProvider(Listening):
    """Plays one program to each connection. origin: where good answers come from."""

    def __init__(self, origin_url: str) -> None:
        super().__init__()
        self.url = f"http://{HOST}:{self.port}"
        self._origin_url = origin_url
        self._plan: Mapping[str, object] = {}
        self._seen: list[_Seen] = []

    def play(self, plan: Mapping[str, object]) -> None:
        self._plan, self._seen = plan, []

    def attempts(self) -> list[Attempt]:
        return [_attempt(seen) for seen in self._seen]

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, ProtocolError):
            request = read_request(client)
            if request is None:
                return
            if request.method != "POST":
                client.sendall(NOT_ASKED)
                return
            seen = _Seen(request, time.monotonic())
            self._seen.append(seen)
            seen.outcome = self._play(client, request)

    def _play(self, connection: socket.socket, request: Request) -> Outcome:
        program = PROGRAMS[jsonin.string(self._plan["program"], "program")]
        try:
            for step in program(request.body, partial(self._good, request.path), self._plan):
                if isinstance(step, float):
                    if _left(connection, step):
                        return Outcome.CLIENT_CLOSED
                elif step is RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
                    return Outcome.RESET
                else:
                    connection.sendall(step)
        except OSError:
            return Outcome.CLIENT_CLOSED
        return Outcome.FINISHED

    def _good(self, path: str, body: bytes) -> bytes:
        origin_path = ORIGIN_PATHS.get(path, "/v1/chat/completions")
        answer = plain_http.post(self._origin_url + origin_path, content=body, timeout=10)
        return answer.content


def _left(connection: socket.socket, wait_s: float) -> bool:
    """Wait, unless the other side hangs up."""
    connection.settimeout(wait_s)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    finally:
        connection.settimeout(None)


def _attempt(seen: _Seen) -> Attempt:
    model = json.loads(seen.request.body).get("model", "")
    headers = seen.request.headers
    return Attempt(
        seen.at_s, bearer(headers) or headers.get("x-api-key"), str(model), seen.request.path, headers, seen.outcome, 0
    )


# --- programs


def reset_before_head(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    yield RESET


def half_a_head(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    yield b"HTTP/1.1 200 OK\r\ncontent-type: text/eve"


def not_http(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    yield b"220 mail.example ESMTP ready\r\n"


def refusal(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """status, body (JSON) and headers of the plan, as the vendor words them."""
    text = json.dumps(plan["body"]).encode()
    headers = jsonin.obj(plan.get("headers", {}), "headers")
    lines = [f"HTTP/1.1 {plan['status']} Refused", "content-type: application/json", f"content-length: {len(text)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    yield ("\r\n".join([*lines, "connection: close", "", ""])).encode() + text


def picky(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """Refuses as the plan says every request that has the text `dislikes` in its body, and answers the others."""
    if jsonin.string(plan["dislikes"], "dislikes").encode() in body:
        yield from refusal(body, good, plan)
        return
    answer = good(body)
    is_stream = answer.startswith(b"data:") or answer.startswith(b":")
    yield (STREAM_HEAD if is_stream else WHOLE_HEAD) + answer


def beats(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """The first after_events events of a good stream, then the same beat for ever."""
    yield STREAM_HEAD
    yield from _events(good(body), jsonin.integer(plan.get("after_events", 0), "after_events"))
    beat = jsonin.string(plan["beat"], "beat").encode()
    while True:
        yield beat
        yield BEAT_S


def then(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """The first after_events events of a good stream, then `tail` as it stands, then FIN."""
    yield STREAM_HEAD
    yield from _events(good(body), jsonin.integer(plan.get("after_events", 0), "after_events"))
    yield PAUSE_S
    yield jsonin.string(plan["tail"], "tail").encode()


def noise(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A good stream, with all else that the event stream format allows around its data."""
    yield STREAM_HEAD
    for event in good(body).split(b"\n\n")[:-1]:
        yield b": a comment\nevent: message\nid: 7\nretry: 10\n" + event + b"\n\n"


def cut(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A good stream to its after_chunks-th piece of content, a pause, and FIN; without after_chunks all but [DONE].
    inside: half of the next event comes before the end."""
    pieces = list(_events(good(body)))[:-1]
    sent = 1 + jsonin.integer(plan.get("after_chunks", len(pieces)), "after_chunks")
    yield CHUNKED_HEAD + b"".join(chunk(piece) for piece in pieces[:sent])
    yield PAUSE_S
    if plan.get("inside"):
        framed = chunk(pieces[sent])
        yield framed[: len(framed) // 2]


def _events(stream: bytes, count: int = ALL) -> Iterator[bytes]:
    for event in stream.split(b"\n\n")[:-1][: None if count == ALL else count]:
        yield event + b"\n\n"


PROGRAMS: dict[str, Program] = {
    "reset_before_head": reset_before_head,
    "half_a_head": half_a_head,
    "not_http": not_http,
    "refusal": refusal,
    "picky": picky,
    "beats": beats,
    "then": then,
    "noise": noise,
    "cut": cut,
    **reports.PROGRAMS,
}


class DeafSocket:
    """A port where connections are never made: the queue of a socket that nobody accepts from is full."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = int(self._socket.getsockname()[1])
        self._waiting = [self._knock() for _ in range(4)]

    def _knock(self) -> socket.socket:
        knock = socket.socket()
        knock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            knock.connect(("127.0.0.1", self.port))
        return knock

    def stop(self) -> None:
        for knock in self._waiting:
            knock.close()
        self._socket.close()
