"""The API server as kopf sees it: only answers that kopf survives.

One answer that is none (an ERROR in the stream, a page of HTML, 403 for a minute, half a line) ends kopf's watcher, and
that one's end hangs all of kopf. So kopf asks here. A list that fails is asked for again after a pause; a watch that
goes wrong makes kopf list again; which kinds there are is not asked at all (discovery). How each stream is doing is
written down (streams). A list comes in pages, and goes on as one, so that who is missing in it is noticed. What lists
and events say goes to us; kopf gets their versions, so that it knows where to go on. With the objects it would copy and
compare each of them several times.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlencode, urlsplit

import aiohttp

from poolkeeper.errors import PoolkeeperError
from poolkeeper.handlers.watch.answers import (
    LARGEST_EVENT_BYTES,
    LARGEST_PAGE_BYTES,
    LIST_AGAIN,
    Changed,
    Listed,
    Listing,
    NotAnAnswerError,
    Place,
    bookmark,
    event_of,
    page,
)
from poolkeeper.handlers.watch.discovery import discovered
from poolkeeper.handlers.watch.streams import Patience, Stream
from poolkeeper.kube.client import PAGE_OBJECTS, RESOURCES
from poolkeeper.kube.json_fields import natural

LIST_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0
REFUSALS = (401, 403, 404)
CHUNK_BYTES = 1 << 20


class Streams(Protocol):
    """Where each stream's state is kept."""

    def __getitem__(self, place: Place) -> Stream: ...


