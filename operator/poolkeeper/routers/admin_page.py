"""A page of a router's admin port on this machine, as it is: bounded in size and time, without proxy or redirect."""

import asyncio
import ssl

import httpx

from poolkeeper.errors import RetryLater
from poolkeeper.routers.raw_page import Unreadable, raw_page

TIMEOUT_S = 5.0
LARGEST_PAGE_BYTES = 8 << 20
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def fetch(url: str, timeout_s: float = TIMEOUT_S) -> str:
    try:
        async with (
            asyncio.timeout(timeout_s),
            httpx.AsyncHTTPTransport(verify=_NO_TLS, trust_env=False) as connection,
        ):
            body = await raw_page(connection, url, LARGEST_PAGE_BYTES, timeout_s)
    except (httpx.HTTPError, TimeoutError, Unreadable) as error:
        why = str(error) if isinstance(error, Unreadable) else type(error).__name__
        raise RetryLater(f"{url} cannot be read: {why}") from error
    return body.decode("utf-8", "replace")
