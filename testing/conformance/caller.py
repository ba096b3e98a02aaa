"""One request over real HTTP: read to its end, left early, or given up when it seems to have none."""

import time
from collections.abc import Mapping
from types import MappingProxyType

import httpx

from testing import plain_http
from testing.conformance.answer import End, Received, of_stream
from testing.conformance.case import CALLER_KEY, Leave, Surface
from testing.conformance.speech import SPEECH

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
) -> Received:
    """path: where the surface is, if not at its usual place; extra: headers that the gateway wants."""
    began_s = time.monotonic()
    speech = SPEECH[surface]
    url = base_url.removesuffix("/v1") + (path or speech.path)
    headers = {**speech.key(key), "accept-encoding": "identity", **extra}
    wait_s = leave.after_ms / 1000 if leave and leave.after_ms else PATIENCE_S
    status, seen, got = 0, dict[str, str](), bytearray()
    try:
        with (
            plain_http.Client(timeout=httpx.Timeout(wait_s, connect=PATIENCE_S)) as client,
            client.stream("POST", url, json=dict(body), headers=headers) as response,
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


def _leaves(leave: Leave | None, got: bytes, began_s: float) -> bool:
    if leave is None:
        return False
    if leave.after_chunks:
        return of_stream(got).events >= leave.after_chunks
    return (time.monotonic() - began_s) * 1000 > leave.after_ms
