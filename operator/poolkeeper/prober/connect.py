"""The way to an endpoint, phase by phase, before anything is asked: its name, a connection, its proxy, its certificate.

Every address is tried, because one dead of four is an endpoint that fails one request in four; how many are is reported
and not judged, because a network without IPv6 is no fault of the endpoint's. Where a name leads is judged as the router
judges it: a pool reaches no loopback, link-local or metadata address, whatever DNS says, neither itself nor through its
proxy.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from poolkeeper.api.addresses import kind_of, may_connect
from poolkeeper.api.probe_document import ProbedEndpointDoc
from poolkeeper.api.reasons import ProbeReason
from poolkeeper.probing.phases import Certificate, Reach

PHASE_LIMIT_S = 5.0
MOST_ADDRESSES = 8
LONGEST_PROXY_HEAD_BYTES = 8192

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Way:
    """address: where a request connects to: its proxy's, if the endpoint has one. It was judged; the name was not."""

    reach: Reach
    address: str = ""


async def find_way(endpoint: ProbedEndpointDoc, tls: ssl.SSLContext | None, allow_loopback: bool) -> Way:
    """tls: for https endpoints, with the authorities they are checked against."""
    finder = _Finder(endpoint, tls, allow_loopback)
    try:
        await finder.walk()
    except _Failed as failed:
        return Way(replace(finder.reach, failed=failed.reason))
    finally:
        finder.close()
    return Way(finder.reach, finder.address)


class _Failed(Exception):
    def __init__(self, reason: ProbeReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class _Finder:
    def __init__(self, endpoint: ProbedEndpointDoc, tls: ssl.SSLContext | None, allow_loopback: bool) -> None:
        self.reach = Reach()
        self.address = ""
        self._endpoint = endpoint
        self._tls = tls
        self._allow_loopback = allow_loopback
        self._stream: Stream | None = None

    async def walk(self) -> None:
        endpoint, proxy = self._endpoint, self._endpoint.egress_proxy
        if proxy and kind_of(endpoint.host) and not self._may_reach(endpoint.host):
            raise _Failed(ProbeReason.AddressRefused)  # a name is the proxy's to resolve; an address is none
        dialled = proxy or endpoint
        addresses = [found for found in await self._resolve(dialled.host, dialled.port) if self._may_reach(found)]
        if not addresses:
            raise _Failed(ProbeReason.AddressRefused)
        self.address = await self._connect(addresses, dialled.port)
        if proxy and endpoint.scheme == "https":
            await self._pass_proxy()
        if self._tls and endpoint.tls:
            await self._encrypt(self._tls, endpoint.tls.server_name)

    def close(self) -> None:
        if self._stream:
            self._stream[1].close()

    async def _resolve(self, host: str, port: int) -> list[str]:
        began_s = _now_s()
        try:
            async with asyncio.timeout(PHASE_LIMIT_S):
                loop = asyncio.get_running_loop()
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError):
            raise _Failed(ProbeReason.DnsFailed) from None
        addresses = list(dict.fromkeys(str(where[4][0]) for where in found))
        self.reach = replace(self.reach, dns_ms=_ms_since(began_s), addresses=len(addresses))
        return addresses[:MOST_ADDRESSES]

    def _may_reach(self, address: str) -> bool:
        return may_connect(address, self._allow_loopback)

    async def _connect(self, addresses: list[str], port: int) -> str:
        began_s = _now_s()
        tried = await asyncio.gather(*(_open(address, port) for address in addresses))
        reached = [(address, stream) for address, stream in zip(addresses, tried, strict=True) if stream]
        for _, (_, writer) in reached[1:]:
            writer.close()
        self.reach = replace(self.reach, unreachable=len(addresses) - len(reached))
        if not reached:
            raise _Failed(ProbeReason.ProxyFailed if self._endpoint.egress_proxy else ProbeReason.ConnectFailed)
        self.reach = replace(self.reach, tcp_ms=_ms_since(began_s))
        address, self._stream = reached[0]
        return address

    async def _pass_proxy(self) -> None:
        began_s = _now_s()
        reader, writer = self._opened()
        host = f"[{self._endpoint.host}]" if ":" in self._endpoint.host else self._endpoint.host
        target = f"{host}:{self._endpoint.port}"
        try:
            async with asyncio.timeout(PHASE_LIMIT_S):
                writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("ascii"))
                await writer.drain()
                head = await reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            raise _Failed(ProbeReason.ProxyFailed) from None
        words = head.split(b" ", 2)
        if len(words) < 2 or not words[1].startswith(b"2"):
            raise _Failed(ProbeReason.ProxyFailed)
        self.reach = replace(self.reach, proxy_ms=_ms_since(began_s))

    async def _encrypt(self, tls: ssl.SSLContext, server_name: str) -> None:
        began_s = _now_s()
        _, writer = self._opened()
        try:
            await writer.start_tls(tls, server_hostname=server_name, ssl_handshake_timeout=PHASE_LIMIT_S)
        except ssl.SSLCertVerificationError:
            raise _Failed(ProbeReason.CertificateInvalid) from None
        except (OSError, TimeoutError):
            raise _Failed(ProbeReason.TlsFailed) from None
        self.reach = replace(
            self.reach, tls_ms=_ms_since(began_s), certificate=_certificate(writer.get_extra_info("peercert"))
        )

    def _opened(self) -> Stream:
        if self._stream is None:
            raise AssertionError("a later phase was asked for before there was a connection")
        return self._stream


async def _open(address: str, port: int) -> Stream | None:
    try:
        async with asyncio.timeout(PHASE_LIMIT_S):
            return await asyncio.open_connection(address, port, limit=LONGEST_PROXY_HEAD_BYTES)
    except (OSError, TimeoutError):
        return None


def _certificate(peer: dict[str, str] | None) -> Certificate | None:
    begins, ends = (peer or {}).get("notBefore"), (peer or {}).get("notAfter")
    return Certificate(_time(begins), _time(ends)) if begins and ends else None


def _time(written: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(written), UTC)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _ms_since(began_s: float) -> float:
    return (_now_s() - began_s) * 1000
