"""A provider that says back the API key that it was sent, in every form: what it answers, by name."""

import base64
import gzip
import json
from collections.abc import Iterable
from urllib.parse import quote

KEY = "sk-canary/7f3a+Kx=9"
MODEL = "deepseek-v4-pro"


def error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()


def answer(body: bytes, *lines: str, status: int = 400) -> bytes:
    head = [f"HTTP/1.1 {status} Because", "Content-Type: application/json", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


def pieces(body: bytes) -> Iterable[bytes]:
    """Two writes, the key in both."""
    whole = answer(body)
    at = whole.index(KEY.encode()) + len(KEY) // 2
    return (whole[:at], whole[at:])


def whole_answer(**fields: object) -> bytes:
    message = {"role": "assistant", "content": "ok"}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return json.dumps({"id": "x", "object": "chat.completion", "model": MODEL, "choices": choices, **fields}).encode()


def encoded(offset: int) -> str:
    return base64.b64encode(("x" * offset + KEY + " and more").encode()).decode()


EVERY_CHARACTER = "".join(f"\\u{ord(character):04X}" for character in KEY)
ECHOES: dict[str, bytes | Iterable[bytes]] = {
    "as it is": answer(error(f"Wrong model. You sent: Authorization: Bearer {KEY}")),
    "as plain text": answer(f"Authorization: Bearer {KEY}".encode()),
    "in another member": answer(json.dumps({"error": {"message": "no"}, "headers": {"a": f"Bearer {KEY}"}}).encode()),
    **{f"base64 at {offset}": answer(error(f"no: {encoded(offset)}")) for offset in range(4)},
    "base64 of URLs": answer(error("no: " + base64.urlsafe_b64encode(f"Bearer {KEY}".encode()).decode())),
    "percent-encoded": answer(error(f"no: {quote(KEY, safe='')}")),
    "percent-encoded in small letters": answer(error(f"no: {quote(KEY, safe='')}".replace("%2F", "%2f"))),
    "escaped slashes": answer(error(f"no: {KEY}").replace(b"/", b"\\/")),
    "escaped for HTML": answer(error(f"no: {KEY}").replace(b"+", b"\\u002b").replace(b"=", b"\\u003d")),
    "every character escaped": answer(
        error("no: KEY").replace(b"KEY", "".join(f"\\u{ord(c):04X}" for c in KEY).encode())
    ),
    "gzip": answer(gzip.compress(error(f"no: {KEY}"), mtime=0), "Content-Encoding: gzip"),
    "two writes": pieces(error(f"no: {KEY}")),
    "a folded header": answer(error("no"), f"X-Echo: {KEY[:7]}\r\n {KEY[7:]}"),
    "a header": answer(error("no"), f"X-Echo: {KEY}", f"X-Request-Id: {KEY}", f"Location: /{KEY}"),
    "an error of the key itself": answer(error(f"Incorrect API key provided: {KEY}"), status=401),
    "an error of the server": answer(error(f"upstream sent {KEY}"), status=500),
    "the model's name": answer(whole_answer(model=KEY), status=200),
    "a fingerprint": answer(whole_answer(system_fingerprint=KEY, provider=KEY), status=200),
    "an error in a stream": answer(b"data: " + error(f"no: {KEY}") + b"\n\n", status=200).replace(
        b"application/json", b"text/event-stream"
    ),
}
"""The last words of an answer itself are its own: only what is kept of it is looked at there."""
IN_AN_ANSWER = ("the model's name", "a fingerprint")
