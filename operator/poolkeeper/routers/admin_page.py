"""A page of a router's admin port on this machine, as it is: bounded in size and time, without proxy or redirect."""

import ssl

import httpx

from poolkeeper.errors import RetryLater

TIMEOUT_S = 5.0
LARGEST_PAGE_BYTES = 8 << 20
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The pages are plain HTTP. Without this httpx reads the system's certificates for each of them, which takes 20 ms."""


async def fetch(url: str, timeout_s: float = TIMEOUT_S) -> str:
    body = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=timeout_s, trust_env=False, verify=TRUSTS_NOBODY) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise RetryLater(f"{url} answered {response.status_code}")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_PAGE_BYTES:
                    raise RetryLater(f"{url} says more than {LARGEST_PAGE_BYTES} bytes")
    except httpx.HTTPError as error:
        raise RetryLater(f"{url} cannot be read: {type(error).__name__}") from error
    return body.decode("utf-8", "replace")
