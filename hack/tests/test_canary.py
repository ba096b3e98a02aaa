"""The finder finds the secret in each form, between other words, and nothing where there is none."""

import base64
import gzip
import json
from urllib.parse import quote

import pytest

from testing import canary

SECRET = "sk-canary/7f3a+Kx=9"


@pytest.mark.parametrize(
    "data",
    [
        f"Bearer {SECRET}.",
        SECRET.encode().hex(),
        quote(f"key={SECRET}&x", safe=""),
        quote(SECRET, safe="").replace("%2F", "%2f"),
        json.dumps({"key": SECRET}).replace("/", "\\/"),
        "".join(f"\\u{ord(one):04x}" for one in SECRET),
        *(base64.b64encode(f"{'x' * offset}{SECRET} and more".encode()) for offset in range(4)),
        base64.urlsafe_b64encode(f"Bearer {SECRET}".encode()),
        f"x-echo: {SECRET[:5]}\r\n {SECRET[5:]}\r\n",
        b"HTTP/1.1 400\r\n\r\n" + gzip.compress(SECRET.encode(), mtime=0),
    ],
)
def test_it_is_found(data: bytes | str) -> None:
    assert canary.forms_in(data, SECRET)


@pytest.mark.parametrize("data", ["", SECRET[:-1], "sk-", base64.b64encode(b"sk-canary"), b"\x1f\x8b\x08 no gzip"])
def test_nothing_is_found_where_it_is_not(data: bytes | str) -> None:
    assert canary.forms_in(data, SECRET) == []
