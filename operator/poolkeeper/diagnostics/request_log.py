"""A request in the request logs of a pool's routers: of the run on this machine, else of the routers' Pods."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poolkeeper.api.request_line import AttemptLine, RequestLine
from poolkeeper.diagnostics.pool_locator import LOCAL_ROUTER, Target
from poolkeeper.errors import UserError
from poolkeeper.local.state_dir import StateDir
from poolkeeper.plan.snapshot import PoolKey

LABEL_WIDTH = 12
GOOD = frozenset({"ok", "degraded", "cache", "default"})


@dataclass(frozen=True)
class Found:
    """router: the Pod's name; of a run: LOCAL_ROUTER."""

    router: str
    line: RequestLine


def find(target: Target, request: str) -> Sequence[Found]:
    """Every request with this id: a caller may use one twice. None found is an error that says where was looked."""
    logs = _of_a_run(target.state) if target.state else asyncio.run(_of_the_cluster(_key(target)))
    found = [Found(router, line) for router, text in logs.items() for line in lines_of(text.splitlines(), request)]
    if not found:
        raise UserError(
            f"no request {request!r} in the request logs of {target.name} ({', '.join(logs) or 'no router'}); "
            "wanted the x-request-id of an answer. Logs are rotated, and spec.router.requestLog may leave requests out"
        )
    return sorted(found, key=lambda one: one.line.time)


def lines_of(lines: Iterable[str], request: str) -> Iterator[RequestLine]:
    """A log also has lines of other kinds, and one that was cut when it was rotated."""
    wanted = f'"request":{json.dumps(request)}'
    for line in lines:
        if wanted in line:
            try:
                yield RequestLine.model_validate_json(line[line.index("{") :])
            except ValidationError:
                continue


def _key(target: Target) -> PoolKey:
    return PoolKey(target.pool.metadata.namespace, target.pool.metadata.name)


def _of_a_run(state: StateDir) -> Mapping[str, str]:
    files: tuple[Path, ...] = (state.request_log.with_name(f"{state.request_log.name}.1"), state.request_log)
    return {LOCAL_ROUTER: "".join(file.read_text("utf-8", "replace") for file in files if file.is_file())}


async def _of_the_cluster(key: PoolKey) -> Mapping[str, str]:
    from poolkeeper.kube.client import open_api  # a laptop without a cluster does not pay for its client
    from poolkeeper.kube.pool_details import logs

    async with open_api() as api:
        return await logs(api, key)


def page(found: Sequence[Found]) -> RenderableType:
    return Group(*(part for one in found for part in _request(one)))


def _request(found: Found) -> Iterator[RenderableType]:
    line = found.line
    how = "stream" if line.stream else "whole answer"
    yield Text(f"request {line.request} of {line.pool}", "bold")
    yield _line("time", f"{line.time}, {_ms(line.duration_ms)}, by router {found.router}")
    yield _line("asked", f"{line.api}, model {line.model or 'unknown'}, {how}, client {line.client or 'anybody'}")
    yield _line("got", f"{line.outcome}, status {line.status}", "green" if line.outcome in GOOD else "red")
    notes = (
        f"first content after {_ms(line.first_token_ms)}" if line.first_token_ms is not None else "",
        f"waited {_ms(line.queued_ms)} in the queue" if line.queued_ms else "",
        f"fallback: {line.fallback}" if line.fallback else "",
        f"changed for the provider: {line.repaired}" if line.repaired else "",
        f"{line.trimmed_turns} turns left out" if line.trimmed_turns else "",
        f"continued: {line.continued}" if line.continued else "",
    )
    if any(notes):
        yield _line("also", "; ".join(note for note in notes if note))
    yield _line("trace", f"{line.trace}, span {line.span}" + (f", parent {line.parent}" if line.parent else ""), "dim")
    if not line.attempts:
        yield _line("attempts", "none: no endpoint was asked")
        return
    table = Table(
        "ATTEMPT", "ENDPOINT", "STARTED", "TOOK", "FIRST TOKEN", "STATUS", "ENDED", "TOKENS", "COST", box=None
    )
    for number, attempt in enumerate(line.attempts, 1):
        table.add_row(*_attempt(number, attempt))
    yield table


def _attempt(number: int, one: AttemptLine) -> Iterator[str]:
    yield str(number)
    yield f"{one.endpoint} (tier {one.tier})"
    yield f"+{_ms(one.start_ms)}"
    yield _ms(one.duration_ms)
    yield "" if one.first_token_ms is None else _ms(one.first_token_ms)
    yield str(one.status or "no answer")
    yield (one.class_ or "whole") + (f", by {one.answered_by}" if one.answered_by else "")
    about = "about " if one.estimated else ""
    yield f"{about}{one.tokens.input} in, {one.tokens.output} out" if one.tokens else ""
    yield f"{about}{one.cost:.6f} {one.currency}" if one.cost is not None else ""


def _line(label: str, message: str, style: str = "") -> Text:
    return Text.assemble((f"  {label:<{LABEL_WIDTH}}", "dim"), (message, style))


def _ms(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.1f} s"
