"""A stand-in for a model server: passes requests on to a real one, and breaks what the test wants broken.

with StandIn(port) as server:
    server.cut_after = 5                 # events of each stream that pass, then the connection is closed
    server.closes_turns = True           # a last message of the assistant is closed, and a new turn begun
"""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
NEXT_TURN = {"role": "user", "content": "Thank you."}
"""What a server that closes the answer makes of it: a turn that is over."""


class StandIn:
    def __init__(self, to: int) -> None:
        """to: the real server's port."""
        self.cut_after: int | None = None
        self.closes_turns = False
        self.asked: list[dict[str, object]] = []
        self._to = to
        self._server = ThreadingHTTPServer((HOST, 0), _handler(self))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def sent_on(self, body: bytes) -> bytes:
        asked = json.loads(body)
        self.asked.append(asked)
        messages = asked.get("messages") or [{}]
        if self.closes_turns and messages[-1].get("role") == "assistant":
            asked["messages"] = [*messages, NEXT_TURN]
        return json.dumps(asked).encode()

    def answer_to(self, path: str, body: bytes) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(HOST, self._to, timeout=60)
        connection.request("POST", path, self.sent_on(body), {"content-type": "application/json"})
        return connection.getresponse()


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's name
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = stand_in.answer_to(self.path, body)
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers.get("content-type", "application/json"))
            self.send_header("transfer-encoding", "chunked")
            self.send_header("connection", "close")
            self.end_headers()
            events = 0
            for line in answer:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
                self.wfile.flush()
                events += line.startswith(b"data:")
                if stand_in.cut_after is not None and events > stand_in.cut_after:
                    answer.close()
                    return
            self.wfile.write(b"0\r\n\r\n")

        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # http.server's name
            pass

    return Handler
