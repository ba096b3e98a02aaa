"""HTTP for tests that look at bytes: a request over a bare socket, what came back, and how the connection ended."""

import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PATIENCE_S = 10.0
LIMIT_S = 60.0
"""A hang guard for all of an answer: a busy machine takes its time for a large one."""
LATELY_BYTES = 128 * 1024
HOST = "127.0.0.1"


class End(StrEnum):
    EOF = "eof"
    RESET = "reset"
    OPEN = "open"
    """The peer said nothing more for as long as the test was ready to listen."""


@dataclass(frozen=True, slots=True)
class Got:
    raw: bytes
    end: End

    @property
    def status(self) -> int:
        return int(self.raw[9:12])

    @property
    def headers(self) -> dict[str, str]:
        head = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")
        pairs = (line.partition(":") for line in head.split("\r\n")[1:])
        return {name.lower(): value.strip() for name, _, value in pairs}

    @property
    def payload(self) -> bytes:
        """The body without its framing; of a torn last chunk what there is of it."""
        rest = self.raw.partition(b"\r\n\r\n")[2]
        return dechunk(rest)[0] if self.headers.get("transfer-encoding") == "chunked" else rest

    @property
    def terminated(self) -> bool:
        """The body is complete by the rules of HTTP."""
        rest = self.raw.partition(b"\r\n\r\n")[2]
        if self.headers.get("transfer-encoding") == "chunked":
            return dechunk(rest)[1]
        return len(rest) == int(self.headers.get("content-length", "-1"))

    @property
    def events(self) -> list[str]:
        """The data of each complete SSE event."""
        text = self.payload.replace(b"\r\n", b"\n")
        blocks = text.split(b"\n\n")[:-1]
        return [block.removeprefix(b"data: ").decode() for block in blocks if block.startswith(b"data: ")]

    @property
    def content(self) -> str:
        """All content of the first choice, of a stream or of a whole answer."""
        if not self.headers["content-type"].startswith("text/event-stream"):
            said = json.loads(self.payload)["choices"][0]["message"]["content"]
            return str(said)
        chunks = (json.loads(event) for event in self.events if event != "[DONE]")
        deltas = (chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"])
        return "".join(delta.get("content") or "" for delta in deltas)


def dechunk(data: bytes) -> tuple[bytes, bool]:
    """The body, and whether its end came."""
    parts: list[bytes] = []
    at = 0
    while (end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:end], 16)
        if size == 0:
            return b"".join(parts), data[end:] == b"\r\n\r\n"
        parts.append(data[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return b"".join(parts), False


def request(path: str, body: object = None, headers: Mapping[str, str] | None = None, *, method: str = "") -> bytes:
    """The bytes of a request; a body makes it a POST of JSON."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method or ('GET' if body is None else 'POST')} {path} HTTP/1.1", f"host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in {"content-length": str(len(data)), **(headers or {})}.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


def connect(port: int, tls: ssl.SSLContext | None = None, server_name: str = HOST) -> socket.socket:
    sock = socket.create_connection((HOST, port), timeout=PATIENCE_S)
    return sock if tls is None else tls.wrap_socket(sock, server_hostname=server_name)


def receive(sock: socket.socket, *, enough: bytes | None = None, silence_s: float = PATIENCE_S) -> Got:
    """Reads until the end, until `enough` was seen, or until nothing came for `silence_s`."""
    raw = bytearray()
    deadline = time.monotonic() + LIMIT_S
    sock.settimeout(silence_s)
    while time.monotonic() < deadline:
        if enough is not None and enough in raw[-LATELY_BYTES:]:
            return Got(bytes(raw), End.OPEN)
        try:
            data = sock.recv(65536)
        except TimeoutError:
            return Got(bytes(raw), End.OPEN)
        except ConnectionResetError:
            return Got(bytes(raw), End.RESET)
        if not data:
            return Got(bytes(raw), End.EOF)
        raw += data
    raise TimeoutError(f"no end after {LIMIT_S} s and {len(raw)} bytes")


def exchange(
    port: int,
    path: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "",
    enough: bytes | None = None,
    silence_s: float = PATIENCE_S,
) -> Got:
    """One request on one connection, which the client asks to be closed afterwards."""
    with connect(port) as sock:
        sock.sendall(request(path, body, {"connection": "close", **(headers or {})}, method=method))
        return receive(sock, enough=enough, silence_s=silence_s)
