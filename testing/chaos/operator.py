"""The operator as a process that is started and killed at will; its log is one file over all its lives."""

import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

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
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{name}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """The sum over all labels."""
        lines = self.page("metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))

    def tail(self, chars: int = 3000) -> str:
        return self.log.read_text("utf-8", "replace")[-chars:]
