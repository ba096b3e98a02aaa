"""Many providers in one nginx, for tests that need tens of thousands of attempts: fast, and simple-minded.

    with Swarm(tmp_path, 8) as swarm:
        swarm.plan("e0", "ok ok error500")     # words of swarm.lua, one drawn a request
        ...                                    # talk to 127.0.0.1:swarm.ports["e0"]
        swarm.counts()["e0"].asked

A provider NAME wants the key sk-NAME and the model NAME-model; `strange` counts what came with others.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from testing import plain_http
from testing.fakes.ports import free_port

HERE = Path(__file__).parent
MODULES = ("/usr/lib/nginx/modules", "/usr/share/nginx/modules", "/etc/nginx/modules")
PATIENCE_S = 20.0
"""A hang guard, never an expectation."""


@dataclass(frozen=True)
class Count:
    asked: int = 0
    strange: int = 0
    in_flight: int = 0
    most_in_flight: int = 0


class Swarm:
    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder / "swarm"
        self.names = [f"e{number}" for number in range(size)]
        self.ports = {name: free_port() for name in self.names}
        control = free_port()
        self._control = plain_http.Client(base_url=f"http://127.0.0.1:{control}", timeout=PATIENCE_S)
        self._control_port = control
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        (self._folder / "tmp").mkdir(parents=True)
        (self._folder / "nginx.conf").write_text(self._conf())
        command = [
            shutil.which("nginx") or "/usr/sbin/nginx",
            "-p",
            str(self._folder),
            "-c",
            "nginx.conf",
            "-e",
            "stderr",
        ]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE_S)
        self._control.close()

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return self._control.get("/counts").status_code == 200
        return False

    def plan(self, name: str, words: str) -> None:
        assert self._control.post(f"/plan/{name}", content=words).status_code == 200

    def counts(self) -> dict[str, Count]:
        seen = self._control.get("/counts").json()
        return {name: Count(**seen.get(name, {})) for name in self.names}

    @property
    def asked(self) -> int:
        return sum(count.asked for count in self.counts().values())

    # --- nginx.conf

    def _conf(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from ("daemon off;", "pid nginx.pid;", "worker_processes 1;", "error_log stderr error;")
        for module in ("ndk_http_module.so", "ngx_http_lua_module.so"):
            for folder in MODULES:
                if (Path(folder) / module).exists():
                    yield f"load_module {folder}/{module};"
                    break
        if os.geteuid() == 0:
            yield "user root;"
        yield "events { worker_connections 8192; }"
        yield "http {"
        yield "access_log off; keepalive_requests 1000000; client_body_buffer_size 64k; lua_check_client_abort on;"
        yield "lua_shared_dict swarm 1m; lua_shared_dict swarm_plans 1m;"
        yield from (f"{kind}_temp_path tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        yield f'lua_package_path "{HERE}/?.lua;;";'
        for name, port in self.ports.items():
            yield f"server {{ listen 127.0.0.1:{port} backlog=4096; location / {{"
            yield f'content_by_lua_block {{ require("swarm").serve("{name}") }}'
            yield 'log_by_lua_block { require("swarm").finish() } } }'
        yield f"server {{ listen 127.0.0.1:{self._control_port};"
        yield 'location = /counts { content_by_lua_block { require("swarm").counts() } }'
        yield 'location ~ ^/plan/(\\w+)$ { content_by_lua_block { require("swarm").plan(ngx.var[1]) } } } }'
