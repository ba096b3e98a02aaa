"""The folder where one `poolkeeper run` keeps its things: the router's volumes, its log, and what `status` shows.

One run per folder: the process that holds the lock serves from it. The lock is the kernel's (flock), so a killed run
leaves none behind, and asking for it answers "is this run alive?" without trusting a pid.
"""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from poolkeeper.errors import UserError


@dataclass(frozen=True)
class StateDir:
    root: Path

    def is_default(self, environ: Mapping[str, str]) -> bool:
        """`poolkeeper status` finds it by itself."""
        return self.root.parent == home(environ)

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def status(self) -> Path:
        return self.root / "status.json"

    @property
    def changes(self) -> Path:
        """What changed lately, as a cluster has it in Events; it outlives the run, as those do."""
        return self.root / "changes.json"

    @property
    def orders(self) -> Path:
        """Manual overrides of the run; they outlive it."""
        return self.root / "orders.json"

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @property
    def probe(self) -> Path:
        """The probe's volumes."""
        return self.root / "probe"

    @property
    def probe_results(self) -> Path:
        """What the last finished runs of the probe found, a file each."""
        return self.root / "probe-results"

    @property
    def probe_memory(self) -> Path:
        """What is remembered of all runs of the probe; it stays when the run ends, as money that was spent does."""
        return self.root / "probed.json"

    @property
    def router(self) -> Path:
        """The router's own working folder: generated configuration, temporary files."""
        return self.root / "router"

    @property
    def pid_file(self) -> Path:
        """Of the router; a killed run leaves it behind, with the router."""
        return self.root / "router.pid"

    @property
    def router_log(self) -> Path:
        return self.root / "router.log"

    @property
    def request_log(self) -> Path:
        return self.root / "requests.log"


def home(environ: Mapping[str, str]) -> Path:
    """Where the folders of all runs of this user lie."""
    state = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".local/state")
    return Path(state) / "poolkeeper"


def for_pool(environ: Mapping[str, str], namespace: str, name: str) -> StateDir:
    return StateDir(home(environ) / f"{namespace}.{name}")


def active(environ: Mapping[str, str]) -> tuple[StateDir, ...]:
    """The folders under home() that a live run holds."""
    folders = sorted(lock.parent for lock in home(environ).glob("*/lock"))
    return tuple(StateDir(folder) for folder in folders if is_held(StateDir(folder)))


@contextmanager
def claim(state: StateDir) -> Iterator[None]:
    """Hold the folder for this process; what a killed run left of its volumes is removed, before and after."""
    with _lock_of(state) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UserError(
                f"another `poolkeeper run` (process {lock.read().strip() or 'unknown'}) uses {state.root}; "
                "stop that one, or choose another folder with --state-dir"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        _remove_secrets(state)
        try:
            yield
        finally:
            _remove_secrets(state)
            state.status.unlink(missing_ok=True)


def _lock_of(state: StateDir) -> TextIO:
    try:
        if state.root.is_dir() and not state.lock.exists() and any(state.root.glob("*.y*ml")):
            raise UserError(f"{state.root} holds manifests; choose a folder of its own with --state-dir")
        state.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        _refuse_what_others_prepared(state.root)
        state.root.chmod(0o700)
        return _open_lock(state, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        why = f"the state folder {state.root} cannot be written: {error.strerror}"
        raise UserError(f"{why}; choose another with --state-dir") from error


def is_held(state: StateDir) -> bool:
    try:
        with _open_lock(state, os.O_RDONLY) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _open_lock(state: StateDir, flags: int) -> TextIO:
    """Never by a link: its target would be written to."""
    try:
        handle = os.open(state.lock, flags | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UserError(f"{state.lock} is a link; wanted a file of the run. Remove it") from error
        raise
    return os.fdopen(handle, "r+" if flags & os.O_RDWR else "r")


def _refuse_what_others_prepared(root: Path) -> None:
    """A folder of somebody else, or one that others could write to, may hold links to files that a run would overwrite,
    and may be read by its owner: the API keys of the run lie in it."""
    seen, user = root.stat(), os.geteuid()
    if seen.st_uid != user:
        raise UserError(f"{root} belongs to user {seen.st_uid}, wanted {user}; choose your own folder with --state-dir")
    inside = list(os.scandir(root))
    if inside and seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UserError(
            f"{root} is not empty, and others may write to it (mode {stat.S_IMODE(seen.st_mode):o}); "
            "wanted 700. Remove the folder, or choose another with --state-dir"
        )
    for entry in inside:
        if entry.is_symlink() or entry.stat(follow_symlinks=False).st_uid != user:
            raise UserError(
                f"{entry.path} is a link, or belongs to somebody else; wanted a file of an earlier run. Remove it"
            )


def write_atomic(path: Path, content: bytes) -> None:
    """Readers see the old file or the new one, never half of it; only the owner may read either."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    new.replace(path)


def _remove_secrets(state: StateDir) -> None:
    for folder in (state.volumes, state.probe):
        if folder.exists():
            shutil.rmtree(folder)
