"""Between one operator and the API server: everything passes, writes and watch events are numbered, and what Faults
names by number goes wrong.

The Lease is left alone: its renewals have no place in a history. Kills are done here, in the moment itself: `kill` is
called, and returns when the operator is dead.
"""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from testing.chaos.faults import NO_FAULTS, Faults, What
from testing.fakes.loop_thread import LoopThread
from testing.fakes.ports import free_port

PATIENCE_S = 20.0
HANG_S = 60.0
SLOW_S = 3.0
STALE_S = 3.0
UNFAULTED = ("leases",)
_QUIET = logging.getLogger("testing.chaos.proxy")
_QUIET.disabled = True
"""aiohttp would log each connection that is broken on purpose."""
COURTESIES = ("events",)
"""An Event may be lost and is not part of what a history leaves behind."""


@dataclass(frozen=True)
class Write:
    """As the API server answered it; status 0: it never arrived."""

    number: int
    at_s: float
    method: str
    path: str
    status: int

    @property
    def plural(self) -> str:
        return _plural(self.path)

    @property
    def what(self) -> str:
        """create, delete, or update, of whom: "create services/chat-router"."""
        steps = self.path.strip("/").split("/")
        verb = "delete" if self.method == "DELETE" else "create" if self.status == 201 else "update"
        return f"{verb} {'/'.join(steps[steps.index('namespaces') + 2 :])}"


