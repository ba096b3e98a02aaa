"""A recorded trace as load: each request at its time, with its lengths in proportion, open loop.

Open loop: a request is sent when it is due, whatever became of those before it, because that is what users do.
"""

import asyncio
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Due:
    at_s: float
    prompt_tokens: int
    answer_tokens: int


@dataclass(frozen=True)
class Ended:
    """One request as its client saw it. problem: "" when the answer came whole."""

    at_s: float
    problem: str
    endpoint: str
    attempts: int


def read_trace(file: Path, within_s: float, length_divisor: int) -> list[Due]:
    """The whole trace squeezed into this time; every length divided by the same number, and at least 1."""
    with file.open() as lines:
        rows = [{name: int(value) for name, value in row.items()} for row in csv.DictReader(lines)]
    squeeze = within_s * 1000 / rows[-1]["offset_ms"]
    return [
        Due(
            at_s=row["offset_ms"] * squeeze / 1000,
            prompt_tokens=max(1, row["prompt_tokens"] // length_divisor),
            answer_tokens=max(1, row["answer_tokens"] // length_divisor),
        )
        for row in rows
    ]


async def replay(base_url: str, trace: Sequence[Due]) -> list[Ended]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    async with httpx.AsyncClient(timeout=PATIENCE_S, limits=limits, trust_env=False) as client:
        began_s = asyncio.get_running_loop().time()
        tasks: list[asyncio.Task[Ended]] = []
        for due in trace:
            await asyncio.sleep(began_s + due.at_s - asyncio.get_running_loop().time())
            tasks.append(asyncio.create_task(_request(client, base_url, due)))
        return await asyncio.gather(*tasks)


async def _request(client: httpx.AsyncClient, base_url: str, due: Due) -> Ended:
    body = {
        "model": "deepseek-flash",
        "stream": True,
        "max_tokens": due.answer_tokens,
        "messages": [{"role": "user", "content": "word " * due.prompt_tokens}],
    }
    endpoint, attempts = "", 0
    try:
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            endpoint = response.headers.get("x-poolkeeper-endpoint", "")
            attempts = int(response.headers.get("x-poolkeeper-attempts", "0"))
            if response.status_code != 200:
                return Ended(
                    due.at_s, f"{response.status_code}: {(await response.aread())[:200]!r}", endpoint, attempts
                )
            events = [line.removeprefix("data: ") async for line in response.aiter_lines() if line.startswith("data: ")]
    except httpx.HTTPError as error:
        return Ended(due.at_s, repr(error), endpoint, attempts)
    return Ended(due.at_s, _problem(events, due.answer_tokens), endpoint, attempts)


def _problem(events: Sequence[str], want_tokens: int) -> str:
    if not events or events[-1] != "[DONE]":
        return f"ended without [DONE] after {len(events)} events"
    choices = [choice for event in events[:-1] for choice in json.loads(event)["choices"]]
    tokens = sum(bool(choice["delta"].get("content")) for choice in choices)
    if not any(choice["finish_reason"] for choice in choices):
        return "ended without a finish_reason"
    return "" if tokens == want_tokens else f"{tokens} tokens, wanted {want_tokens}"
