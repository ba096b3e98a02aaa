"""Stands for nodes and routers: each router Pod gets an address of 127.0.0.0/8 and turns ready, and at its admin port
somebody answers /state as a healthy router with the Pod's document would.

No Pod needs a node, so none is there: a Pod without a node ends at once when it is deleted. One listener a Pod, all in
one thread.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from poolkeeper.api import labels
from poolkeeper.render.metadata import ADMIN_PORT, CONFIG_FILE
from testing.fakes.loop_thread import LoopThread

Json = dict[str, Any]
PATIENCE_S = 20.0
REST_S = 0.2
LARGEST_LINE_BYTES = 1 << 22


class Fleet(LoopThread):
    """says: what the router of this Pod ("namespace/name") answers, given the truth: all bytes of the answer, none for
    the truth, None for no answer. namespace: empty for all."""

    def __init__(
        self,
        url: str,
        token: str,
        says: Callable[[str, Json], bytes | None] = lambda pod, truth: b"",
        namespace: str = "",
    ) -> None:
        super().__init__()
        self.asked = 0
        self._url, self._headers = url, {"Authorization": f"Bearer {token}"}
        self._says = says
        self._of = f"/api/v1/namespaces/{namespace}" if namespace else "/api/v1"
        self._net = random.randrange(16, 120)
        self._given = 0
        self._documents: dict[str, Json] = {}
        self._listening: dict[str, asyncio.Server] = {}
        self._pods: dict[str, str] = {}
        self._beginning: set[asyncio.Future[None]] = set()

    @property
    def pods(self) -> int:
        return len(self._listening)

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(ssl=False, limit=32)
        async with aiohttp.ClientSession(
            self._url, headers=self._headers, connector=connector, timeout=timeout, read_bufsize=LARGEST_LINE_BYTES
        ) as http:
            self._http = http
            following = [
                asyncio.ensure_future(self._follow("pods", f"{labels.COMPONENT}=router", self._pod)),
                asyncio.ensure_future(self._follow("configmaps", labels.POOL, self._config_map)),
            ]
            self._started.set()
            await self._ended.wait()
            for one in following:
                one.cancel()
            await asyncio.gather(*following, return_exceptions=True)
            for server in self._listening.values():
                server.close()

    async def _follow(self, plural: str, selector: str, tell: Callable[[str, Json], None]) -> None:
        while True:
            try:
                async for kind, body in self._changes(plural, selector):
                    tell(kind, body)
            except (aiohttp.ClientError, OSError, ValueError):
                pass  # the test has stopped the API server, and starts it again
            await asyncio.sleep(REST_S)

    async def _changes(self, plural: str, selector: str) -> AsyncIterator[tuple[str, Json]]:
        query = {"labelSelector": selector}
        async with self._http.get(f"{self._of}/{plural}", params=query) as answer:
            listed = await answer.json()
        for body in listed.get("items") or []:
            yield "ADDED", body
        query |= {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"]}
        async with self._http.get(f"{self._of}/{plural}", params=query) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["type"], event["object"]

    def _config_map(self, kind: str, body: Json) -> None:
        metadata = body["metadata"]
        if kind != "DELETED" and CONFIG_FILE in (body.get("data") or {}):
            pool = f"{metadata['namespace']}/{metadata['labels'][labels.POOL]}"
            try:
                document = json.loads(body["data"][CONFIG_FILE])
            except ValueError:
                document = {}
            if "endpoints" in document:  # else the last good one stays, as a router does it
                self._documents[pool] = document

    def _pod(self, kind: str, body: Json) -> None:
        metadata = body["metadata"]
        name = f"{metadata['namespace']}/{metadata['name']}"
        if kind == "DELETED" or "deletionTimestamp" in metadata:
            self._pods.pop(name, None)
            server = self._listening.pop(name, None)
            if server:
                server.close()
        elif name not in self._pods and not body.get("status", {}).get("podIP"):
            self._given += 1
            self._pods[name] = f"127.{self._net}.{self._given // 250}.{self._given % 250 + 1}"
            pool = f"{metadata['namespace']}/{metadata['labels'][labels.POOL]}"
            self._beginning.add(asyncio.ensure_future(self._begin(name, pool)))

    async def _begin(self, name: str, pool: str) -> None:
        address = self._pods[name]

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._answer(name, pool, reader, writer)

        self._listening[name] = await asyncio.start_server(take, address, ADMIN_PORT)
        namespace, _, pod = name.partition("/")
        ready = [{"type": kind, "status": "True"} for kind in ("Ready", "ContainersReady")]
        status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": ready}
        async with self._http.patch(
            f"/api/v1/namespaces/{namespace}/pods/{pod}/status",
            data=json.dumps({"status": status}),
            headers={"Content-Type": "application/merge-patch+json"},
        ) as answer:
            await answer.read()

    async def _answer(self, name: str, pool: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            truth = state(pool, self._documents.get(pool))
            said = self._says(name, truth)
            if said is None:
                await reader.read()  # until the other side has had enough
                return
            writer.write(said or answer_of(truth))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the operator has gone
        finally:
            writer.close()


def answer_of(body: Json | bytes, head: str = "") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\nConnection: close\r\n{head}\r\n".encode() + data


def state(pool: str, document: Json | None) -> Json:
    """A router's that has this document and finds all endpoints well that may take requests."""
    if document is None:
        return {"pool": pool, "generation": 0, "configHash": "", "ready": False}
    tiers = [endpoint["tier"] for endpoint in document["endpoints"]]
    return {
        "pool": pool,
        "generation": document["generation"],
        "configHash": document["hash"],
        "ready": True,
        "activeTier": min(tiers),
        "endpoints": [
            {"name": one["name"], "fingerprint": one["fingerprint"], "tier": one["tier"], **_health(one)}
            for one in document["endpoints"]
        ],
    }


def _health(endpoint: Json) -> Json:
    is_active = endpoint["mode"] == "Active"
    return {"health": "Healthy"} if is_active else {"health": "Unknown", "reason": endpoint["mode"]}
