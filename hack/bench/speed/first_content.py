"""Time to first content: one caller that asks the gateways in turn, a request each, so that whatever else the machine
does meets all of them alike. Sockets without a library: what is timed is the gateway."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from hack.bench.speed.cases import FIRST_CONTENT, Case
from hack.bench.speed.measured import Measured

END = b"0\r\n\r\n"
PATIENCE_S = 30.0
PAUSE_S = 0.002


def first_content_us(gateways: Mapping[str, Measured], case: Case, asked: Mapping[str, int]) -> dict[str, list[float]]:
    """From the request to the first content, of asked[name] streams a gateway."""
    found: dict[str, list[float]] = {name: [] for name in gateways}
    with ExitStack() as stack:
        sockets = {name: stack.enter_context(connected(gateway)) for name, gateway in gateways.items()}
        messages = {name: message(gateway, case) for name, gateway in gateways.items()}
        for turn in range(max(asked.values())):
            for name, sock in sockets.items():
                if turn < asked[name]:
                    found[name].append(_ask(sock, messages[name]))
                    time.sleep(PAUSE_S)
    return found


def message(gateway: Measured, case: Case) -> bytes:
    url, body = urlsplit(gateway.base_url), case.body.encode()
    its_own = "".join(f"{name}: {value}\r\n" for name, value in gateway.headers.items())
    head = (
        f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"{its_own}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def connected(gateway: Measured) -> Iterator[socket.socket]:
    url = urlsplit(gateway.base_url)
    with socket.create_connection((url.hostname or "", url.port or 80), PATIENCE_S) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sock


def _ask(sock: socket.socket, request: bytes) -> float:
    """Asks and reads the whole stream; gives when its first content came."""
    began_s = time.perf_counter()
    sock.sendall(request)
    first_s, seen = 0.0, b""
    while not seen.endswith(END):
        data = sock.recv(65536)
        if not data:
            raise RuntimeError(f"the stream ended early: {seen[-200:]!r}")
        seen += data
        if not first_s and FIRST_CONTENT in seen:
            first_s = time.perf_counter()
    return (first_s - began_s) * 1e6
