"""A provider that answers before it has read the body of a big request, as gateways, firewalls and size limits do.

with Early([answer(413, body)], then="close") as provider:
    ...                                      # talk to 127.0.0.1:provider.port
    assert provider.read_bytes[0] < size     # what it read of the body of the first big request
"""

import contextlib
import select
import socket
import ssl
import struct
import time
from collections.abc import Mapping, Sequence

from testing.fakes.listening import Listening
from testing.fakes.rawprovider import OK
from testing.fakes.tls import Certificate

BIG_BYTES = 1 << 20
"""Of a request that is answered early; smaller ones are read and answered well."""
BUFFER_BYTES = 64 * 1024
"""Of a connection: who sends more must wait until it is read."""
PIECE_BYTES = 4096
BREATH_S = 0.02
AT_ONCE_RESET = struct.pack("ii", 1, 0)
WAYS = ("close", "half-close", "reset", "keep open", "read slowly")
"""What becomes of the connection after the answer."""


def answer(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Early", "content-type: application/json", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Early(Listening):
    """pieces: of the answer, with a breath between them. after_bytes: of the body that are read first. certificate: for
    TLS."""

    def __init__(
        self, pieces: Sequence[bytes], then: str, *, after_bytes: int = 0, certificate: Certificate | None = None
    ) -> None:
        if then not in WAYS:
            raise ValueError(f"then: {then!r}, wanted one of {', '.join(WAYS)}")
        super().__init__()
        self._pieces, self._then, self._after_bytes = tuple(pieces), then, after_bytes
        self._context = _context(certificate) if certificate else None
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.read_bytes: list[int] = []

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), self._secured(client) as connection:
            while self._answer(connection):
                pass

    def _secured(self, client: socket.socket) -> socket.socket:
        return self._context.wrap_socket(client, server_side=True) if self._context else client

    def _answer(self, client: socket.socket) -> bool:
        """The next request of a connection. False: it was the last one."""
        seen = b""
        while b"\r\n\r\n" not in seen:
            data = client.recv(PIECE_BYTES)
            if not data:
                return False
            seen += data
        head, _, body = seen.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        if length >= BIG_BYTES:
            self._answer_early(client, len(body))
            return False
        left = length - len(body)
        while left > 0:
            left -= len(client.recv(min(left, PIECE_BYTES)))
        client.sendall(OK)
        return True

    def _answer_early(self, client: socket.socket, read_bytes: int) -> None:
        number = len(self.read_bytes)
        self.read_bytes.append(read_bytes)
        while self.read_bytes[number] < self._after_bytes:
            self.read_bytes[number] += len(client.recv(PIECE_BYTES))
        for piece in self._pieces:
            client.sendall(piece)
            time.sleep(BREATH_S)
        if self._then == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE_RESET)
        elif self._then == "half-close":
            client.shutdown(socket.SHUT_WR)
        if self._then in ("half-close", "keep open"):
            _await_end(client)
        while self._then == "read slowly" and (data := client.recv(PIECE_BYTES)):
            self.read_bytes[number] += len(data)
            time.sleep(BREATH_S)


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    return context


def _await_end(client: socket.socket) -> None:
    """Until the other side closes; nothing is read meanwhile."""
    poller = select.poll()
    with contextlib.suppress(ValueError):  # it is closed already
        poller.register(client, select.POLLRDHUP)
        poller.poll()
