"""The real prober against the real llama.cpp server: never a false alarm.

Few runs here; 500 with POOLKEEPER_SOAK_RUNS=500, or by `make probe-soak`, which also installs the server.
"""

import asyncio
import os
from pathlib import Path

import pytest

from hack.bench.soak.__main__ import soak
from hack.bench.soak.model_server import MODEL, is_built, model_server
from hack.bench.soak.probe_runs import Target

RUNS = os.environ.get("POOLKEEPER_SOAK_RUNS", "")
FEW = 20
MAX_TOKENS = 4
"""Too few for a speed: a machine that runs all tests is slow, and so is then what runs on it."""
SLOW_FROM_MS = 30_000


@pytest.mark.slow
@pytest.mark.paced
@pytest.mark.timeout(3600 if RUNS else 300)
@pytest.mark.skipif(
    not RUNS and not is_built(), reason="no model server on this machine: `make probe-soak` installs it"
)
def test_a_real_model_server_is_healthy_all_the_time(tmp_path: Path) -> None:
    with model_server(tmp_path) as port:
        target = Target(port, MODEL, max_tokens=MAX_TOKENS, first_token_ms=SLOW_FROM_MS)
        assert asyncio.run(soak(tmp_path / "probe", target, int(RUNS or FEW))) == 0
