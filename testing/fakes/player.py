"""A provider that plays bytes: whatever HTTP allows and whatever it does not, at any pace, as a generator says.

    def trickle() -> Steps:
        yield HEAD
        for byte in b"...":
            yield bytes([byte])
            yield 0.1                     # seconds

    with Player(trickle) as provider:
        ...                               # talk to 127.0.0.1:provider.port
        assert provider.asked == 1

One request a connection, on a thread of its own.
"""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from testing.fakes.deepseek.http1 import ProtocolError, chunk
from testing.fakes.listening import read_request

EVENT_STREAM = "text/event-stream; charset=utf-8"
JSON = "application/json"

Steps = Iterator[bytes | float]
"""Bytes to send, or seconds to wait."""


def head(content_type: str, *lines: str) -> bytes:
    return ("\r\n".join(["HTTP/1.1 200 OK", f"content-type: {content_type}", *lines, "", ""])).encode()


def chunked(content_type: str) -> bytes:
    return head(content_type, "transfer-encoding: chunked")


def until_closed(content_type: str) -> bytes:
    return head(content_type, "connection: close")


def whole(content_type: str, body: bytes) -> bytes:
    return head(content_type, f"content-length: {len(body)}", "connection: close") + body


class Player:
    """asked: how many requests came. left: how many of them were given up by the other side."""

    def __init__(self, program: Callable[[], Steps]) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        self.asked = 0
        self.left = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="player", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            doomed = [self._socket, *self._open]
        for one in doomed:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with self._lock:
                    self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ProtocolError):
            if read_request(connection) is None:
                return
            with self._lock:
                self.asked += 1
            if not self._play(connection):
                with self._lock:
                    self.left += 1

    def _play(self, connection: socket.socket) -> bool:
        try:
            for step in self._program():
                if isinstance(step, bytes):
                    connection.sendall(step)
                elif _hung_up(connection, step):
                    return False
        except OSError:
            return False
        return True


def _hung_up(connection: socket.socket, wait_s: float) -> bool:
    readable, _, _ = select.select([connection], [], [], wait_s)
    return bool(readable) and connection.recv(1) == b""


__all__ = ["EVENT_STREAM", "JSON", "Player", "Steps", "chunk", "chunked", "head", "until_closed", "whole"]
