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


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = StateDir(tmp_path / "file" / "state")

    want = "cannot be written: Not a directory; choose another with --state-dir"
    with pytest.raises(UserError, match=want), state_dir.claim(state):
        pass


def test_a_folder_of_manifests_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pool.yaml").touch()

    want = "holds manifests; choose a folder of its own"
    with pytest.raises(UserError, match=want), state_dir.claim(StateDir(tmp_path)):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["pool.yaml"]


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


@pytest.mark.parametrize("name", ["lock", "router.pid", "router", "status.json"])
def test_no_link_that_somebody_prepared_is_followed(tmp_path: Path, name: str) -> None:
    state, target = StateDir(tmp_path / "state"), tmp_path / "target"
    target.write_text("precious")
    state.root.mkdir(mode=0o700)
    (state.root / name).symlink_to(target)

    with pytest.raises(UserError, match=rf"{name} is a link"), state_dir.claim(state):
        pass

    assert target.read_text() == "precious"


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_could_fill_is_refused(tmp_path: Path, mode: int) -> None:
    state = StateDir(tmp_path / "state")
    state.root.mkdir()
    (state.root / "router.log").write_text("")
    state.root.chmod(mode)

    with pytest.raises(UserError, match=f"others may write to it .mode {mode:o}."), state_dir.claim(state):
        pass


def test_an_empty_folder_is_taken_and_closed(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    state.root.mkdir()
    state.root.chmod(0o777)

    with state_dir.claim(state):
        assert stat.S_IMODE(state.root.stat().st_mode) == 0o700


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = StateDir(tmp_path / "state")
    state.root.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises(UserError, match=f"belongs to user {os.getuid()}, wanted"), state_dir.claim(state):
        pass


def test_credentials_go_with_the_run_and_with_the_next_one(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    state.volumes.mkdir(parents=True)
    (state.volumes / "left-by-a-killed-run").write_text("sk-canary")

    with state_dir.claim(state):
        assert not state.volumes.exists()
        state.volumes.mkdir()
        (state.volumes / "key").write_text("sk-canary")

    assert not state.volumes.exists()
