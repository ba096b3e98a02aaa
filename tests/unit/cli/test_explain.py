"""`poolkeeper explain` finds what a live run has left of its endpoint, and says what is missing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from factories import NOW
from poolkeeper.api.probe_result import EndpointProbe, ProbePhases, ProbeResult
from poolkeeper.api.status import EndpointPoolStatus, EndpointStatus
from poolkeeper.cli.main import main
from poolkeeper.local import probe_results, run_record, state_dir
from poolkeeper.local.run_record import PoolMeta, PoolRecord, RunRecord
from poolkeeper.probing.termination_message import encode
from unit.routers.test_state_client import router

REFUSED = EndpointStatus(
    name="official",
    tier=0,
    health="Unhealthy",
    breaker="Closed",
    reason="CredentialsRejected",
    last_transition_time=NOW,
)
PHASES = ProbePhases(dns=3, tcp=12, tls=30, headers=80, status=401)
ROUTER = b"""{"endpoints": [{"name": "official", "health": "Unhealthy", "reason": "CredentialsRejected"}]}"""
DOCUMENT = """{"endpoints": [{"name": "official", "credential": {"file": "official", "source": "Secret s, key k"}}]}"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A live run of default/chat, whose router answers."""
    state = state_dir.for_pool({"XDG_STATE_HOME": str(tmp_path)}, "default", "chat")
    pool = PoolRecord(
        metadata=PoolMeta(name="chat", namespace="default"), status=EndpointPoolStatus(endpoints=(REFUSED,))
    )
    found = EndpointProbe(name="official", why="CredentialsRejected", bad=1, asked=1, phases=PHASES)
    with state_dir.claim(state), router(body=ROUTER) as port:
        (state.volumes / "config").mkdir(parents=True)
        (state.volumes / "config/router.json").write_text(DOCUMENT)
        run = RunRecord(pid=os.getpid(), base_url="-", admin_url=f"http://127.0.0.1:{port}", pool=pool)
        run_record.write(state, run)
        probe_results.leave(state, encode(ProbeResult(pool="chat", began=NOW, ended=NOW, endpoints=(found,))))
        yield tmp_path


def explain(home: Path, *args: str) -> Result:
    return CliRunner().invoke(main, ["explain", *args], env={"XDG_STATE_HOME": str(home), "KUBECONFIG": "/none"})


def test_a_refused_key_of_a_run_on_this_machine(home: Path) -> None:
    result = explain(home, "chat", "official")

    assert result.exit_code == 0, result.output
    for want in (
        "default/chat / official",
        "TLS",
        "status 401",
        "never",
        "state       Unhealthy",
        "refuses the API key: check Secret s, key k",
        "poolkeeper runbook CredentialsRejected",
    ):
        assert want in result.stdout


@pytest.mark.parametrize(
    ("args", "want"),
    [
        (("chat", "officail"), "pool default/chat has no endpoint 'officail'; its endpoints: official"),
        (("chta", "official"), "there is no pool 'chta'"),
    ],
)
def test_what_is_not_there_is_said(home: Path, args: tuple[str, ...], want: str) -> None:
    result = explain(home, *args)

    assert result.exit_code == 1
    assert want in result.stderr


@pytest.mark.parametrize(
    ("args", "want"),
    [
        (("chat",), "wanted an ENDPOINT, or --request ID, or --why MODEL"),
        (("chat", "official", "--why", "m"), "only one of them"),
        (("chat", "official", "--client", "web"), "--client goes with --why MODEL"),
    ],
)
def test_what_goes_together(home: Path, args: tuple[str, ...], want: str) -> None:
    result = explain(home, *args)

    assert result.exit_code == 1
    assert want in result.stderr
