"""`poolkeeper dashboard` of a run, in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from testing.runs.running import PATIENCE_S, ROOT, Run


@contextmanager
def dashboard(run: Run, *args: str) -> Iterator[str]:
    """The page's address, once it is served. It must end without a word when it is asked to."""
    where = ["--listen", "127.0.0.1:0", "--state-dir", str(run.state)]
    process = subprocess.Popen(
        [sys.executable, "-m", "poolkeeper", "dashboard", *where, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT / "operator"), "PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0].rstrip("/")
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, "Traceback" in errors) == (0, False), errors
