"""The CronJob of `poolkeeper run`: the same probe on the same schedule, in this process.

It reads its mounted document once a second, so that a changed schedule applies at once. Without spec.probe, or while it
is suspended, there is no document.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from poolkeeper.errors import UserError
from poolkeeper.local import probe_results
from poolkeeper.local.state_dir import StateDir
from poolkeeper.prober.files import Files
from poolkeeper.prober.run import probe_once
from poolkeeper.prober.summary import lines
from poolkeeper.probing.schedule import nth_firing
from poolkeeper.probing.termination_message import encode

LOOK_EVERY_S = 1.0


async def probe_on_schedule(state: StateDir, now: Callable[[], datetime], report: Callable[[str], None]) -> None:
    """Runs until cancelled. report: called with the result of every run that found something."""
    files, since = Files(state.probe), now()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        due = _due(files, since)
        if due is None or now() < due:
            continue
        since = now()
        try:
            result = await probe_once(files)
        except Exception as error:  # noqa: BLE001  # a fault of ours: the next run may go well, and what serves goes on
            report(f"the run failed with an internal error: {error!r}; please report it")
            continue
        probe_results.leave(state, encode(result))
        if result.over_budget or any(endpoint.why for endpoint in result.endpoints):
            report("\n".join(lines(result)))


def _due(files: Files, since: datetime) -> datetime | None:
    try:
        return nth_firing(files.document().schedule, since, 1)
    except UserError:
        return None  # nothing to probe, or half written: the next look shows which
