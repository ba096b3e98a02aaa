"""One page of an admin port, byte for byte: bounded while it comes in, and not decoded.

A thousand bytes of gzip can become a gigabyte, so an answer that is encoded is none.
"""

import httpx

from poolkeeper.errors import PoolkeeperError


class Unreadable(PoolkeeperError):
    """What was answered cannot be used; the message says so in our own words."""


async def raw_page(connection: httpx.AsyncBaseTransport, url: str, largest_bytes: int, timeout_s: float) -> bytes:
    """timeout_s: for each step; the caller bounds the whole."""
    request = httpx.Request(
        "GET",
        url,
        headers={"Accept-Encoding": "identity"},
        extensions={"timeout": httpx.Timeout(timeout_s).as_dict()},
    )
    response = await connection.handle_async_request(request)
    try:
        return await _read(response, largest_bytes)
    finally:
        await response.aclose()


async def _read(response: httpx.Response, largest_bytes: int) -> bytes:
    if response.status_code != httpx.codes.OK:
        raise Unreadable(f"answered {response.status_code}")
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Unreadable("the answer is encoded, though it was asked for as it is")
    body = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        body += chunk
        if len(body) > largest_bytes:
            raise Unreadable(f"the answer is larger than {largest_bytes} bytes")
    return bytes(body)
