"""A port on loopback that accepts connections, a thread for each; the end of the block closes all that it opened."""

import socket
import threading
from types import TracebackType
from typing import Self

from testing.fakes.deepseek.http1 import Request, RequestReader

HOST = "127.0.0.1"


class Listening:
    """A subclass serves a connection in _serve, and adds to _open what the end of the block must close."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            close(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        raise NotImplementedError


def read_request(client: socket.socket) -> Request | None:
    """The next request of a connection, with its body; None where the client closes it first."""
    reader = RequestReader()
    request: Request | None = None
    while request is None or not reader.body_done(request):
        data = client.recv(65536)
        if not data:
            return None
        reader.feed(data)
        request = request or reader.head()
    return request


def close(one: socket.socket) -> None:
    """Also while another thread reads from it."""
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
    finally:
        one.close()
