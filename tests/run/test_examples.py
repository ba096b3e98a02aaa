"""The example clients get a streamed answer from a pool, with nothing changed but the base URL."""

import subprocess
import sys
from pathlib import Path

import pytest

from run.running import PATIENCE_S, ROOT, Run

pytestmark = pytest.mark.router

CLIENTS = ROOT / "examples/clients"


@pytest.mark.parametrize(
    ("command", "want"),
    [
        ([sys.executable, str(CLIENTS / "stream.py")], "[official, tier 0]"),
        ([str(CLIENTS / "stream.sh")], "data: [DONE]"),
    ],
    ids=["openai", "curl"],
)
def test_an_example_client(manifests: Path, state: Path, command: list[str], want: str) -> None:
    with Run(state, "-f", manifests) as run:
        done = subprocess.run([*command, run.base_url, "Hello"], capture_output=True, text=True, timeout=PATIENCE_S)

    assert done.returncode == 0, done.stderr
    assert want in done.stdout
