"""A fake HTTP proxy on loopback: tunnels CONNECT and forwards absolute-form requests, and says what it was asked for.

It "resolves" every host to 127.0.0.1, so a name that nobody else knows proves by its answer that the proxy was used.
"""

import socket
import threading
from dataclasses import dataclass

from testing.fakes.listening import HOST, Listening

HEAD_MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Asked:
    """One request line that the proxy saw, and the headers with it."""

    method: str
    target: str
    headers: tuple[str, ...]


class FakeProxy(Listening):
    """refuse: the status line and headers it answers everything with, in place of doing its work; "" to work. silent:
    accept and say nothing."""

    def __init__(self, *, refuse: str = "", silent: bool = False) -> None:
        super().__init__()
        self.refuse = refuse
        self.silent = silent
        self.asked: list[Asked] = []
        self.seen = bytearray()
        """All that clients sent through it."""

    def _serve(self, client: socket.socket) -> None:
        try:
            head, rest = _read_head(client)
            line, *headers = head.decode("latin-1").split("\r\n")
            method, target, _ = line.split(" ")
            self.asked.append(Asked(method, target, tuple(headers)))
            if self.silent:
                return
            if self.refuse:
                client.sendall(f"HTTP/1.1 {self.refuse}\r\nContent-Length: 0\r\n\r\n".encode())
                client.close()
                return
            if method == "CONNECT":
                upstream = socket.create_connection((HOST, int(target.rpartition(":")[2])))
                client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 fake\r\n\r\n")
            else:
                authority, _, path = target.removeprefix("http://").partition("/")
                upstream = socket.create_connection((HOST, int(authority.rpartition(":")[2])))
                rest = (
                    "\r\n".join([f"{method} /{path} HTTP/1.1", *headers, "Connection: close"]).encode("latin-1")
                    + b"\r\n\r\n"
                    + rest
                )
        except (OSError, ValueError):
            client.close()
            return
        self._open.append(upstream)
        upstream.sendall(rest)
        threading.Thread(target=self._pump, args=(upstream, client, False), daemon=True).start()
        self._pump(client, upstream, True)

    def _pump(self, source: socket.socket, sink: socket.socket, is_client: bool) -> None:
        try:
            while data := source.recv(65_536):
                if is_client:
                    self.seen += data
                sink.sendall(data)
        except OSError:
            return
        finally:
            source.close()
            sink.close()


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    seen = b""
    while b"\r\n\r\n" not in seen and len(seen) < HEAD_MAX_BYTES:
        data = client.recv(65_536)
        if not data:
            raise OSError("closed before a request")
        seen += data
    head, _, rest = seen.partition(b"\r\n\r\n")
    return head, rest
