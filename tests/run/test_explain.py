"""What people on call are told by a live run: of an endpoint, and of everything in one file."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from run.test_probe import NORMAL, probe_now, probed
from testing.fakes.harness import FakeProvider
from testing.runs.running import ROOT, Run, wait_until

pytestmark = pytest.mark.router


def poolkeeper(run: Run, *args: str) -> str:
    command = [sys.executable, "-m", "poolkeeper", *args, "--state-dir", str(run.state)]
    env = {"PYTHONPATH": str(ROOT / "operator"), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_slow_endpoint_is_explained_by_its_phases(tmp_path: Path) -> None:
    with FakeProvider("slow", params=NORMAL) as slow, FakeProvider("good", params=NORMAL) as good:
        slow.play({"scenario": "slow15x", "params": NORMAL})
        with Run(tmp_path / "state", "-f", probed(tmp_path, slow, good)) as run:
            probe_now(run)
            assert "it has no effect until another run finds it" in poolkeeper(run, "explain", "chat", "slow")
            probe_now(run)
            wait_until(lambda: "Grey for" in poolkeeper(run, "explain", "chat", "slow"), "a probe status")
            told = poolkeeper(run, "explain", "chat", "slow")

    for want in ("first token", "weight ", "two good runs in a row", "docs/runbooks/SlowFirstToken.md"):
        assert want in told


def test_an_open_breaker_is_explained_by_its_history(tmp_path: Path) -> None:
    with FakeProvider("bad") as bad, FakeProvider("good") as good:
        bad.set("error500")
        with Run(tmp_path / "state", "-f", probed(tmp_path, bad, good)) as run:

            def is_open() -> bool:
                run.ask("hello")
                return "Closed -> Open" in poolkeeper(run, "explain", "chat", "bad")

            wait_until(is_open, "an open breaker")
            wait_until(lambda: "half-open requests" in poolkeeper(run, "explain", "chat", "bad"), "status")


def test_a_report_holds_what_the_router_says(tmp_path: Path) -> None:
    path = tmp_path / "report.tar.gz"
    with FakeProvider("good") as good, Run(tmp_path / "state", "-f", probed(tmp_path, good)) as run:
        run.ask("hello")
        poolkeeper(run, "report", "chat", "-o", str(path))

    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        metrics = archive.extractfile("report/routers/local/metrics.txt")
        assert metrics is not None
        assert b"poolkeeper_requests_total" in metrics.read()
    assert {"status.txt", "explain/good.txt", "router.json", "routers/local/state.json"} <= names
