"""Is a secret in something that leaves, in whatever form? As it is, and as base64, hex, percent-encoding, JSON escapes,
folded over lines, or compressed.

    assert canary.forms_in(page, "sk-canary") == []
"""

import base64
import contextlib
import json
import re
import zlib
from collections.abc import Iterator
from urllib.parse import quote, unquote_to_bytes

_GZIP = b"\x1f\x8b\x08"
_ESCAPE = re.compile(rb"\\u([0-9a-fA-F]{4})")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_ANY_WRAPPING = 31  # of zlib: raw gzip


def forms_in(data: bytes | str, secret: str) -> list[str]:
    """The names of the forms that are there."""
    text = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    found = [name for name, form in forms(secret) if form in text]
    value = secret.encode()
    for name, undone in _undone(text):
        if value in undone and value not in text:
            found.append(name)
    return found


def forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """The secret as others would write it."""
    value = secret.encode()
    yield "as it is", value
    yield "hex", value.hex().encode()
    yield "percent-encoded", quote(secret, safe="").encode() if quote(secret, safe="") != secret else value
    yield "escaped slashes", secret.replace("/", "\\/").encode()
    for offset in range(3):
        for alphabet, encode in (("", base64.b64encode), (", of URLs", base64.urlsafe_b64encode)):
            yield f"base64 at {offset}{alphabet}", _whole(encode(b"\0" * offset + value), offset, len(value))


def _whole(encoded: bytes, offset: int, length: int) -> bytes:
    """What is of the secret alone: not of what stands before or after it."""
    return encoded[(offset * 8 + 5) // 6 : (offset + length) * 8 // 6]


def _undone(text: bytes) -> Iterator[tuple[str, bytes]]:
    yield "percent-encoded", unquote_to_bytes(text)
    yield "JSON escapes", _ESCAPE.sub(lambda one: json.loads(b'"\\u%b"' % one[1]).encode("utf-8", "replace"), text)
    yield "folded", _FOLD.sub(b"", text)
    at = text.find(_GZIP)
    while at >= 0:
        with contextlib.suppress(zlib.error):  # three bytes that look like it
            yield "gzip", zlib.decompressobj(_ANY_WRAPPING).decompress(text[at:])
        at = text.find(_GZIP, at + 1)
