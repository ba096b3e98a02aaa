"""`make try` plays its story to the end, and every answer in it arrives."""

import subprocess

import pytest

from testing.runs.running import ROOT

pytestmark = [pytest.mark.router, pytest.mark.slow]


def test_the_story_holds() -> None:
    shown = subprocess.run([ROOT / "hack/demo/try.sh"], capture_output=True, text=True, timeout=240)

    assert shown.returncode == 0, shown.stdout[-3000:] + shown.stderr[-1000:]
    assert "Every answer arrived" in shown.stdout
    assert "\x1b[" not in shown.stdout, "no colours where there is no terminal"
    assert "sk-try" not in shown.stdout
