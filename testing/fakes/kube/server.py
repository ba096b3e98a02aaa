"""The API server of a test, on loopback and a thread of its own: it stores, lists, watches, and lies on demand.

with ApiServer() as server:
    server.objects.put("/api/v1/namespaces/team/pods/a", {...})
    server.play("pods", "watch", error_event(500))      # the next watch of Pods gets this, and it is next at once
    ...                                                 # talk to server.url
"""

import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from testing.fakes.kube.hostile import Play
from testing.fakes.kube.objects import Json, Objects, status

PATIENCE_S = 20.0
"""A hang guard, never an expectation."""


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def _steps(self) -> list[str]:
        """After the version: ["pods"], or ["namespaces", "team", "pods", "a"]."""
        steps = self.path.strip("/").split("/")
        return steps[2:] if steps[0] == "api" else steps[3:]

    @property
    def namespace(self) -> str:
        return self._steps[1] if self._steps[:1] == ["namespaces"] and len(self._steps) > 2 else ""

    @property
    def plural(self) -> str:
        rest = self._steps[2:] if self.namespace else self._steps
        return rest[0] if rest else ""

    @property
    def verb(self) -> str:
        """list, watch, or the method."""
        rest = self._steps[2:] if self.namespace else self._steps
        if self.method != "GET" or len(rest) != 1:
            return self.method.lower()
        return "watch" if self.query.get("watch") in ("true", "1") else "list"

    def matches(self, path: str, body: Mapping[str, Any]) -> bool:
        collection = path.rpartition("/")[0]
        group, _, plural = self.path.rpartition("/")
        is_below = collection.startswith(f"{group}/namespaces/") and collection.endswith(f"/{plural}")
        name, _, value = self.query.get("labelSelector", "").partition("=")
        labels = body.get("metadata", {}).get("labels") or {}
        is_selected = not name or (name in labels and value in ("", labels[name]))
        return is_selected and (collection == self.path or (is_below and not self.namespace))


@dataclass
class _Turn:
    plural: str
    verb: str
    play: Play
    left: float
    namespace: str | None


class ApiServer:
    """bookmark_s: how often a quiet watch gets a bookmark."""

    def __init__(self, bookmark_s: float = 60.0) -> None:
        self.objects = Objects()
        self.asked: list[Asked] = []
        self.is_ended = False
        self._cuts: list[tuple[str, str | None]] = []
        self.bookmark_s = bookmark_s
        self.open: set[socket.socket] = set()
        self._turns: list[_Turn] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_ended = True
        self.cut_watches()
        self._server.shutdown()
        self._server.server_close()
        self.cut()

    # --- what a test does to it

    def play(self, plural: str, verb: str, play: Play, times: float = 1, namespace: str | None = None) -> None:
        """The next so many requests of this sort get this answer instead of a true one; watches come at once."""
        with self.objects.changed:
            self._turns.append(_Turn(plural, verb, play, times, namespace))
        self.cut_watches(plural, namespace)

    def stop_playing(self) -> None:
        with self.objects.changed:
            self._turns.clear()

    @property
    def is_playing(self) -> bool:
        """There are answers left that nobody has got."""
        return bool(self._turns)

    def cut_watches(self, plural: str = "", namespace: str | None = None) -> None:
        """Every such watch ends, as if its time were over."""
        with self.objects.changed:
            self._cuts.append((plural, namespace))
            self.objects.changed.notify_all()

    def cuts(self, asked: Asked) -> int:
        """How often such a watch was cut so far."""
        return sum(
            plural in ("", asked.plural) and namespace in (None, asked.namespace) for plural, namespace in self._cuts
        )

    def cut(self) -> None:
        """Every connection breaks."""
        for one in list(self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already

    # --- what a test sees of it

    def requests(self, plural: str, verb: str, namespace: str | None = None) -> list[Asked]:
        return [
            one
            for one in list(self.asked)
            if (one.plural, one.verb) == (plural, verb) and namespace in (None, one.namespace)
        ]

    def writes(self) -> list[Asked]:
        """Except the Lease's."""
        return [one for one in list(self.asked) if one.method != "GET" and one.plural != "leases"]

    # --- how it answers

    def turn(self, asked: Asked) -> Play | None:
        with self.objects.changed:
            self.asked.append(asked)
            for turn in self._turns:
                if (turn.plural, turn.verb) == (asked.plural, asked.verb) and turn.namespace in (None, asked.namespace):
                    turn.left -= 1
                    if turn.left <= 0:
                        self._turns.remove(turn)
                    return turn.play
        return None


def _handler(server: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            server.open.add(self.connection)

        def finish(self) -> None:
            server.open.discard(self.connection)
            super().finish()

        def log_message(self, format: str, *args: object) -> None: ...

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, query, headers, body)
            try:
                self._say(asked)
            except OSError:
                self.close_connection = True  # the client has gone

        def _say(self, asked: Asked) -> None:
            play, objects = server.turn(asked), server.objects
            if play is not None:
                self._play(play)
            elif asked.verb == "watch":
                self._watch(asked)
            elif asked.verb == "list":
                self._json(*objects.page(asked.matches, asked.query))
            elif asked.method != "GET":
                is_merge = "merge-patch" in asked.headers.get("content-type", "")
                self._json(*objects.write(asked.method, asked.path, json.loads(asked.body or b"{}"), is_merge))
            else:
                found = _documents().get(asked.path) or objects.by_path.get(asked.path)
                self._json(200 if found else 404, found or status(404))

        def _play(self, play: Play) -> None:
            self.wfile.write(play.raw)
            self.wfile.flush()
            until_s = time.monotonic() + PATIENCE_S
            while play.hangs and not server.is_ended and time.monotonic() < until_s:
                time.sleep(0.02)
            self.close_connection = True

        def _json(self, code: int, body: Mapping[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _watch(self, asked: Asked) -> None:
            objects, cuts = server.objects, server.cuts(asked)
            version = int(asked.query.get("resourceVersion") or 0)
            until_s = time.monotonic() + float(asked.query.get("timeoutSeconds") or PATIENCE_S)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if version < objects.forgotten:
                self._event("ERROR", status(410))
                until_s = 0

            def ends() -> bool:
                return server.is_ended or server.cuts(asked) != cuts

            while True:
                bookmark_s = time.monotonic() + server.bookmark_s
                found = objects.after(version, asked.matches, ends, until_s, bookmark_s) if until_s else None
                if found is None:
                    break
                for one in found:
                    self._event(one.type, one.body)
                    version = one.version
                if not found:
                    self._event("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})
            self.wfile.write(b"0\r\n\r\n")

        def _event(self, kind: str, body: Mapping[str, Any]) -> None:
            line = json.dumps({"type": kind, "object": body}).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()

    return Handler


def _documents() -> Mapping[str, Json]:
    """An OpenAPI document by which our kinds have every field."""
    schemas = {
        kind: {"x-kubernetes-group-version-kind": [{"kind": kind}], "x-kubernetes-preserve-unknown-fields": True}
        for kind in ("EndpointPool", "FailoverPolicy")
    }
    return {"/openapi/v3/apis/poolkeeper.dev/v1alpha1": {"components": {"schemas": schemas}}}
