"""A search in the request logs of a pool's routers: by id, client, endpoint, outcome. The newest first, and bounded: it
reads the youngest lines of each log, finds so many requests, and says how far back it has looked.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from poolkeeper.api.request_line import RequestLine
from poolkeeper.diagnostics.pool_locator import LOCAL_ROUTER, Target
from poolkeeper.diagnostics.request_log import Found
from poolkeeper.local.state_dir import StateDir
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.telemetry.spans import line_of

MOST_FOUND = 100
MOST_LINES = 20_000
"""Of each router, the youngest."""
MOST_BYTES = 8 << 20
NOT_OK = "not-ok"
"""In place of an outcome: callers got no whole answer of the model that they asked for."""


@dataclass(frozen=True)
class Query:
    """Empty: any. endpoint: one that was asked, whether or not it answered."""

    request: str = ""
    client: str = ""
    endpoint: str = ""
    outcome: str = ""

    def may_be(self, line: str) -> bool:
        """Reading a line costs more than looking for a word in it."""
        outcome = "" if self.outcome == NOT_OK else self.outcome
        wanted = (("request", self.request), ("client", self.client), ("endpoint", self.endpoint), ("outcome", outcome))
        return '"request":' in line and all(f'"{name}":{json.dumps(value)}' in line for name, value in wanted if value)

    def fits(self, line: RequestLine) -> bool:
        return (
            self.request in ("", line.request)
            and self.client in ("", line.client)
            and (not self.endpoint or any(one.endpoint == self.endpoint for one in line.attempts))
            and (line.outcome != "ok" if self.outcome == NOT_OK else self.outcome in ("", line.outcome))
        )


@dataclass(frozen=True)
class Searched:
    """found: the newest first. routers, lines: whose logs, and how many lines of theirs. oldest: the time of the oldest
    request that was looked at; "": there was none. is_cut: there are more than these."""

    found: Sequence[Found] = ()
    routers: int = 0
    lines: int = 0
    oldest: str = ""
    is_cut: bool = False


def search(target: Target, query: Query) -> Searched:
    logs = lines_of_a_run(target.state) if target.state else asyncio.run(_of_the_cluster(target))
    return searched(target.name, logs, query)


def searched(pool: str, logs: Mapping[str, Sequence[str]], query: Query) -> Searched:
    """logs: by router, the oldest line first."""
    found = [
        hit
        for router, lines in logs.items()
        for hit in islice(_hits(pool, router, reversed(lines), query), MOST_FOUND + 1)
    ]
    newest = sorted(found, key=lambda one: one.line.time, reverse=True)
    firsts = (next((line.time for text in lines if (line := line_of(text))), "") for lines in logs.values())
    return Searched(
        found=newest[:MOST_FOUND],
        routers=len(logs),
        lines=sum(map(len, logs.values())),
        oldest=min(filter(None, firsts), default=""),
        is_cut=len(newest) > MOST_FOUND,
    )


def _hits(pool: str, router: str, lines: Iterable[str], query: Query) -> Iterator[Found]:
    """A line counts for the pool whose router wrote it, and for no other."""
    for text in lines:
        if query.may_be(text) and (line := line_of(text)) and line.pool == pool and query.fits(line):
            yield Found(router, line)


def lines_of_a_run(state: StateDir) -> Mapping[str, Sequence[str]]:
    files = (state.request_log.with_name(f"{state.request_log.name}.1"), state.request_log)
    lines = [line for file in files for line in youngest_lines(file)]
    return {LOCAL_ROUTER: lines[-MOST_LINES:]}


def youngest_lines(file: Path, most_bytes: int = MOST_BYTES) -> Sequence[str]:
    """Without the line that the bound cuts."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(max(0, size - most_bytes))
            lines = opened.read(most_bytes).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[1:] if size > most_bytes else lines


async def _of_the_cluster(target: Target) -> Mapping[str, Sequence[str]]:
    from poolkeeper.kube.client import open_api  # a laptop without a cluster does not pay for its client
    from poolkeeper.kube.pool_details import logs

    meta = target.pool.metadata
    async with open_api() as api:
        found = await logs(api, PoolKey(meta.namespace, meta.name), MOST_LINES)
    return {router: text.splitlines() for router, text in found.items()}
