"""Asking a router Pod what it sees: GET /state on its admin port.

The answer is data from inside a Pod: bounded in size and time before anything reads it. No encoding is taken, no
redirect followed and no proxy used. Of what goes wrong only our own words go on, never what the other side said.

Each question has a connection of its own. A shared pool of them loses a slot for ever when a question is given up in
the wrong moment (httpcore 1.0.9, while a busy loop lets a time-out and an answer meet), until nobody can be asked.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime

import httpx
from pydantic import ValidationError

from poolkeeper.api.router_state import RouterState, wrong_with
from poolkeeper.plan.snapshot import LivePod, RouterReport
from poolkeeper.render.metadata import ADMIN_PORT
from poolkeeper.routers.raw_page import Unreadable, raw_page

TIMEOUT_S = 1.0
"""For the whole answer; a router answers from shared memory in a few milliseconds."""
LARGEST_ANSWER_BYTES = 1 << 20
PARALLEL = 16
"""On a machine that gives us little time, answers wait for us while the clock runs: with four times as many at once,
all came too late, and no router was believed to answer."""
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Made once: else each connection makes one, though the admin port has no TLS."""


class RouterStates:
    """timeout_s, port, parallel: for tests. reported: called for each answer with "ok" or "failed"; the report has the
    error."""

    def __init__(
        self,
        timeout_s: float = TIMEOUT_S,
        port: int = ADMIN_PORT,
        reported: Callable[[str], None] = lambda result: None,
        parallel: int = PARALLEL,
    ) -> None:
        self._timeout_s = timeout_s
        self._port = port
        self._reported = reported
        self._turn = asyncio.Semaphore(parallel)

    async def ask(
        self, pods: Sequence[LivePod], before: Sequence[RouterReport], now: datetime
    ) -> tuple[RouterReport, ...]:
        """A report for each Pod that could answer; one that does not keeps what it said last, with time and error."""
        known = {report.pod: report for report in before}
        asked = [pod for pod in pods if pod.ip and not pod.terminating]
        return tuple(await asyncio.gather(*(self._report(pod, known.get(pod.name), now) for pod in asked)))

    async def _report(self, pod: LivePod, before: RouterReport | None, now: datetime) -> RouterReport:
        answer = await self._fetch(pod.ip)
        self._reported("ok" if isinstance(answer, RouterState) else "failed")
        if isinstance(answer, RouterState):
            return RouterReport(pod.name, answer, now)
        return RouterReport(pod.name, before.state if before else None, before.seen_at if before else None, answer)

    async def _fetch(self, ip: str) -> RouterState | str:
        """The state, or in a few fixed words why there is none."""
        try:
            async with self._turn, asyncio.timeout(self._timeout_s):
                return RouterState.model_validate_json(await self._body(ip))
        except (TimeoutError, httpx.TimeoutException):
            return "no answer in time"
        except httpx.ConnectError:
            return "cannot connect"
        except httpx.HTTPError:
            return "connection broken"
        except Unreadable as error:
            return str(error)
        except ValidationError as error:
            return wrong_with(error)

    async def _body(self, ip: str) -> bytes:
        host = f"[{ip}]" if ipaddress.ip_address(ip).version == 6 else ip
        async with httpx.AsyncHTTPTransport(verify=_NO_TLS, trust_env=False) as connection:
            url = f"http://{host}:{self._port}/state"
            return await raw_page(connection, url, LARGEST_ANSWER_BYTES, self._timeout_s)
