"""The HTTP server of the dashboard, from the standard library: whatever comes in is put to the site."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from threading import Thread
from urllib.parse import urlsplit

from poolkeeper.dashboard.site import Site
from poolkeeper.errors import UserError

_Request = socket.socket | tuple[bytes, socket.socket]
_Address = tuple[str, int]

PATIENCE_S = 10.0
"""For a caller that says nothing, or reads nothing."""


class Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE_S

    def __init__(self, site: Site, request: socket.socket, client: _Address, server: BaseServer) -> None:
        self._site = site
        super().__init__(request, client, server)

    def parse_request(self) -> bool:
        """The base class would look for a method of its own for each verb; here every verb has one answer."""
        if super().parse_request():
            where, headers = urlsplit(self.path), self.headers
            from_site = headers.get("Sec-Fetch-Site", "")
            answer = self._site.answer(self.command, where.path, headers.get("Host", ""), where.query, from_site)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body if self.command != "HEAD" else b"")
            self.wfile.flush()
        self.close_connection = True
        return False

    def version_string(self) -> str:
        return "poolkeeper"

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads this log, and a request every other second is nothing new."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    def handle_error(self, request: _Request, client_address: _Address | str) -> None:
        """A browser that disconnects is nothing new either; any other error is our bug."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Server6(_Server):
    address_family = socket.AF_INET6


@contextmanager
def serving(host: str, port: int, site: Site) -> Iterator[int]:
    """The port, which is another one where 0 was asked for; it serves until the block ends."""
    kind = _Server6 if ":" in host else _Server
    try:
        server = kind((host, port), partial(Handler, site))
    except OSError as error:
        raise UserError(f"--listen {host}:{port}: {error.strerror}; choose another address, or 127.0.0.1:0") from None
    with server:
        Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
