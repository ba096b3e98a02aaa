"""The operator as a process that is started and killed at will; its log is one file over all its lives."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from testing import operator_page
from testing.chaos.control_plane import kubeconfig
from testing.fakes.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
END_S = 40.0


class Operator:
    """server: of the API, or of a proxy before it."""

    def __init__(self, folder: Path, server: str, token: str = "", options: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "operator.log"
        self.lives = 0
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()
        config = folder / "kubeconfig"
        config.write_text(kubeconfig(server, token))
        self._options = ["--router-image", "router:1", "--probe-image", "probe:1", *options]
        self._env = {**os.environ, "KUBECONFIG": str(config), "PYTHONPATH": str(ROOT / "operator")}

    def start(self) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "poolkeeper", "operator", *self._options]
        command += ["--metrics-listen", f"127.0.0.1:{self.port}"]
        with self._turn, self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self._env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            self.lives += 1

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """From any thread."""
        with self._turn:
            if self.process is not None:
                self.process.kill()
                self.process.wait(END_S)

    def end(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_S)

    def page(self, name: str) -> tuple[int, str]:
        return operator_page.page(self.port, name)

    def metric(self, name: str) -> float:
        """The sum over all labels."""
        return operator_page.metric(self.port, name)

    @property
    def cpu_s(self) -> float:
        return sum(map(int, self._proc("stat").rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory_mib(self) -> float:
        """The most that it ever had since its start."""
        lines = self._proc("status").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

    def _proc(self, name: str) -> str:
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/{name}").read_text()

    def tail(self, chars: int = 3000) -> str:
        return self.log.read_text("utf-8", "replace")[-chars:]
