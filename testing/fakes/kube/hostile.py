"""Answers that no Kubernetes API server should give and that real ones, and what stands before them, have given."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Play:
    """raw: all bytes of the answer; the connection is closed after them, or left open and silent."""

    raw: bytes
    hangs: bool = False


def answer(
    status: int, body: bytes | Mapping[str, object] = b"", content: str = "application/json", *lines: str
) -> Play:
    """lines: more of the head."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} Because", f"Content-Type: {content}", f"Content-Length: {len(data)}", *lines]
    return Play("\r\n".join([*head, "Connection: close", "", ""]).encode() + data)


def refusal(status: int) -> Play:
    return answer(status, {"kind": "Status", "apiVersion": "v1", "code": status, "message": f"the test says {status}"})


def too_busy(wait_s: int) -> Play:
    """As an API server that has too much to do."""
    body = {"kind": "Status", "apiVersion": "v1", "code": 429, "message": "too many requests, please try again later"}
    return answer(429, body, "application/json", f"Retry-After: {wait_s}")


def page() -> Play:
    """What a captive portal or a load balancer says."""
    return answer(200, b"<html><body>Please log in</body></html>", "text/html")


def stream(*lines: bytes, whole: bool = True, hangs: bool = False) -> Play:
    """A watch of these lines. whole: the answer has its end; else the connection breaks off."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in lines)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Play(head + chunks + (b"0\r\n\r\n" if whole and not hangs else b""), hangs)


def event(kind: object, body: object) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def error_event(code: int) -> Play:
    """etcd without a leader (500), a version that is too old (410), ..."""
    return stream(event("ERROR", {"kind": "Status", "code": code, "message": "etcdserver: no leader"}))


def silence() -> Play:
    """Opened, and never a word."""
    return stream(hangs=True)


def no_answer() -> Play:
    return Play(b"", hangs=True)
