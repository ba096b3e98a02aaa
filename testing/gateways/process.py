"""A gateway as a process of ours: started with a log, waited for, ended by its pid."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from testing import plain_http
from testing.fakes.ports import free_port

__all__ = ["accepts", "answers", "free_port", "running"]

STOP_LIMIT_S = 10.0
POLL_S = 0.02


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
                said = "\n".join(log.read_text("utf-8", "replace").splitlines()[-10:])
                raise RuntimeError(f"{command[0]} was not ready (exit {process.poll()}), its log {log} ends:\n{said}")
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
    """Does anybody listen there?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
