"""HTTP/1.1 without I/O: bytes in, requests out; response heads and chunk framing as bytes.

Own parser rather than a library: the fake decides about every byte and every way a connection can end, and the
container image stays a bare Python.
"""

from dataclasses import dataclass, field
from http import HTTPStatus

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024
CHUNKED_END = b"0\r\n\r\n"


class ProtocolError(Exception):
    """The client sent something that is not HTTP/1.x; the connection cannot be used any further."""


@dataclass(slots=True)
class Request:
    method: str
    target: str
    version: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def keep_alive(self) -> bool:
        wish = self.headers.get("connection", "").lower()
        return wish == "keep-alive" if self.version == "HTTP/1.0" else wish != "close"


@dataclass(slots=True)
class RequestReader:
    """Collects bytes; `head()` and then `body_done()` say when the next request's parts are there."""

    _buffer: bytearray = field(default_factory=bytearray)
    _chunks: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def head(self) -> Request | None:
        """The next request's head, or None while it is incomplete."""
        while self._buffer.startswith(b"\r\n"):  # RFC 9112 2.2: ignore empty lines before a request
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise ProtocolError(f"request head over {MAX_HEAD_BYTES} bytes")
            return None
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        parts = lines[0].split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise ProtocolError(f"request line {lines[0][:80]!r}, wanted METHOD TARGET HTTP/1.1")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise ProtocolError(f"header line {line[:80]!r} has no colon")
            headers[name.lower()] = value.strip()
        return Request(parts[0], parts[1], parts[2], headers)

    def body_done(self, request: Request) -> bool:
        """True once `request.body` is complete."""
        if "transfer-encoding" in request.headers:
            return self._chunked_body_done(request)
        text = request.headers.get("content-length", "0")
        if not text.isdigit() or int(text) > MAX_BODY_BYTES:
            raise ProtocolError(f"content-length {text[:40]!r}, wanted a number up to {MAX_BODY_BYTES}")
        length = int(text)
        if len(self._buffer) < length:
            return False
        request.body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return True

    def _chunked_body_done(self, request: Request) -> bool:
        while (end := self._buffer.find(b"\r\n")) >= 0:
            try:
                size = int(self._buffer[:end].partition(b";")[0], 16)
            except ValueError as error:
                raise ProtocolError(f"chunk size {bytes(self._buffer[:end])[:40]!r} is not hexadecimal") from error
            if len(self._chunks) + size > MAX_BODY_BYTES:
                raise ProtocolError(f"request body over {MAX_BODY_BYTES} bytes")
            if len(self._buffer) < end + 2 + size + 2:
                return False
            self._chunks += self._buffer[end + 2 : end + 2 + size]
            del self._buffer[: end + 2 + size + 2]
            if size == 0:
                request.body = bytes(self._chunks)
                self._chunks.clear()
                return True
        return False


def response_head(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:  # 529 and other vendor inventions
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