class Proxy(LoopThread):
    """kill: ends the operator at once."""

    def __init__(self, server: str, token: str, faults: Faults, kill: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.writes: list[Write] = []
        self.events = 0
        self.requests = 0
        self.done: Counter[What] = Counter()
        self.is_cut = False
        """As if there were no API server."""
        self._reads = 0
        self._lists = 0
        self._server, self._token = server, token
        self._faults, self._kill = faults, kill
        self._remembered: dict[str, bytes] = {}
        self._asked_lists: dict[str, Mapping[str, str]] = {}
        self._stale_until_s = 0.0

    @property
    def lasting(self) -> Counter[str]:
        """Every create and delete that arrived."""
        found = (write for write in self.writes if write.status in (200, 201) and write.plural not in COURTESIES)
        return Counter(write.what for write in found if not write.what.startswith("update "))

    def remember(self) -> None:
        """The lists as they are now, to be given once more to a later life of the operator (What.STALE)."""
        asyncio.run_coroutine_threadsafe(self._remember(), self._loop).result(PATIENCE_S)

    def stop(self) -> None:
        """No more faults."""
        self._faults = NO_FAULTS

    # --- inside

    async def _run(self) -> None:
        connector = aiohttp.TCPConnector(ssl=False, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, read_bufsize=1 << 22
        ) as self._http:
            app = web.Application(client_max_size=1 << 26)
            app.router.add_route("*", "/{path:.*}", self._take)
            runner = web.AppRunner(app, access_log=None, logger=_QUIET, shutdown_timeout=0.1)
            await runner.setup()
            parts = urlsplit(self.url)
            await web.TCPSite(runner, parts.hostname, parts.port).start()
            self._started.set()
            await self._ended.wait()
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        if self.is_cut:
            raise _cut(request)
        self.requests += 1
        if _plural(request.path) in UNFAULTED:
            return await self._forward(request)
        if request.method != "GET":
            return await self._write(request)
        if request.query.get("watch") in ("true", "1"):
            return await self._watch(request)
        if "namespaces/" not in request.path or _is_list(request.path):
            return await self._list(request)
        return await self._read(request)

    async def _write(self, request: web.Request) -> web.StreamResponse:
        number = len(self.writes) + 1
        self.writes.append(Write(number, time.monotonic(), request.method, request.path, 0))
        what = self._due("write", number)
        if what is What.KILL_BEFORE:
            await asyncio.to_thread(self._kill)
            raise _cut(request)
        if what is What.SLOW:
            await asyncio.sleep(SLOW_S)
        if what is What.HANG:
            await asyncio.sleep(HANG_S)
            raise _cut(request)
        if what is What.HTML:
            return web.Response(text="<html><body>Please log in</body></html>", content_type="text/html")
        if what in _CODES:
            code, headers = _CODES[what]
            said = _WORDS.get(what, f"the test says {code}")
            body = {"kind": "Status", "apiVersion": "v1", "code": code, "message": said}
            return web.json_response(body, status=code, headers=headers)
        answer = await self._forward(request)
        self.writes[number - 1] = Write(number, time.monotonic(), request.method, request.path, answer.status)
        if what is What.KILL_AFTER:
            await asyncio.to_thread(self._kill)
            raise _cut(request)
        return await self._half(request, answer) if what is What.HALF else answer

    async def _read(self, request: web.Request) -> web.StreamResponse:
        self._reads += 1
        what = self._due("read", self._reads)
        if what is What.READ_HANG:
            await asyncio.sleep(HANG_S)
            raise _cut(request)
        if what is What.READ_ERROR:
            return web.json_response({"kind": "Status", "code": 500, "message": "the test says 500"}, status=500)
        answer = await self._forward(request)
        return await self._half(request, answer) if what is What.READ_HALF else answer

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if "PartialObjectMetadata" in request.headers.get("Accept", ""):
            return await self._forward(request)
        self._asked_lists[request.path_qs] = {"Accept": request.headers.get("Accept", "*/*")}
        if request.path_qs in self._remembered:
            self._lists += 1
            if self._due("list", self._lists):
                self._stale_until_s = max(self._stale_until_s, time.monotonic() + STALE_S)
                return web.Response(body=self._remembered.pop(request.path_qs), content_type="application/json")
        return await self._forward(request)

    async def _remember(self) -> None:
        for path, headers in self._asked_lists.items():
            async with self._http.get(f"{self._server}{path}", headers={**headers, **self._login()}) as answer:
                self._remembered[path] = await answer.read()

    async def _forward(self, request: web.Request) -> web.Response:
        async with self._http.request(
            request.method,
            f"{self._server}{request.path_qs}",
            data=await request.read(),
            headers=self._headers(request),
        ) as answer:
            kept = {name: answer.headers[name] for name in ("Content-Type", "Retry-After") if name in answer.headers}
            return web.Response(body=await answer.read(), status=answer.status, headers=kept)

    async def _half(self, request: web.Request, answer: web.Response) -> web.StreamResponse:
        body = answer.body if isinstance(answer.body, bytes) else b""
        half = web.StreamResponse(status=answer.status, headers={"Content-Length": str(len(body))})
        await half.prepare(request)
        await half.write(body[: len(body) // 2])
        raise _cut(request)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        headers = self._headers(request)
        async with self._http.get(f"{self._server}{request.path_qs}", headers=headers) as answer:
            if answer.status != 200:
                return web.Response(body=await answer.read(), status=answer.status)
            await response.prepare(request)
            held: list[bytes] = []
            async for line in answer.content:
                await asyncio.sleep(max(0.0, self._stale_until_s - time.monotonic()))
                if self.is_cut:
                    raise _cut(request)
                if not await self._event(request, response, line, held):
                    break
        return response

    async def _event(self, request: web.Request, response: web.StreamResponse, line: bytes, held: list[bytes]) -> bool:
        """False: the watch ends. held: what comes after the next one."""
        if json.loads(line)["type"] not in ("ADDED", "MODIFIED", "DELETED"):
            await response.write(line)
            return True
        self.events += 1
        what = self._due("event", self.events)
        if what is What.HALF_LINE:
            await response.write(line[: len(line) // 2])
            raise _cut(request)
        if what in (What.EXPIRED, What.LEADERLESS):
            code = 410 if what is What.EXPIRED else 500
            body = {"kind": "Status", "code": code, "message": f"the test says {code}"}
            await response.write(json.dumps({"type": "ERROR", "object": body}).encode() + b"\n")
            return False
        if what is What.SILENT:
            await asyncio.sleep(HANG_S)
            return False
        if what is What.SWAPPED:
            held.append(line)
        elif what is not What.DROP:
            await response.write(b"".join([line * (2 if what is What.TWICE else 1), *held]))
            held.clear()
        return True

    def _due(self, of: str, number: int) -> What | None:
        what = self._faults.at(of, number)
        if what:
            self.done[what] += 1
        return what

    def _headers(self, request: web.Request) -> dict[str, str]:
        kept = {name: request.headers[name] for name in ("Accept", "Content-Type") if name in request.headers}
        return {**kept, **self._login(), "Accept-Encoding": "identity"}

    def _login(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


_CODES: Mapping[What | None, tuple[int, Mapping[str, str]]] = {
    What.CONFLICT: (409, {}),
    What.BUSY: (429, {"Retry-After": "1"}),
    What.ERROR: (500, {}),
    What.GONE: (410, {}),
    What.WEBHOOK: (500, {}),
    What.ENDING: (403, {}),
}
_WORDS: Mapping[What | None, str] = {
    What.WEBHOOK: 'Internal error occurred: failed calling webhook "a.example": connect: connection refused',
    What.ENDING: "it is forbidden: unable to create new content in namespace a because it is being terminated",
}


def _is_list(path: str) -> bool:
    """/api/v1/namespaces/team/pods, and no name after it."""
    steps = path.strip("/").split("/")
    return len(steps) - steps.index("namespaces") == 3


def _plural(path: str) -> str:
    steps = path.strip("/").split("/")
    return steps[steps.index("namespaces") + 2] if "namespaces" in steps[:-2] else steps[-1]


def _cut(request: web.Request) -> ConnectionResetError:
    """The connection breaks: the client hears nothing, or nothing more."""
    if request.transport:
        request.transport.abort()
    return ConnectionResetError("as the test wants it")
