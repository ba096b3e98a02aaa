"""What stands between a client and a provider and spoils streams: a TCP relay on loopback that holds answers back, or
cuts them when their time is over.
"""

import socket
import threading
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
END_OF_CHUNKS = b"\r\n0\r\n\r\n"


class Middlebox:
    """to: the provider's port. holds: passes an answer on when all of it is there. cut_after_s: how long a connection
    may last; None: as long as it likes."""

    def __init__(self, to: int, *, holds: bool = False, cut_after_s: float | None = None) -> None:
        self._to = to
        self._holds = holds
        self._cut_after_s = cut_after_s
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._timers: list[threading.Timer] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for timer in self._timers:
            timer.cancel()
        for one in self._open:
            _close(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            provider = socket.create_connection((HOST, self._to))
            self._open += [client, provider]
            if self._cut_after_s is not None:
                timer = threading.Timer(self._cut_after_s, _close, (client,))
                timer.daemon = True
                timer.start()
                self._timers.append(timer)
            threading.Thread(target=_pass_on, args=(client, provider, False), daemon=True).start()
            threading.Thread(target=_pass_on, args=(provider, client, self._holds), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket, holds: bool) -> None:
    held = b""
    try:
        while data := source.recv(65_536):
            held += data
            if not holds or held.endswith(END_OF_CHUNKS):
                sink.sendall(held)
                held = b""
    except OSError:
        return
    finally:
        _close(source)
        _close(sink)


def _close(one: socket.socket) -> None:
    """Also while another thread reads from it."""
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
    finally:
        one.close()
