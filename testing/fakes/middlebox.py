"""What stands between a client and a provider and spoils streams: a TCP relay on loopback that holds answers back, or
cuts them when their time is over.
"""

import socket
import threading
from types import TracebackType

from testing.fakes.listening import HOST, Listening, close

END_OF_CHUNKS = b"\r\n0\r\n\r\n"


class Middlebox(Listening):
    """to: the provider's port. holds: passes an answer on when all of it is there. cut_after_s: how long a connection
    may last; None: as long as it likes."""

    def __init__(self, to: int, *, holds: bool = False, cut_after_s: float | None = None) -> None:
        super().__init__()
        self._to = to
        self._holds = holds
        self._cut_after_s = cut_after_s
        self._timers: list[threading.Timer] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        for timer in self._timers:
            timer.cancel()

    def _serve(self, client: socket.socket) -> None:
        provider = socket.create_connection((HOST, self._to))
        self._open.append(provider)
        if self._cut_after_s is not None:
            timer = threading.Timer(self._cut_after_s, close, (client,))
            timer.daemon = True
            timer.start()
            self._timers.append(timer)
        threading.Thread(target=_pass_on, args=(provider, client, self._holds), daemon=True).start()
        _pass_on(client, provider, False)


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
        close(source)
        close(sink)
