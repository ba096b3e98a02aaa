"""One real request to an endpoint, timed from when it was sent; and, where there is one, a look at its balance.

It goes to the address that was found and judged before (connect.py), under the endpoint's own name: a name that leads
elsewhere a moment later leads nowhere. No redirect is followed, no proxy of the environment used, and what comes back
is read by probing/stream.py and forgotten.
"""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import httpx

from poolkeeper.api.probe_document import ProbedEndpointDoc
from poolkeeper.plan.hashing import canonical_json
from poolkeeper.probing.phases import Exchange
from poolkeeper.probing.samples import TAG_HEADER, Body
from poolkeeper.probing.stream import AnswerReader
from poolkeeper.providers.balance import is_spent, page_path

BALANCE_LIMIT_S = 5.0
LARGEST_PAGE_BYTES = 1 << 16
AFTER_THE_END_S = 1.0
"""How long [DONE] may come after the reason to finish, before nobody waits for it any more."""
BEAT_S = 0.01
_NOWHERE = "http://127.0.0.1:0"
"""Refused at once, before anything is sent."""
_SENT = "http11.send_request_headers.started"


async def warm_up() -> None:
    """httpx reads the rest of itself at its first client and its first connection: a tenth of a second of processor
    time, which would count as time of the measured endpoint."""
    async with httpx.AsyncClient(verify=_trusting_nobody(), trust_env=False) as client:
        with suppress(httpx.HTTPError):
            await client.get(_NOWHERE)


@dataclass(frozen=True)
class Patience:
    """How long a request may take: to its first content, and from there to its end."""

    first_content_s: float
    rest_s: float


class Asker:
    """One endpoint. address: where it is, or its proxy, if it has one. key: sent to it and to nobody else."""

    def __init__(self, endpoint: ProbedEndpointDoc, address: str, tls: ssl.SSLContext | None, key: str | None) -> None:
        self._endpoint = endpoint
        proxy = endpoint.egress_proxy
        self._base = _url(endpoint, endpoint.host if proxy else address)
        self._extensions = {"sni_hostname": endpoint.tls.server_name} if endpoint.tls else {}
        self._client = httpx.AsyncClient(
            verify=tls or _trusting_nobody(),
            proxy=f"http://{_bracketed(address)}:{proxy.port}" if proxy else None,
            trust_env=False,
            follow_redirects=False,
            timeout=None,
            headers=_headers(endpoint, key),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, body: Body, patience: Patience) -> Exchange:
        clock = _Clock()
        watching = asyncio.create_task(clock.watch())
        try:
            exchange = await self._ask(body, patience, clock)
        finally:
            watching.cancel()
        return replace(exchange, stalled_ms=clock.stalled_ms)

    async def _ask(self, body: Body, patience: Patience, clock: "_Clock") -> Exchange:
        reader = AnswerReader(self._endpoint.provider)
        content = canonical_json(body).encode()
        url = f"{self._base}{self._endpoint.path}/chat/completions"
        try:
            async with asyncio.timeout(patience.first_content_s) as limit:
                async with self._client.stream(
                    "POST", url, content=content, extensions={**self._extensions, "trace": clock.trace}
                ) as response:
                    reader.headers(response.status_code, response.headers.get("content-type", ""), clock.ms())
                    await _read(response, reader, clock, limit, patience)
        except TimeoutError:
            return reader.ended(clock.ms(), gave_up=True)
        except httpx.HTTPError:
            return reader.ended(clock.ms(), broken=True)
        return reader.ended(clock.ms())

    async def is_out_of_balance(self) -> bool:
        try:
            async with asyncio.timeout(BALANCE_LIMIT_S):
                return is_spent(await self._page(page_path(self._endpoint.path)))
        except (TimeoutError, httpx.HTTPError):
            return False

    async def _page(self, path: str) -> bytes:
        """b"": there is none, or it is longer than any such page."""
        text = b""
        async with self._client.stream("GET", self._base + path, extensions=self._extensions) as response:
            if response.status_code != httpx.codes.OK:
                return b""
            async for data in response.aiter_raw():
                text += data
                if len(text) > LARGEST_PAGE_BYTES:
                    return b""
        return text


class _Clock:
    """Milliseconds since the request was sent, or, until then, since it was tried; and, while somebody watches, the
    longest that this process did not get to work: what arrives meanwhile seems to arrive at once."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._zero_s = self._loop.time()
        self._due_s = self._zero_s + BEAT_S
        self._stalled_s = 0.0

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            self._stalled_s = max(self._stalled_s, self._loop.time() - self._due_s)
            self._due_s = self._loop.time() + BEAT_S

    @property
    def stalled_ms(self) -> float:
        """With the beat that is overdue: what was read may be dealt with before it."""
        return max(self._stalled_s, self._loop.time() - self._due_s) * 1000

    def ms(self) -> float:
        return (self._loop.time() - self._zero_s) * 1000

    async def trace(self, event: str, info: Mapping[str, object]) -> None:
        if event == _SENT:
            self._zero_s = self._loop.time()


async def _read(
    response: httpx.Response, reader: AnswerReader, clock: _Clock, limit: asyncio.Timeout, patience: Patience
) -> None:
    """Until it is done; the limit is moved as the answer goes on."""
    has_begun = False
    async for data in response.aiter_raw():
        reader.feed(data, clock.ms())
        if reader.is_done:
            return
        if reader.has_begun and not has_begun:
            has_begun = True
            limit.reschedule(asyncio.get_running_loop().time() + patience.rest_s)
        if reader.has_finished:
            limit.reschedule(asyncio.get_running_loop().time() + AFTER_THE_END_S)


def _trusting_nobody() -> ssl.SSLContext:
    """For plain http: reading the system's authorities would take its time from whatever is timed meanwhile."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _headers(endpoint: ProbedEndpointDoc, key: str | None) -> dict[str, str]:
    default_port = {"http": 80, "https": 443}[endpoint.scheme]
    host = _bracketed(endpoint.host)
    return {
        "host": host if endpoint.port == default_port else f"{host}:{endpoint.port}",
        "content-type": "application/json",
        "accept": "text/event-stream, application/json",
        "accept-encoding": "identity",
        "user-agent": "poolkeeper-probe",
        TAG_HEADER: "1",
        **({"authorization": f"Bearer {key}"} if key else {}),
    }


def _url(endpoint: ProbedEndpointDoc, host: str) -> str:
    return f"{endpoint.scheme}://{_bracketed(host)}:{endpoint.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
