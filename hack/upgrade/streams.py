"""A hundred callers that stream without a pause, and what each answer was. They run in a thread of their own.

They do what OpenAI's library does: a request whose kept connection closes before any byte of an answer is sent again,
once here. How often is counted apart: a router that ends says first that its connections close, so it should be never.
"""

import asyncio
import json
import threading
from collections import Counter
from dataclasses import dataclass, field

import httpx

BODY = {"model": "deepseek-flash", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
LIMIT_S = 120.0
"""A hang guard of one answer, many times as long as the answer takes."""
WHOLE = ""


@dataclass
class Streams:
    base_url: str
    callers: int
    phase: str = "before"
    """An answer counts in the phase in which it ends."""
    ended: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    failed: dict[str, list[str]] = field(default_factory=dict)
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """The last answers end first."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(timeout=LIMIT_S + 10)

    def failures(self) -> list[str]:
        return [f"{phase}: {why}" for phase, found in self.failed.items() for why in found]

    async def _all(self) -> None:
        limits = httpx.Limits(max_connections=self.callers, max_keepalive_connections=self.callers)
        async with httpx.AsyncClient(base_url=self.base_url, limits=limits, timeout=LIMIT_S, trust_env=False) as client:
            await asyncio.gather(*(self._caller(client, at) for at in range(self.callers)))

    async def _caller(self, client: httpx.AsyncClient, at: int) -> None:
        await asyncio.sleep(at * 0.05)  # not all at once, as no callers do
        while not self._end.is_set():
            wrong = await self.answer(client)
            self.ended[self.phase] += 1
            if wrong:
                self.failed.setdefault(self.phase, []).append(wrong)
                await asyncio.sleep(0.5)

    async def answer(self, client: httpx.AsyncClient) -> str:
        try:
            return await one_answer(client)
        except ClosedUnusedError:
            self.again[self.phase] += 1
        try:
            return await one_answer(client)
        except ClosedUnusedError as error:
            return f"closed twice before an answer: {error}"


class ClosedUnusedError(Exception):
    """The connection ended before the first byte of an answer."""


async def one_answer(client: httpx.AsyncClient) -> str:
    """What is wrong with it, if anything."""
    try:
        answer = await client.send(client.build_request("POST", "/chat/completions", json=BODY), stream=True)
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
        raise ClosedUnusedError(f"{type(error).__name__}: {error}") from error
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"
    try:
        if answer.status_code != 200:
            return f"status {answer.status_code}: {(await answer.aread()).decode()[:200]}"
        lines = [line.removeprefix("data:").strip() async for line in answer.aiter_lines() if line.startswith("data:")]
    except httpx.HTTPError as error:
        return f"cut: {type(error).__name__}: {error}"
    finally:
        await answer.aclose()
    return judged(lines)


def judged(lines: list[str]) -> str:
    """Of the data of a stream's events."""
    if not lines or lines[-1] != "[DONE]":
        return "the stream ended without [DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    if any("error" in event for event in events):
        return f"an error event: {next(event['error'] for event in events if 'error' in event)}"
    choices = [choice for event in events for choice in event.get("choices") or []]
    if not any((choice.get("delta") or {}).get("content") for choice in choices):
        return "a stream without content"
    return WHOLE if any(choice.get("finish_reason") for choice in choices) else "a stream without finish_reason"
