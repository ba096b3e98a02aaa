"""The soak against a model server, played against a scripted one: it passes, and it can fail."""

import asyncio
from pathlib import Path

import pytest

from hack.bench.soak.__main__ import soak
from hack.bench.soak.probe_runs import Target
from testing.fakes.harness import FakeProvider

MODEL = "deepseek-flash"
STEADY = {"first_token_ms": 40.0, "tokens": 12, "token_interval_ms": 2.0}


def played(fake: FakeProvider, folder: Path, first_token_ms: int) -> int:
    target = Target(fake.port, MODEL, max_tokens=12, first_token_ms=first_token_ms)
    return asyncio.run(soak(folder, target, runs=5))


def test_a_good_server_passes_and_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeProvider(params=STEADY) as fake:
        assert played(fake, tmp_path, first_token_ms=5000) == 0
        asked = len(fake.requests())

    shown = capsys.readouterr().out
    assert "| 5 runs, 5 requests of at most 12 tokens |" in shown
    assert "Runs: 5 good. Probe status: 5 Healthy." in shown
    assert "SlowFirstToken after two runs" in shown
    assert asked == 1 + 5 + 2 * 2


def test_a_false_alarm_fails_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeProvider(params=STEADY) as fake:
        assert played(fake, tmp_path, first_token_ms=10) == 1

    assert "Probe status: 4 Grey SlowFirstToken, 1 Healthy." in capsys.readouterr().out
