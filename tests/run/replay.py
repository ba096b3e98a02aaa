"""A recorded trace as load: each request at its time, with its own lengths, open loop.

Open loop: a request is sent when it is due, whatever became of those before it, because that is what users do.
"""

import asyncio
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import httpx

from testing import plain_http

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


def read_trace(file: Path, within_s: float) -> list[Due]:
    """The whole trace squeezed into this time; lengths are kept."""
    with file.open() as lines:
        rows = [{name: int(value) for name, value in row.items()} for row in csv.DictReader(lines)]
    squeeze = within_s * 1000 / rows[-1]["offset_ms"]
    return [
        Due(
            at_s=row["offset_ms"] * squeeze / 1000,
            prompt_tokens=row["prompt_tokens"],
            answer_tokens=row["answer_tokens"],
        )
        for row in rows
    ]


async def replay(base_url: str, trace: Sequence[Due], tokens_a_chunk: int) -> list[Ended]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    async with plain_http.AsyncClient(timeout=PATIENCE_S, limits=limits) as client:
        began_s = asyncio.get_running_loop().time()
        tasks: list[asyncio.Task[Ended]] = []
        for due in trace:
            await asyncio.sleep(began_s + due.at_s - asyncio.get_running_loop().time())
            tasks.append(asyncio.create_task(_request(client, base_url, due, tokens_a_chunk)))
        return await asyncio.gather(*tasks)


async def _request(client: httpx.AsyncClient, base_url: str, due: Due, tokens_a_chunk: int) -> Ended:
    body = {
        "model": "deepseek-flash",
        "stream": True,
        "stream_options": {"include_usage": True},
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
    return Ended(due.at_s, _problem(events, due, tokens_a_chunk), endpoint, attempts)


def _problem(events: Sequence[str], due: Due, tokens_a_chunk: int) -> str:
    if not events or events[-1] != "[DONE]":
        return f"ended without [DONE] after {len(events)} events"
    chunks = [json.loads(event) for event in events[:-1]]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    pieces = sum(bool(choice["delta"].get("content")) for choice in choices)
    asked, said = next((_tokens(chunk["usage"]) for chunk in chunks if chunk.get("usage")), (0, 0))
    if not any(choice["finish_reason"] for choice in choices):
        return "ended without a finish_reason"
    if asked < due.prompt_tokens or (pieces, said) != (ceil(due.answer_tokens / tokens_a_chunk), due.answer_tokens):
        return f"asked {asked} tokens, got {said} in {pieces} pieces; wanted {due}"
    return ""


def _tokens(usage: Mapping[str, int]) -> tuple[int, int]:
    return usage["prompt_tokens"], usage["completion_tokens"]
