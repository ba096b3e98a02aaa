"""One request over real HTTP: read to its end, left early, or given up when it seems to have none."""

import gzip
import json
import time
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

import httpx

from testing import plain_http
from testing.conformance.answer import End, Received, of_stream
from testing.conformance.case import CALLER_KEY, Leave, Manner, Surface
from testing.conformance.speech import SPEECH

PACKED: Mapping[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "": bytes}
PATIENCE_S = 10.0
"""A hang guard, never an expectation."""


def ask(
    base_url: str,
    body: Mapping[str, object],
    leave: Leave | None = None,
    key: str = CALLER_KEY,
    surface: Surface = Surface.CHAT,
    path: str = "",
    extra: Mapping[str, str] = MappingProxyType({}),
    manner: Manner = Manner(),  # noqa: B008  # frozen
) -> Received:
    """path: where the surface is, if not at its usual place; extra: headers that the gateway wants."""
    began_s = time.monotonic()
    speech = SPEECH[surface]
    url = base_url.removesuffix("/v1") + (path or speech.path)
    content, sent = _sent(body, manner)
    headers = {**speech.key(key, manner.key_header), "accept-encoding": "identity", **extra, **sent}
    wait_s = leave.after_ms / 1000 if leave and leave.after_ms else PATIENCE_S
    status, seen, got = 0, dict[str, str](), bytearray()
    try:
        with (
            plain_http.Client(timeout=httpx.Timeout(wait_s, connect=PATIENCE_S)) as client,
            client.stream("POST", url, content=content, headers=headers) as response,
        ):
            status, seen = response.status_code, dict(response.headers)
            end, detail = End.CLEAN, ""
            for piece in response.iter_raw():
                got += piece
                if _leaves(leave, bytes(got), began_s):
                    end = End.LEFT
                    break
                if time.monotonic() - began_s > PATIENCE_S:
                    end = End.HANGS
                    break
    except httpx.TimeoutException as error:
        end, detail = (End.LEFT if leave else End.HANGS), str(error)
    except httpx.TransportError as error:
        end, detail = End.CUT, str(error)
    return Received(status, seen, bytes(got), end, time.monotonic() - began_s, detail)


def _sent(body: Mapping[str, object], manner: Manner) -> tuple[bytes, Mapping[str, str]]:
    """The body as the caller sends it, and the headers that say so."""
    text = manner.before.encode() + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    packed = {"content-encoding": manner.encoding} if manner.encoding else {}
    return PACKED[manner.encoding](text), {"content-type": "application/json", **packed, **manner.headers}


def _leaves(leave: Leave | None, got: bytes, began_s: float) -> bool:
    if leave is None:
        return False
    if leave.after_chunks:
        return of_stream(got).events >= leave.after_chunks
    return (time.monotonic() - began_s) * 1000 > leave.after_ms
