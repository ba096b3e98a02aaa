"""What all gateways of a comparison have in common: what they are told of providers, what is known of one that runs."""

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

HOST = "127.0.0.1"
START_LIMIT_S = 30.0
POLL_S = 0.01


@dataclass(frozen=True)
class Upstream:
    """A provider. Gateways that know one path and one key for all take those of the first."""

    name: str
    port: int
    path: str = "/v1"
    key: str = "sk-peer"
    tier: int = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}{self.path}"


@dataclass(frozen=True)
class Limits:
    """How long a gateway waits for the first byte or token, for the next one and for a whole request, and how long it
    leaves a failed provider alone."""

    connect_s: float = 2.0
    first_token_s: float = 30.0
    inter_token_s: float = 600.0
    request_s: float = 600.0
    rest_s: float = 30.0


@dataclass(frozen=True)
class Peer:
    """A gateway that runs. base_url: what an OpenAI client is given; pid: of the one process that does the work."""

    name: str
    version: str
    base_url: str
    pid: int


class Start(Protocol):
    """How a gateway is started: its files go into folder, core is the one it is to keep to (None: any)."""

    def __call__(
        self, folder: Path, upstreams: Sequence[Upstream], core: int | None
    ) -> AbstractContextManager[Peer]: ...


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """Kept to one core, where that can be had."""
    if core is None or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", str(core), *command]


def clean_environment() -> dict[str, str]:
    """Ours without what would change another Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def worker_of(master: int) -> int:
    """The only child of a process that leaves the work to it; it may still be starting."""
    deadline_s = time.monotonic() + START_LIMIT_S
    while not (children := Path(f"/proc/{master}/task/{master}/children").read_text().split()):
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"process {master} has no worker")
        time.sleep(POLL_S)
    return int(children[0])
