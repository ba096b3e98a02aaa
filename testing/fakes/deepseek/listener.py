"""The listening sockets. The main one goes away while the plan says `refuse`, and comes back on the same port.

A second socket is bound to the port and never listens: it keeps anybody else from getting the port in the meantime,
and the kernel refuses connections to it. The control socket, if there is one, always listens.
"""

import asyncio
import itertools
import socket
import ssl
from collections.abc import Callable

from testing.fakes.deepseek.connection import Connection, sni_names
from testing.fakes.deepseek.provider import Provider

BACKLOG = 4096


class Listener:
    def __init__(self, provider: Provider, tls: ssl.SSLContext | None = None) -> None:
        self._provider = provider
        self._tls = tls
        self._numbers = itertools.count(1)
        self._connections: set[Connection] = set()
        self._control_connections: set[Connection] = set()
        self._address = ("127.0.0.1", 0)
        self._holder: socket.socket | None = None
        self._door: _Door | None = None
        self._control: _Door | None = None
        self._timer: asyncio.TimerHandle | None = None
        if tls is not None:
            tls.sni_callback = _remember_sni

    def start(self, host: str, port: int, control: tuple[str, int] | None = None) -> None:
        self._holder = _bound(host, port)
        self._address = (host, self._holder.getsockname()[1])
        if control is not None:
            self._control = _Door(_bound(*control), self._factory(self._control_connections, control_only=True))
        self._provider.on_plan = self._follow_plan
        self._follow_plan()

    @property
    def port(self) -> int:
        return self._address[1]

    @property
    def control_port(self) -> int | None:
        return None if self._control is None else self._control.port

    def stop(self) -> None:
        self._provider.on_plan = lambda: None
        self._set_timer(None)
        self._shut()
        if self._control is not None:
            self._control.shut()
        for connection in [*self._connections, *self._control_connections]:
            connection.close()
        if self._holder is not None:
            self._holder.close()

    def _follow_plan(self) -> None:
        """Opens or shuts before it returns: who changed the plan may rely on the next connect's fate."""
        leg = self._provider.current()
        if leg.scenario != "refuse":
            self._open()
        elif self._door is not None:
            self._shut()
            self._hang_up(drop=leg.params.drop)
        age_ms = self._provider.plan_age_ms()
        change_ms = self._provider.plan.next_change_ms(age_ms)
        self._set_timer(None if change_ms is None else change_ms - age_ms)

    def _set_timer(self, delay_ms: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if delay_ms is not None:
            self._timer = asyncio.get_running_loop().call_later(delay_ms / 1000, self._follow_plan)

    def _open(self) -> None:
        if self._door is None:
            self._door = _Door(_bound(*self._address), self._factory(self._connections, control_only=False), self._tls)

    def _shut(self) -> None:
        if self._door is not None:
            self._door.shut()
            self._door = None

    def _hang_up(self, *, drop: bool) -> None:
        """As if the process had died: idle connections end, and with `drop` the busy ones too."""
        for connection in list(self._connections):
            if connection.idle:
                connection.close()
            elif drop and connection.busy:
                connection.reset()

    def _factory(self, members: set[Connection], *, control_only: bool) -> Callable[[], Connection]:
        return lambda: Connection(self._provider, next(self._numbers), members, control_only=control_only)


class _Door:
    """A socket that listens until it is shut, both at once: asyncio's own server needs turns of the loop for that."""

    def __init__(
        self, sock: socket.socket, factory: Callable[[], Connection], tls: ssl.SSLContext | None = None
    ) -> None:
        self._socket = sock
        self._factory = factory
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        sock.setblocking(False)
        sock.listen(BACKLOG)
        self._loop.add_reader(sock, self._accept)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def shut(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        for _ in range(BACKLOG):
            try:
                client, _ = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            client.setblocking(False)
            task = self._loop.create_task(self._welcome(client))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _welcome(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._factory, client, ssl=self._tls)
        except OSError:  # ssl.SSLError too: the client did not like the certificate, or left
            client.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle off only for sockets that name their protocol; with it on, chunks wait for delayed ACKs.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((host, port))
    return sock


def _remember_sni(ssl_object: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
    if name is not None:
        sni_names[ssl_object] = name
