"""The example clients get a streamed answer from a pool, with nothing changed but the base URL."""

import subprocess
import sys
from pathlib import Path

import pytest

from testing.fakes.harness import FakeProvider
from testing.runs.running import PATIENCE_S, ROOT, Run

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


def test_the_python_example_says_so_when_an_answer_is_from_memory(
    manifests: Path, state: Path, official: FakeProvider, backup: FakeProvider
) -> None:
    with Run(state, "-f", manifests) as run:
        command = [sys.executable, str(CLIENTS / "stream.py"), run.base_url, "Hello"]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
        for fake in (official, backup):
            fake.set("refuse")

        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)

    assert done.returncode == 0, done.stderr
    assert "[nobody: cache; age=" in done.stdout
