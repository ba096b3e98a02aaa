"""The probe's schedule under `poolkeeper run`."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.local import probe_results, probe_schedule
from poolkeeper.local.state_dir import StateDir
from poolkeeper.prober.files import Files

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_a_run_that_fails_by_a_fault_of_ours_is_reported_and_the_next_one_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = ProbeResult(pool="default/chat", began=NOW, ended=NOW)
    outcomes: list[ProbeResult | None] = [None, good]
    shown: list[str] = []

    async def probe_once(files: Files) -> ProbeResult:
        outcome = outcomes.pop(0)
        if outcome is None:
            raise RuntimeError("nested too deeply")
        return outcome

    monkeypatch.setattr(probe_schedule, "LOOK_EVERY_S", 0)
    monkeypatch.setattr(probe_schedule, "_due", lambda files, since: NOW if outcomes else None)
    monkeypatch.setattr(probe_schedule, "probe_once", probe_once)
    state = StateDir(tmp_path)

    async def until_left() -> None:
        running = asyncio.create_task(probe_schedule.probe_on_schedule(state, lambda: NOW, shown.append))
        async with asyncio.timeout(20):
            while not probe_results.results(state):
                assert not running.done()
                await asyncio.sleep(0)
        running.cancel()

    asyncio.run(until_left())

    assert len(shown) == 1
    assert "nested too deeply" in shown[0]
