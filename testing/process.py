"""A program as a child process: started with a log, waited for, stopped by its pid."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from testing import plain_http
from testing.fakes.ports import free_port

__all__ = [
    "NotReadyError", "accepts", "answers", "clean_environment", "free_port", "mortal", "pinned", "running", "worker_of",
]  # fmt: skip

STOP_LIMIT_S = 10.0
WORKER_LIMIT_S = 30.0
POLL_S = 0.02
LOG_LINES = 10


class NotReadyError(RuntimeError):
    """A program ended, or took too long to start."""


def mortal(command: Sequence[str]) -> list[str]:
    """The command, killed with the thread that starts it, also when that is killed itself; where `setpriv` is there."""
    return [*(("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()), *command]


@contextmanager
def running(
    command: Sequence[str], env: Mapping[str, str], log: Path, ready: Callable[[], bool], patience_s: float
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline_s = time.monotonic() + patience_s
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline_s:
                last = "\n".join(log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:])
                raise NotReadyError(f"{command[0]} was not ready (exit {process.poll()}), its log {log} ends:\n{last}")
            time.sleep(POLL_S)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    """Is there a 200 at this address?"""
    try:
        return plain_http.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def accepts(port: int) -> bool:
    """Does a process listen there?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """The command, kept to one CPU core where `taskset` is installed."""
    if core is None or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", str(core), *command]


def clean_environment() -> dict[str, str]:
    """Our environment without the variables that would change another Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def worker_of(master: int) -> int:
    """The pid of the only child of a process that leaves the work to it; the child may still be starting."""
    deadline_s = time.monotonic() + WORKER_LIMIT_S
    while not (children := Path(f"/proc/{master}/task/{master}/children").read_text().split()):
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"process {master} has no worker")
        time.sleep(POLL_S)
    return int(children[0])
