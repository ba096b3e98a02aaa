"""Endpoints that say back what they were sent, in every form: their key gets neither into the probe's result nor into
its log."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from testing import canary
from testing.fakes.rawprovider import RawProvider
from testing.key_echoes import ECHOES, KEY
from unit.prober.pods import Pod, endpoint

GUARD_S = 120.0


class Echoing(RawProvider):
    def __init__(self, name: str, form: str) -> None:
        super().__init__(lambda number, request: ECHOES[form])
        self.name = name


@pytest.mark.slow
def test_a_key_that_is_said_back_goes_nowhere(tmp_path: Path) -> None:
    message = tmp_path / "message"
    with ExitStack() as running:
        providers = [running.enter_context(Echoing(f"a{number}", form)) for number, form in enumerate(ECHOES)]
        keys = {provider.name: KEY for provider in providers}
        Pod(tmp_path, [endpoint(provider, key=True) for provider in providers], keys=keys).write()
        command = [sys.executable, "-m", "poolkeeper", "probe", "--files", tmp_path, "--message-file", message]
        done = subprocess.run(list(map(str, command)), capture_output=True, timeout=GUARD_S, check=False)
        asked = [b"".join(provider.connections()) for provider in providers]

    assert done.returncode == 0
    assert all(f"Bearer {KEY}".encode() in sent for sent in asked)
    assert message.read_bytes().count(b'"name"') == len(ECHOES)
    assert canary.forms_in(message.read_bytes() + done.stdout + done.stderr, KEY) == []
