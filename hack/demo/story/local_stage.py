"""The stage of `make try`: two scripted DeepSeeks on this machine, and `poolkeeper run` in front of them."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from openai import OpenAI

from hack.demo.story.process import fill_in, poolkeeper, poolkeeper_run
from hack.demo.story.script import Stage, console, heading
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.local import run_record
from poolkeeper.local.state_dir import StateDir
from testing.fakes.harness import FakeProvider

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
        poolkeeper("status", "--state-dir", str(self.state_dir))

    def heard(self) -> Iterable[str]:
        while not self.lines.empty():
            yield self.lines.get()


@contextmanager
def on_this_machine() -> Iterator[Stage]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poolkeeper-try-")))
        heading("Two scripted DeepSeeks on this machine, and `poolkeeper run` in front of them")
        primary = stack.enter_context(FakeProvider("official", keys=[FIRST_KEY], params=DIALS, process=True))
        backup = stack.enter_context(FakeProvider("backup", params=DIALS, process=True))
        fill_in(Path(__file__).with_name("pool.yaml"), folder / "pool.yaml", PRIMARY=primary.url, BACKUP=backup.url)
        write_secret(folder / "secret.yaml", FIRST_KEY)
        state = folder / "state"
        files = ("-f", str(folder / "pool.yaml"), "-f", str(folder / "secret.yaml"), "--state-dir", str(state))
        heard: Queue[str] = Queue()
        run = poolkeeper_run(*files, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", tell=heard.put)
        base_url = stack.enter_context(run)
        client = stack.enter_context(OpenAI(base_url=base_url, api_key="unused", max_retries=0, timeout=60))
        yield LocalStage(folder / "secret.yaml", state, primary, heard, client)


def write_secret(path: Path, key: str) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: deepseek}}\nstringData: {{api-key: {key}}}\n"
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)
