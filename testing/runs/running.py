"""A real `poolkeeper run` for tests: the process, what it printed, and clients that stream through it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from click.testing import CliRunner

from poolkeeper.cli.main import main
from testing import plain_http
from testing.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30.0
"""A hang guard, never an expectation."""


class Run:
    """`with Run(folder, "-f", ...) as run`: started, ready, and ended at the end. Knows all it ever printed."""

    def __init__(
        self,
        state: Path,
        *args: object,
        env: dict[str, str] | None = None,
        on_line: Callable[[str], object] = lambda line: None,
        program: Sequence[str | Path] = (sys.executable, "-m", "poolkeeper"),
    ) -> None:
        """on_line: gets every line that the run prints, as it is printed. program: another poolkeeper than this one."""
        self._program = program
        self.state = state
        self._args = ["--state-dir", str(state), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *map(str, args)]
        self._env = {**os.environ, "PYTHONPATH": f"{ROOT / 'operator'}", "PYTHONUNBUFFERED": "1", **(env or {})}
        self._lines: list[str] = []
        self._on_line = on_line
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> Self:
        self.process = subprocess.Popen(
            [*map(str, self._program), "run", *self._args],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._env,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)
            self._on_line(line.rstrip())

    def __enter__(self) -> Self:
        self.start()
        self.wait_for("ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> int:
        """Asks it to end, twice if need be: open streams are cut then."""
        assert self.process is not None
        for _ in range(2):
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
                try:
                    return self.process.wait(5)
                except subprocess.TimeoutExpired:
                    continue
        return self.process.wait(PATIENCE_S)

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def wait_for(self, text: str) -> str:
        """The output, once it holds this text."""
        wait_until(lambda: text in self.output or self._is_over(), f"{text!r} in the output")
        assert text in self.output, f"wanted {text!r}, seen:\n{self.output}"
        return self.output

    def _is_over(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    @property
    def base_url(self) -> str:
        return next(word for word in self.output.split("ready", 1)[1].split() if word.startswith("http"))

    @property
    def admin_url(self) -> str:
        url = json.loads((self.state / "status.json").read_text())["adminUrl"]
        assert isinstance(url, str)
        return url

    def command(self, *args: str) -> str:
        """What `poolkeeper ARGS` says about this run. In this process: a new one takes a second to start."""
        result = CliRunner().invoke(main, [*args, "--state-dir", str(self.state)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    def router_state(self) -> dict[str, object]:
        found: dict[str, object] = plain_http.get(f"{self.admin_url}/state", timeout=PATIENCE_S).json()
        return found

    def ask(self, content: str = "Hello", **more: object) -> httpx.Response:
        return plain_http.post(f"{self.base_url}/chat/completions", json=question(content, **more), timeout=PATIENCE_S)

    def stream(self, content: str = "Hello", **more: object) -> Iterator[str]:
        """The data of each event, as it arrives."""
        body = question(content, stream=True, **more)
        with plain_http.stream("POST", f"{self.base_url}/chat/completions", json=body, timeout=PATIENCE_S) as response:
            assert response.status_code == 200, response.read()
            for line in response.iter_lines():
                if line.startswith("data: "):
                    yield line.removeprefix("data: ")


def question(content: str, **more: object) -> dict[str, object]:
    return {"model": "deepseek-flash", "messages": [{"role": "user", "content": content}], **more}


def chunks(events: list[str]) -> int:
    """How many chunks of content a whole stream had; it must have ended properly."""
    assert events[-1] == "[DONE]", events[-3:]
    choices = [choice for event in events[:-1] for choice in json.loads(event)["choices"]]
    assert choices[-1]["finish_reason"] == "stop", events[-3:]
    return sum(bool(choice["delta"].get("content")) for choice in choices)


def wait_until(holds: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    until(holds, what, patience_s)
