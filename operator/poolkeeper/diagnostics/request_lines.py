"""The sound lines of request logs as they come: of the runs on this machine, else of the routers' Pods.

A line counts for the pool whose router wrote it, and for no other."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from poolkeeper.api.request_line import RequestLine
from poolkeeper.diagnostics.pool_locator import LOCAL_ROUTER, Target
from poolkeeper.errors import Refused, RetryLater
from poolkeeper.local.log_follow import FollowedFile
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.telemetry.spans import end_ns, line_of

Routed = tuple[str, RequestLine]
"""With the name of its router: the Pod's, or LOCAL_ROUTER."""


@dataclass
class RequestLines:
    """since: requests that ended before are left out. notes: what could not be read at the last look, and why."""

    since: datetime
    notes: list[str] = field(default_factory=list)
    _files: dict[Path, FollowedFile] = field(default_factory=dict)
    _cursors: dict[PoolKey, dict[str, str]] = field(default_factory=dict)

    def of_file(self, path: Path) -> Iterator[Routed]:
        """Of whichever pool."""
        return self.sound(LOCAL_ROUTER, self._files.setdefault(path, FollowedFile(path)).new_lines())

    def of_pools(self, pools: Sequence[Target]) -> Iterator[Routed]:
        self.notes.clear()
        for pool in pools:
            if pool.state:
                yield from self.of_file(pool.state.request_log)
        keys = [PoolKey(one.pool.metadata.namespace, one.pool.metadata.name) for one in pools if not one.state]
        if keys:
            for key, routers in asyncio.run(self._logs(keys)).items():
                for router, lines in routers.items():
                    yield from self.sound(router, lines, f"{key.namespace}/{key.name}")

    def sound(self, router: str, lines: Iterable[str], pool: str | None = None) -> Iterator[Routed]:
        first_ns = round(self.since.timestamp() * 1e9)
        for text in lines:
            line = line_of(text)
            if line and end_ns(line) >= first_ns and pool in (None, line.pool):
                yield router, line

    async def _logs(self, keys: Sequence[PoolKey]) -> Mapping[PoolKey, Mapping[str, Sequence[str]]]:
        from poolkeeper.kube.client import open_api  # a laptop without a cluster does not pay for its client
        from poolkeeper.kube.log_follow import new_lines

        found: dict[PoolKey, Mapping[str, Sequence[str]]] = {}
        async with open_api() as api:
            for key in keys:
                try:
                    found[key] = await new_lines(api, key, self._cursors.setdefault(key, {}), self.since)
                except (Refused, RetryLater) as error:
                    self.notes.append(f"the logs of {key.namespace}/{key.name} cannot be read: {error}")
        return found
