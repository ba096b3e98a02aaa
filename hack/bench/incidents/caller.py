"""Clients, open loop: each request at its time, whatever became of those before it, read as an application reads it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import httpx

from hack.bench.incidents.traffic import Due

PATIENCE_S = 20.0
MODEL = "m"


@dataclass(frozen=True)
class Ended:
    """One request as its client saw it. first_s, total_s: from sending it; first_s None: no content came. problem: ""
    when the answer came whole, word for word; is_broken: it began and did not end as it should; is_accepted: its status
    was 200."""

    due: Due
    first_s: float | None
    total_s: float
    problem: str
    is_broken: bool = False
    is_accepted: bool = True


async def call_all(
    base_url: str, key: str, due: Sequence[Due], headers: Mapping[str, str] = MappingProxyType({})
) -> Sequence[Ended]:
    """key: the providers' own, for who asks one directly; gateways put theirs in its place. headers: what the gateway
    wants on each request beside."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=128)
    sent = {"Authorization": f"Bearer {key}", **headers}
    async with httpx.AsyncClient(timeout=PATIENCE_S, limits=limits, headers=sent, trust_env=False) as client:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        tasks: list[asyncio.Task[Ended]] = []
        for one in due:
            await asyncio.sleep(began_s + one.at_s - loop.time())
            tasks.append(asyncio.create_task(_call(client, base_url, one)))
        return await asyncio.gather(*tasks)


async def _call(client: httpx.AsyncClient, base_url: str, due: Due) -> Ended:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    body = {
        "model": MODEL,
        "stream": True,
        "max_tokens": due.answer_tokens,
        "messages": [{"role": "user", "content": f"{due.number}: " + "word " * due.prompt_tokens}],
    }
    seen, is_accepted = _Seen(), False
    try:
        async with (
            asyncio.timeout(PATIENCE_S),
            client.stream("POST", f"{base_url}/chat/completions", json=body) as answer,
        ):
            if answer.status_code != 200:
                await answer.aread()
                return Ended(due, None, loop.time() - began_s, f"status {answer.status_code}", is_accepted=False)
            is_accepted = True
            async for line in answer.aiter_lines():
                seen.read(line, loop.time() - began_s)
    except TimeoutError:
        return Ended(due, seen.first_s, loop.time() - began_s, "no end in time", seen.first_s is not None, is_accepted)
    except (httpx.HTTPError, ValueError) as error:
        is_broken = seen.first_s is not None
        return Ended(due, seen.first_s, loop.time() - began_s, type(error).__name__, is_broken, is_accepted)
    problem = seen.problem(due.answer_tokens)
    return Ended(due, seen.first_s, loop.time() - began_s, problem, bool(problem) and seen.first_s is not None)


class _Seen:
    """What came of a stream so far."""

    def __init__(self) -> None:
        self.first_s: float | None = None
        self._words = 0
        self._is_finished = self._is_done = False
        self._error = ""

    def read(self, line: str, at_s: float) -> None:
        if not line.startswith("data:"):
            return
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            self._is_done = True
            return
        event = json.loads(data)
        if event.get("error"):
            self._error = "an error event"
        for choice in event.get("choices") or []:
            text = (choice.get("delta") or {}).get("content")
            if text:
                self.first_s = at_s if self.first_s is None else self.first_s
                self._words += len(text)
            self._is_finished = self._is_finished or bool(choice.get("finish_reason"))

    def problem(self, want_tokens: int) -> str:
        if self._error:
            return self._error
        if not self._is_done or not self._is_finished:
            return "ended before its end"
        return "" if self._words else f"nothing said, wanted {want_tokens} tokens"
