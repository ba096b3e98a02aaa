"""One run a folder, and nothing in it for others to read."""

import os
import stat
from pathlib import Path

import pytest

from poolkeeper.errors import UserError
from poolkeeper.local import state_dir
from poolkeeper.local.state_dir import StateDir


@pytest.mark.parametrize(
    ("environ", "want"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/a"}, "/state/poolkeeper/default.chat"),
        ({"HOME": "/home/a"}, "/home/a/.local/state/poolkeeper/default.chat"),
    ],
)
def test_each_pool_has_its_own_folder(environ: dict[str, str], want: str) -> None:
    assert str(state_dir.for_pool(environ, "default", "chat").root) == want


def test_a_second_run_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")

    with (
        state_dir.claim(state),
        pytest.raises(UserError, match=rf"another `poolkeeper run` \(process {os.getpid()}\)"),
        state_dir.claim(state),
    ):
        pass


def test_a_folder_is_free_again_after_its_run(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    with state_dir.claim(state):
        assert state_dir.is_held(state)

    assert not state_dir.is_held(state)


def test_only_live_runs_are_found(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path)}
    ended, live = (state_dir.for_pool(environ, "default", name) for name in ("ended", "live"))
    with state_dir.claim(ended):
        pass

    with state_dir.claim(live):
        assert state_dir.active(environ) == (live,)


def test_only_the_owner_may_look_inside(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    with state_dir.claim(state):
        state_dir.write_atomic(state.status, b"{}")

        assert stat.S_IMODE(state.root.stat().st_mode) == 0o700
        assert stat.S_IMODE(state.status.stat().st_mode) == 0o600


def test_credentials_go_with_the_run_and_with_the_next_one(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    state.volumes.mkdir(parents=True)
    (state.volumes / "left-by-a-killed-run").write_text("sk-canary")

    with state_dir.claim(state):
        assert not state.volumes.exists()
        state.volumes.mkdir()
        (state.volumes / "key").write_text("sk-canary")

    assert not state.volumes.exists()
