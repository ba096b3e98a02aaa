"""Control by hand of a real `poolkeeper run`: the command in one shell, its effect in the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.fakes.harness import FakeProvider
from testing.runs.pools import Given, pool, write
from testing.runs.running import Run, wait_until


@pytest.fixture
def two() -> Iterator[tuple[FakeProvider, FakeProvider]]:
    with FakeProvider("official", any_model=True) as official, FakeProvider("own", any_model=True) as own:
        yield official, own


def serves(run: Run, name: str) -> bool:
    return run.ask().headers["x-poolkeeper-endpoint"] == name


def test_failover_drain_and_back(tmp_path: Path, two: tuple[FakeProvider, FakeProvider]) -> None:
    official, own = two
    file = write(tmp_path / "pool.yaml", pool([Given(official), Given(own, tier=1)]))
    with Run(tmp_path / "state", "-f", file) as run:
        assert serves(run, "official")

        run.command("failover", "chat", "--to", "1")
        wait_until(lambda: serves(run, "own"), "tier 1 serves")
        wait_until(lambda: "holds tier 1" in run.output, "the message about the hold")

        run.command("failback", "chat")
        wait_until(lambda: serves(run, "official"), "tier 0 serves again")

        run.command("drain", "chat", "official")
        wait_until(lambda: serves(run, "own"), "official is drained")
        run.stop()

    with Run(tmp_path / "state", "-f", file) as run:
        assert "still active from an earlier run: poolkeeper.dev/failed-back-at" in run.output
        assert serves(run, "own"), "a drained endpoint stays so over a restart"
        run.command("undrain", "chat", "official")
        wait_until(lambda: serves(run, "official"), "official serves again")
