"""`make try` plays its story to the end, and every answer in it arrives."""

import subprocess

import pytest

from testing.runs.running import ROOT

pytestmark = [pytest.mark.router, pytest.mark.slow]


def test_the_story_holds() -> None:
    told = subprocess.run([ROOT / "hack/demo/try.sh"], capture_output=True, text=True, timeout=240)

    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-1000:]
    assert "Every answer arrived" in told.stdout
    assert "\x1b[" not in told.stdout, "no colours where there is no terminal"
    assert "sk-try" not in told.stdout
