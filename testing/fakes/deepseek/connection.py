"""One client connection: reads requests, plays the steps of their answers, notices when the client leaves.

A protocol rather than streams: the loop reports a closed peer at once, in any phase, with no second task that reads. A
client that shuts down only its sending side counts as gone, as it does for most servers.
"""

import asyncio
import socket
import ssl
import struct
from weakref import WeakKeyDictionary

from testing.fakes.deepseek import control, http1
from testing.fakes.deepseek.log import Caller, Entry, Outcome
from testing.fakes.deepseek.provider import Provider
from testing.fakes.deepseek.steps import Close, Hang, Queue, Reset, Send, Step, Steps, Wait

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LINGER_RESET = struct.pack("ii", 1, 0)
sni_names: WeakKeyDictionary[ssl.SSLObject, str] = WeakKeyDictionary()


class Connection(asyncio.Protocol):
    def __init__(
        self, provider: Provider, number: int, members: "set[Connection]", *, control_only: bool = False
    ) -> None:
        self._provider = provider
        self._caller = Caller(number, "", None)
        self._members = members
        self._control_only = control_only
        self._reader = http1.RequestReader()
        self._request: http1.Request | None = None
        self._entry: Entry | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport
        self._writable = asyncio.Event()
        self._writable.set()
        self._lost = False

    # --- what the loop reports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer, ssl_object = transport.get_extra_info("peername"), transport.get_extra_info("ssl_object")
        client = f"{peer[0]}:{peer[1]}" if peer else "gone"
        self._caller = Caller(self._caller.connection, client, sni_names.get(ssl_object) if ssl_object else None)
        # "paused" then means: bytes that the kernel has not taken yet. (high=0 pauses an empty TLS transport for good.)
        transport.set_write_buffer_limits(high=1, low=0)
        self._members.add(self)
        if not self._control_only and self._provider.current().scenario == "close_on_accept":
            transport.close()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        if self._task is None:
            self._next()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._members.discard(self)
        if self._entry is not None:
            self._end(self._entry, Outcome.CLIENT_CLOSED)
        if self._task is not None:
            self._task.cancel()

    # --- what others may ask

    @property
    def idle(self) -> bool:
        return self._entry is None and self._request is None

    @property
    def busy(self) -> bool:
        """It owes an answer; the control API's own is none."""
        return self._entry is not None

    def close(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        if self._entry is not None:
            self._end(self._entry, Outcome.RESET)
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        self._transport.abort()

    # --- requests

    def _next(self) -> None:
        """Starts on the next request as soon as all of it is there."""
        try:
            if self._request is None and not self._read_head():
                return
            request = self._request
            if request is None or not self._reader.body_done(request):
                return
        except http1.ProtocolError as error:
            self._refuse_protocol(str(error))
            return
        if self._entry is None:
            self._transport.write(control.respond(self._provider, request))
            self._request = None
            self._after(request)
            return
        self._request = None
        steps = self._provider.respond(request, self._entry)
        self._task = asyncio.get_running_loop().create_task(self._play(steps, request, self._entry))

    def _read_head(self) -> bool:
        request = self._reader.head()
        if request is None:
            return False
        self._request = request
        if not self._control_only and not request.path.startswith(control.PREFIX):
            self._entry = self._provider.log.begin(self._caller, request)
        if request.headers.get("expect", "").lower() == "100-continue":
            self._transport.write(CONTINUE)
        return True

    def _refuse_protocol(self, message: str) -> None:
        body = f"{message}\n".encode()
        headers = (("content-length", str(len(body))), ("connection", "close"))
        if self._entry is not None:
            self._entry.scenario, self._entry.status = "protocol_error", 400
            self._end(self._entry, Outcome.CLOSED)
        self._transport.write(http1.response_head(400, headers) + body)
        self._transport.close()

    def _after(self, request: http1.Request) -> None:
        """The response is out: the next request, or the end of the connection."""
        self._task = None
        self._entry = None
        if not request.keep_alive:
            self._transport.close()
        elif not self._transport.is_closing():
            self._next()

    def _end(self, entry: Entry, outcome: Outcome) -> None:
        self._entry = None
        self._provider.end(entry, outcome)

    # --- answers

    async def _play(self, steps: Steps, request: http1.Request, entry: Entry) -> None:
        waiting: list[bytes] = []
        try:
            for step in steps:
                if type(step) is Send:
                    waiting.append(step.data)
                    entry.chunks += step.chunks
                    entry.status = step.status or entry.status
                    continue
                self._write(waiting)
                if await self._perform(step, entry):
                    return
            self._write(waiting)
            if not self._writable.is_set():
                await self._writable.wait()
            self._end(entry, Outcome.FINISHED)
            self._after(request)
        finally:
            if self._entry is entry and not self._lost:  # a bug in a scenario: let the client see it at once
                self.reset()

    def _write(self, waiting: list[bytes]) -> None:
        if waiting:
            self._transport.write(b"".join(waiting))
            waiting.clear()

    async def _perform(self, step: Step, entry: Entry) -> bool:
        """Plays a step that is not Send; True when it was the last."""
        if not self._writable.is_set():
            await self._writable.wait()
        match step:
            case Wait(seconds):
                await asyncio.sleep(seconds)
                return False
            case Queue():
                await self._queue(step, entry)
                return False
            case Hang():
                await asyncio.get_running_loop().create_future()
            case Close(finished):
                self._end(entry, Outcome.FINISHED if finished else Outcome.CLOSED)
                self._transport.close()
            case Reset():
                self.reset()
            case Send():
                raise AssertionError("Send is written by the caller")
        return True

    async def _queue(self, step: Queue, entry: Entry) -> None:
        turn = self._provider.admission.wait(entry.seq)
        while not turn.done():
            self._transport.write(step.beat)
            await asyncio.wait((turn,), timeout=step.interval_s)
