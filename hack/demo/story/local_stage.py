"""The stage of `make try`: two scripted DeepSeeks on this machine, and `poolkeeper run` in front of them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from openai import OpenAI

from hack.demo.story.patience import StoryError
from hack.demo.story.script import Stage, console, heading
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.local import run_record
from poolkeeper.local.state_dir import StateDir
from testing.fakes.harness import FakeProvider
from testing.runs.pools import write
from testing.runs.running import Run

FIRST_KEY, SECOND_KEY = "sk-try-first", "sk-try-second"
DIALS: dict[str, object] = {"tokens": 12, "token_interval_ms": 40.0, "first_token_ms": 80.0}


@dataclass
class LocalStage:
    secret: Path
    state_dir: Path
    primary: FakeProvider
    lines: Queue[str]
    client: OpenAI
    backup: str = "backup"

    def play(self, scenario: str) -> None:
        self.primary.set(scenario)

    def reject_key(self) -> None:
        self.primary.settings(keys=[SECOND_KEY])

    def give_new_key(self) -> None:
        write_secret(self.secret, SECOND_KEY)

    def status(self) -> EndpointPoolStatus | None:
        run = run_record.read(StateDir(self.state_dir))
        return run.pool.status if run else None

    def show_status(self) -> None:
        console.print("[dim]$ poolkeeper status[/]")
        command = [sys.executable, "-m", "poolkeeper", "status", "--state-dir", str(self.state_dir)]
        if ended := subprocess.run(command, check=False).returncode:
            raise StoryError(f"poolkeeper status: exit {ended}")

    def messages(self) -> Iterable[str]:
        while not self.lines.empty():
            yield self.lines.get()


@contextmanager
def on_this_machine() -> Iterator[Stage]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poolkeeper-try-")))
        heading("Two scripted DeepSeeks on this machine, and `poolkeeper run` in front of them")
        primary = stack.enter_context(FakeProvider("official", keys=[FIRST_KEY], params=DIALS, process=True))
        backup = stack.enter_context(FakeProvider("backup", params=DIALS, process=True))
        manifest = Path(__file__).with_name("pool.yaml").read_text()
        (folder / "pool.yaml").write_text(manifest.replace("PRIMARY", primary.url).replace("BACKUP", backup.url))
        write_secret(folder / "secret.yaml", FIRST_KEY)
        state = folder / "state"
        lines: Queue[str] = Queue()
        files = ("-f", folder / "pool.yaml", "-f", folder / "secret.yaml")
        run = stack.enter_context(Run(state, *files, on_line=lines.put))
        client = stack.enter_context(OpenAI(base_url=run.base_url, api_key="unused", max_retries=0, timeout=60))
        yield LocalStage(folder / "secret.yaml", state, primary, lines, client)


def write_secret(path: Path, key: str) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: deepseek}}\nstringData: {{api-key: {key}}}\n"
    write(path, text)