class JsonAnswer:
    """As much of aiohttp's response as kopf looks at."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self, body: object) -> None:
        self._body = body

    async def json(self) -> object:
        return self._body

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class WatchAnswer(JsonAnswer):
    """The lines of a watch, as its `content`."""

    def __init__(self, lines: AsyncIterator[bytes], close: Callable[[], None]) -> None:
        super().__init__(None)
        self._lines = lines
        self._close = close
        self.content = self

    def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        return self._lines

    def close(self) -> None:
        self._close()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


class WatchSession:
    """What kopf takes for an aiohttp.ClientSession. login: the headers to ask with now. on_list, on_event: called with
    what lists and events say."""

    closed = False

    def __init__(
        self,
        http: aiohttp.ClientSession,
        login: Callable[[], Awaitable[Mapping[str, str]]],
        streams: Streams,
        kinds: Sequence[str],
        on_list: Callable[[Place, Listed], None],
        on_event: Callable[[Changed], None],
        patience: Patience,
    ) -> None:
        self.headers: dict[str, str] = {}
        self._http = http
        self._login = login
        self._streams = streams
        self._kinds = kinds
        self._kind_of = {RESOURCES[kind].plural: kind for kind in kinds}
        self._on_list = on_list
        self._on_event = on_event
        self._patience = patience

    async def close(self) -> None:
        self.closed = True
        await self._http.close()

    async def request(self, method: str, url: str, **_: object) -> JsonAnswer:
        """kopf asks for nothing but lists, watches and discovery; its own time-outs are not needed."""
        parts = urlsplit(url)
        document = discovered(parts.path, self._kinds)
        if document is not None:
            return JsonAnswer(document)
        steps = parts.path.strip("/").split("/")
        place = Place(self._kind_of[steps[-1]], steps[-2] if steps[-3] == "namespaces" else "")
        stream = self._streams[place]
        await self._rest(stream)
        stream.asks(time.monotonic())
        is_watch = "watch=true" in parts.query.split("&")
        return await (self._watch(url, stream) if is_watch else self._list(url, stream))

    async def _rest(self, stream: Stream) -> None:
        rest_s = stream.rest_s(random.uniform(0.5, 1.0))
        if rest_s:
            stream.rests(time.monotonic())
            await asyncio.sleep(rest_s)

    async def _list(self, url: str, stream: Stream) -> JsonAnswer:
        listing = Listing(stream.place)
        try:
            await self._add_page(listing, url, stream)
            while listing.rest:
                stream.asks(time.monotonic())
                await self._add_page(listing, url, stream)
        except (aiohttp.ClientError, TimeoutError, OSError, PoolkeeperError, NotAnAnswerError) as error:
            self._failed(stream, error)
            raise aiohttp.ClientConnectionError(_said(error)) from error  # kopf lists again for it
        found = listing.whole()
        self._on_list(stream.place, found)
        stream.has_listed(time.monotonic())
        return JsonAnswer({"metadata": {"resourceVersion": found.resource_version}, "items": []})

    async def _add_page(self, listing: Listing, url: str, stream: Stream) -> None:
        query = {"limit": str(PAGE_OBJECTS), **({"continue": listing.rest} if listing.rest else {})}
        of_page = f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
        timeout = aiohttp.ClientTimeout(total=LIST_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
        async with self._http.get(of_page, headers=await self._login(), timeout=timeout) as response:
            body = await _body(response, stream)
        listing.add(page(body, stream.place))

    async def _watch(self, url: str, stream: Stream) -> JsonAnswer:
        silent_s = self._patience.watch_s + self._patience.silent_s
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=silent_s)
        try:
            response = await self._http.get(url, headers=await self._login(), timeout=timeout)
        except (aiohttp.ClientError, TimeoutError, OSError, PoolkeeperError) as error:
            self._failed(stream, error)
            raise aiohttp.ClientConnectionError(_said(error)) from error  # kopf goes on where it was
        return WatchAnswer(self._lines(response, stream), response.close)

    async def _lines(self, response: aiohttp.ClientResponse, stream: Stream) -> AsyncIterator[bytes]:
        opened_s, said = time.monotonic(), 0
        try:
            _check_status(response, stream)
            stream.has_opened(opened_s)
            async for line in _split(response):
                changed = event_of(line, stream.place)
                stream.says(time.monotonic())
                said += 1
                if changed:
                    self._on_event(changed)
                yield (bookmark(changed.version) if changed else line) + b"\n"
            if not said and time.monotonic() - opened_s < min(1.0, self._patience.watch_s / 2):
                raise aiohttp.ServerDisconnectedError("a watch that ends as soon as it is open")
        except (NotAnAnswerError, _RefusedError) as error:
            self._failed(stream, error)
            yield LIST_AGAIN
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._failed(stream, error)  # the watch ends, and kopf goes on where it was
        else:
            stream.has_ended(time.monotonic(), self._patience)
        finally:
            response.close()

    def _failed(self, stream: Stream, error: Exception) -> None:
        refused = error if isinstance(error, _RefusedError) else None
        is_refused = refused is not None and refused.status in REFUSALS
        rest_s = refused.rest_s if refused else 0.0
        stream.fails(_said(error), time.monotonic(), self._patience, is_refused, rest_s)


class _RefusedError(PoolkeeperError):
    """rest_s: how long the API server wants us to wait."""

    def __init__(self, status: int, reason: str, rest_s: float) -> None:
        super().__init__(f"the API server answers {status} {reason}".strip())
        self.status = status
        self.rest_s = rest_s


def _check_status(response: aiohttp.ClientResponse, stream: Stream) -> None:
    if response.status != 200:
        rest_s = float(natural(response.headers.get("Retry-After", "")) or 0)
        raise _RefusedError(response.status, (response.reason or "")[:40], rest_s)


async def _body(response: aiohttp.ClientResponse, stream: Stream) -> bytes:
    _check_status(response, stream)
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > LARGEST_PAGE_BYTES:
            raise NotAnAnswerError(f"a page of a list of more than {LARGEST_PAGE_BYTES} bytes")
    return bytes(body)


async def _split(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > LARGEST_EVENT_BYTES:
            raise NotAnAnswerError(f"an event of more than {LARGEST_EVENT_BYTES} bytes")
    if rest.strip():
        raise NotAnAnswerError(f"half an event: {len(rest)} bytes")


def _said(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
