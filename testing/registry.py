"""A registry of container images and charts on loopback, as a process of this machine: Debian's docker-registry."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

from testing import plain_http
from testing.process import free_port, running

PROGRAM = "docker-registry"
START_LIMIT_S = 30.0


@contextmanager
def local_registry(folder: Path) -> Iterator[str]:
    """host:port of an empty one. FOLDER gets its settings, its data, and its log: who asked for what."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": address},
    }
    settings = folder / "registry.yaml"
    settings.write_text(yaml.safe_dump(config))

    def answers() -> bool:
        try:
            return plain_http.get(f"http://{address}/v2/").status_code == 200
        except httpx.TransportError:
            return False

    with running([PROGRAM, "serve", str(settings)], os.environ, log_of(folder), answers, START_LIMIT_S):
        yield address


def log_of(folder: Path) -> Path:
    return folder / "registry.log"
