"""Many fake routers at once: each an address of 127.0.0.0/8, all with the same port; some are slow and some are dead.

with FakeRouters(healthy=120, slow=40, mute=20, refusing=10, full=10) as routers:
    routers.port, routers.healthy, routers.all
"""

import asyncio
import random
import socket
from types import TracebackType
from typing import Self

from testing.fakes.loop_thread import LoopThread
from testing.fakes.ports import free_port

STATE = b'{"pool": "team/chat", "generation": 1, "ready": true}'


class FakeRouters(LoopThread):
    """slow: they answer after anything up to slowest_s. mute: they take the connection and say nothing.
    refusing: nobody listens. full: no connection is ever made, nor refused."""

    def __init__(
        self,
        healthy: int,
        slow: int = 0,
        mute: int = 0,
        refusing: int = 0,
        full: int = 0,
        slowest_s: float = 1.0,
        seed: int = 1,
        state: bytes = STATE,
    ) -> None:
        super().__init__()
        self.port = free_port()
        self._chance = random.Random(seed)
        self._slowest_s = slowest_s
        self._state = state
        counts = {"healthy": healthy, "slow": slow, "mute": mute, "refusing": refusing, "full": full}
        sorts = [sort for sort, count in counts.items() for _ in range(count)]
        self._sorts = {f"127.0.{number // 200}.{number % 200 + 10}": sort for number, sort in enumerate(sorts)}
        self._full: list[socket.socket] = []

    @property
    def all(self) -> list[str]:
        mixed = list(self._sorts)
        random.Random(2).shuffle(mixed)
        return mixed

    @property
    def healthy(self) -> list[str]:
        return [address for address, sort in self._sorts.items() if sort == "healthy"]

    def __enter__(self) -> Self:
        for address, sort in self._sorts.items():
            if sort == "full":
                self._fill(address)
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        for one in self._full:
            one.close()

    def _fill(self, address: str) -> None:
        """A queue of connections that nobody takes, and that has no more room: Linux then ignores who knocks."""
        listener = socket.create_server((address, self.port), backlog=0)
        self._full.append(listener)
        for _ in range(4):
            knocking = socket.socket()
            knocking.setblocking(False)
            knocking.connect_ex((address, self.port))
            self._full.append(knocking)

    async def _run(self) -> None:
        listening = [
            await asyncio.start_server(self._take, address, self.port)
            for address, sort in self._sorts.items()
            if sort in ("healthy", "slow", "mute")
        ]
        self._started.set()
        await self._ended.wait()
        for one in listening:
            one.close()
        await asyncio.sleep(0.01)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering, ended = (
            asyncio.ensure_future(self._answer(reader, writer)),
            asyncio.ensure_future(self._ended.wait()),
        )
        await asyncio.wait((answering, ended), return_when=asyncio.FIRST_COMPLETED)
        for task in (answering, ended):
            task.cancel()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sort = self._sorts[writer.get_extra_info("sockname")[0]]
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                if sort == "mute":
                    await reader.read()
                    return
                if sort == "slow":
                    await asyncio.sleep(self._chance.uniform(0, self._slowest_s))
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self._state)}\r\n\r\n".encode()
                writer.write(head + self._state)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
