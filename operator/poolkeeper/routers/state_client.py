"""Asking a router Pod what it sees: GET /state on its admin port.

The answer is data from inside a Pod, so it is bounded in size and time, no redirect is followed and no proxy used; of
what goes wrong only fixed words go on, never what the other side said.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from datetime import datetime

import httpx
from pydantic import ValidationError

from poolkeeper.api.router_state import RouterState
from poolkeeper.plan.snapshot import LivePod, RouterReport
from poolkeeper.render.metadata import ADMIN_PORT

TIMEOUT_S = 1.0
"""For the whole answer; a router answers from shared memory in a few milliseconds."""
LARGEST_ANSWER_BYTES = 1 << 20
PARALLEL = 32


class RouterStates:
    """timeout_s, port: for tests. told: of each answer "ok" or "failed"; why stands in the report."""

    def __init__(
        self,
        timeout_s: float = TIMEOUT_S,
        port: int = ADMIN_PORT,
        told: Callable[[str], None] = lambda result: None,
    ) -> None:
        self._timeout_s = timeout_s
        self._port = port
        self._told = told
        self._turn = asyncio.Semaphore(PARALLEL)
        self._client = httpx.AsyncClient(
            timeout=timeout_s,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=PARALLEL, max_keepalive_connections=PARALLEL, keepalive_expiry=30),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(
        self, pods: Sequence[LivePod], before: Sequence[RouterReport], now: datetime
    ) -> tuple[RouterReport, ...]:
        """A report for each Pod that could answer; one that does not keeps what it said last, with time and error."""
        known = {report.pod: report for report in before}
        asked = [pod for pod in pods if pod.ip and not pod.terminating]
        return tuple(await asyncio.gather(*(self._report(pod, known.get(pod.name), now) for pod in asked)))

    async def _report(self, pod: LivePod, before: RouterReport | None, now: datetime) -> RouterReport:
        answer = await self._fetch(pod.ip)
        self._told("ok" if isinstance(answer, RouterState) else "failed")
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
        except httpx.HTTPStatusError as error:
            return f"answered {error.response.status_code}"
        except httpx.ConnectError:
            return "cannot connect"
        except httpx.HTTPError:
            return "connection broken"
        except ValidationError:
            return "not a router's state"

    async def _body(self, ip: str) -> bytes:
        host = f"[{ip}]" if ipaddress.ip_address(ip).version == 6 else ip
        body = bytearray()
        async with self._client.stream("GET", f"http://{host}:{self._port}/state") as response:
            if response.status_code != httpx.codes.OK:
                raise httpx.HTTPStatusError("", request=response.request, response=response)
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_ANSWER_BYTES:
                    raise httpx.DecodingError("too large")
        return bytes(body)
