"""Bodies that come compressed: read within bounds, or refused with what is read here."""

import gzip
import json
import zlib
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from router.harness import Router, endpoint, request
from testing.fakes.answerer import Answerer, good

BODY = json.dumps(request()).encode()
LONG = json.dumps(request(user="x" * 3_000_000)).encode()
BLANKS = b" " * (17 << 20)
HELLO_BR = b64decode("G08AAARkbqmyZ2gmUnU2bTqcwcIAJxywL0k4wIBiPhw8hnkez4pTruTEXBsXcMjGZ7/ZfYEKwIVLT8gxa7KAY97g7FI1Qo0C")
HELLO_ZSTD = b64decode(
    "KLUv/SBQTQIAgoQPFpBZBxKwi6GyScYur2Du+jndLNXdIARPeNbMG029KSWMxeyLPJXZBXi8L4bdJ2OxsmWAxBz/rh8Zj/NIk10CADajAgvUHg=="
)
BLANKS_BR = b64decode("y///PwAkQOKxQHLv//j//weABEAcFoDu/V/9/z8ACYA4LADd+wc=")
EMPTY_ZSTD = b64decode("KLUv/SAAAQAA")
"""A frame without content."""


@pytest.fixture
def provider() -> Iterator[Answerer]:
    with Answerer(lambda _: good()) as fake:
        yield fake


def zstd_blanks(blocks: int) -> bytes:
    """128 KiB of blanks a block, in four bytes."""
    size, repeated = 128 * 1024, 1 << 1
    block = ((size << 3) | repeated).to_bytes(3, "little") + b" "
    last = ((size << 3) | repeated | 1).to_bytes(3, "little") + b" "
    return b"\x28\xb5\x2f\xfd\x00\x38" + block * (blocks - 1) + last


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body)[2:-4]


def gzipped(body: bytes) -> bytes:
    """Without the time: the length is in the tests' names, and must be the same in every process that collects them."""
    return gzip.compress(body, mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "want"),
    [
        (gzipped(BODY), "gzip", 200),
        (gzipped(LONG), "GZIP", 200),
        (gzipped(BODY[:9]) + gzipped(BODY[9:]), "gzip", 200),
        (zlib.compress(BODY), "deflate", 200),
        (raw_deflate(BODY), "deflate", 200),
        (BODY, "identity", 200),
        (gzipped(BODY), "identity, gzip", 200),
        (gzipped(zlib.compress(BODY)), "deflate, gzip", 200),
        (HELLO_ZSTD, "zstd", 200),
        (EMPTY_ZSTD * 9 + HELLO_ZSTD, "zstd", 200),
        (HELLO_BR, "br", 200),
        (gzipped(HELLO_ZSTD), "zstd, gzip", 200),
        (gzipped(BODY)[:-12], "gzip", 400),
        (HELLO_ZSTD[:-3], "zstd", 400),
        (HELLO_BR[:-3], "br", 400),
        (HELLO_BR + b"x", "br", 400),
        (b"{}", "gzip", 400),
        (b"{}", "zstd", 400),
        (b"{}", "br", 400),
        (gzipped(BLANKS), "gzip", 413),
        (gzipped(gzipped(BLANKS)), "gzip, gzip", 413),
        (BLANKS_BR, "br", 413),
        (zstd_blanks(136), "zstd", 413),
        (b"x", "compress", 415),
        (b"x", "utf-8", 415),
        (b"x", "gzip, aes128gcm", 415),
        (b"x", "gzip, gzip, gzip, gzip", 415),
    ],
    ids=lambda value: value if isinstance(value, str) else str(len(value)) if isinstance(value, bytes) else str(value),
)  # fmt: skip
def test_a_compressed_body(router: Router, provider: Answerer, body: bytes, encoding: str, want: int) -> None:
    router.serve(endpoint("a", port=provider.port))
    headers = {"content-type": "application/json", "content-encoding": encoding}

    answered = router.client.post("/v1/chat/completions", content=body, headers=headers)

    assert answered.status_code == want, answered.text
    if want == 415:
        assert answered.headers["accept-encoding"] == "gzip, deflate, zstd, br"
        assert answered.json()["error"]["code"] == "unsupported_encoding"
    for asked in provider.asked:
        assert "content-encoding" not in asked.headers
        assert asked.json()["messages"]


def test_what_a_bomb_grows_to_counts_in_the_memory_for_bodies(router: Router, provider: Answerer) -> None:
    """Each of 16 is 15 MiB, in 500 bytes; they are slow enough to be there at once."""
    router.serve(endpoint("a", port=provider.port))
    bomb = gzip.compress(b"{" + b" " * (15 << 20), compresslevel=9, mtime=0)
    headers = {"content-type": "application/json", "content-encoding": "gzip"}

    def send(_: int) -> tuple[int, str]:
        answered = router.client.post("/v1/chat/completions", content=bomb, headers=headers)
        return answered.status_code, answered.json()["error"]["code"]

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(send, range(48)))

    assert answers <= {(400, "invalid_json"), (503, "body_memory_full")}
    assert (router.ask()).status_code == 200


def test_a_byte_order_mark_before_a_body_is_none_of_it(router: Router, provider: Answerer) -> None:
    router.serve(endpoint("a", port=provider.port))

    answered = router.client.post("/v1/chat/completions", content=b"\xef\xbb\xbf" + BODY)

    assert answered.status_code == 200
    assert provider.asked[-1].json()["messages"]
