"""`poolkeeper dashboard` before there is a page: what it will not start with, and when a browser is opened."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from poolkeeper.cli.dashboard import has_browser
from poolkeeper.cli.main import main
from poolkeeper.diagnostics import pool_locator
from poolkeeper.errors import UserError
from poolkeeper.local import run_record, state_dir
from poolkeeper.local.run_record import PoolMeta, PoolRecord, RunRecord
from poolkeeper.local.state_dir import StateDir


def dashboard(home: Path, *args: str) -> Result:
    env = {"XDG_STATE_HOME": str(home), "KUBECONFIG": "/none"}
    return CliRunner().invoke(main, ["dashboard", "--listen", "127.0.0.1:0", *args], env=env)


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[StateDir]:
    """A live run of default/chat under this XDG_STATE_HOME."""
    state = state_dir.for_pool({"XDG_STATE_HOME": str(tmp_path)}, "default", "chat")
    with state_dir.claim(state):
        pool = PoolRecord(metadata=PoolMeta(name="chat", namespace="default"))
        run_record.write(state, RunRecord(pid=os.getpid(), base_url="-", admin_url="http://127.0.0.1:2", pool=pool))
        yield state


@pytest.mark.parametrize(
    ("args", "want"),
    [
        (("chta",), "there is no pool 'chta'; the pools are: default/chat"),
        (("--state-dir", "/nosuch"), "no `poolkeeper run` uses /nosuch"),
        (("--listen", "here"), "--listen: seen 'here'; wanted HOST:PORT"),
    ],
)
def test_what_it_will_not_start_with(chat: StateDir, tmp_path: Path, args: tuple[str, ...], want: str) -> None:
    result = dashboard(tmp_path, *args)

    assert result.exit_code == 1
    assert want in result.stderr


def test_neither_a_run_nor_a_cluster(tmp_path: Path) -> None:
    result = dashboard(tmp_path)

    assert result.exit_code == 1
    assert "no `poolkeeper run` on this machine" in result.stderr


def test_an_address_that_is_taken(chat: StateDir, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = dashboard(tmp_path, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")

    assert result.exit_code == 1
    assert "choose another address" in result.stderr


def test_what_it_shows_is_chosen_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page about the run on this machine does not turn into one about some cluster when that run ends."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with state_dir.claim(state_dir.for_pool({"XDG_STATE_HOME": str(tmp_path)}, "default", "chat")):
        source, pools = pool_locator.source(None, None)
        assert (source, pools()) == ("poolkeeper run on this machine", [])

    with pytest.raises(UserError, match="the `poolkeeper run` on this machine has ended"):
        pools()


@pytest.mark.parametrize(
    ("environ", "platform", "want"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
    ],
)
def test_a_browser_is_one_with_a_window(environ: dict[str, str], platform: str, want: bool) -> None:
    assert has_browser(environ, platform) is want


def test_help_teaches() -> None:
    shown = CliRunner().invoke(main, ["dashboard", "--help"]).stdout

    for want in ("Examples:", "poolkeeper dashboard chat", "127.0.0.1:9280", "--no-browser", "ssh -L"):
        assert want in shown
