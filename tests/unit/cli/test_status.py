"""`poolkeeper status` finds the runs of this machine by itself, and says so when there is nothing to find."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.cli.main import main
from poolkeeper.local import run_record, state_dir
from poolkeeper.local.run_record import PoolMeta, PoolRecord, RunRecord
from poolkeeper.local.state_dir import StateDir


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """Two live runs, chat and code, under this XDG_STATE_HOME."""
    environ = {"XDG_STATE_HOME": str(tmp_path)}
    chat, code = (state_dir.for_pool(environ, "default", name) for name in ("chat", "code"))
    with state_dir.claim(chat), state_dir.claim(code):
        write(chat, "chat", "1/2")
        write(code, "code", "2/2")
        yield tmp_path


def write(state: StateDir, name: str, summary: str) -> None:
    pool = PoolRecord(
        metadata=PoolMeta(name=name, namespace="default"), status=EndpointPoolStatus(summary=summary, active_tier=0)
    )
    run = RunRecord(pid=os.getpid(), base_url="http://127.0.0.1:1/v1", admin_url="http://127.0.0.1:2", pool=pool)
    run_record.write(state, run)


def status(state_home: Path, *args: str) -> Result:
    return CliRunner().invoke(main, ["status", *args], env={"XDG_STATE_HOME": str(state_home), "KUBECONFIG": "/none"})


@pytest.mark.parametrize(
    ("args", "want"),
    [
        ((), ["chat", "code"]),
        (("chat",), ["chat"]),
        (("default/code",), ["code"]),
        (("-n", "default"), ["chat", "code"]),
        (("-n", "other"), []),
    ],
)
def test_which_pools(runs: Path, args: tuple[str, ...], want: list[str]) -> None:
    result = status(runs, *args, "-o", "json")

    assert [item["metadata"]["name"] for item in json.loads(result.stdout)["items"]] == want


def test_yaml_and_json_say_the_same_as_a_cluster_would(runs: Path) -> None:
    found = yaml.safe_load(status(runs, "chat", "-o", "yaml").stdout)

    assert found == json.loads(status(runs, "chat", "-o", "json").stdout)
    assert found["kind"] == "List"
    assert found["items"][0]["kind"] == "EndpointPool"
    assert found["items"][0]["status"]["summary"] == "1/2"


def test_one_run_by_its_folder(runs: Path) -> None:
    result = status(runs, "--state-dir", str(runs / "poolkeeper/default.code"))

    assert "default/code" in result.stdout
    assert "default/chat" not in result.stdout


@pytest.mark.parametrize(
    ("args", "want"),
    [
        (("nosuch",), "there is no pool 'nosuch'; the pools are: default/chat, default/code"),
        (("--state-dir", "/nosuch"), "no `poolkeeper run` uses /nosuch"),
    ],
)
def test_what_is_not_there_is_said(runs: Path, args: tuple[str, ...], want: str) -> None:
    result = status(runs, *args)

    assert result.exit_code == 1
    assert want in result.stderr


def test_without_a_run_it_asks_the_cluster(tmp_path: Path) -> None:
    result = status(tmp_path)

    assert result.exit_code == 1
    assert (
        "no `poolkeeper run` on this machine, and no cluster to work on: there is no kubeconfig at /none."
        in result.stderr
    )
    assert "Without a cluster: `poolkeeper run -f pool.yaml`." in result.stderr
