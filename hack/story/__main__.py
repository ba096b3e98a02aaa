"""The story itself: the provider fails in four ways, and each time the answer arrives all the same.

It is a demonstration and a test at once: whatever does not hold ends it with exit 1.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

from hack.story.asking import ask
from hack.story.stage import StoryError, fill_in, poolkeeper, poolkeeper_run, wait_until
from openai import OpenAI, OpenAIError
from rich.console import Console
from rich.markup import escape

from fakes.harness import FakeProvider
from poolkeeper.api.status import EndpointPoolStatus, EndpointStatus
from poolkeeper.local import record
from poolkeeper.local.statedir import StateDir

FIRST_KEY, SECOND_KEY = "sk-try-first", "sk-try-second"
QUESTION = "Why is one endpoint a gamble?"
FAULTS = (
    ("busy503", "The provider is overloaded: 503, Service is too busy"),
    ("keepalive_forever", "Worse: 200, then keep-alives for ever and no token"),
    ("refuse", "Gone: connections are refused"),
)
OPENS_AFTER = 3
"""Failures in a row until the breaker opens, as pool.yaml says."""

console = Console(highlight=False, soft_wrap=True)


class Story:
    """state: of the run, read to know what `poolkeeper status` shows. heard: lines of the run not shown yet."""

    def __init__(self, folder: Path, state: Path, primary: FakeProvider, heard: Queue[str], client: OpenAI) -> None:
        self.secret = folder / "secret.yaml"
        self.state = state
        self.primary = primary
        self.heard = heard
        self.client = client

    def tell(self) -> None:
        heading("All is well: the official endpoint answers")
        self.expect("official")
        self.show_status("all is well", all_is_well)
        for scenario, title in FAULTS:
            heading(title)
            self.primary.set(scenario)
            for _ in range(OPENS_AFTER):
                self.expect("backup")
            self.show_status("the breaker of official is open", lambda status: endpoint(status).breaker == "Open")
            self.recover(lambda: self.primary.set("ok"), "The provider recovers")
        heading("The provider rejects our key: 401")
        self.primary.settings(keys=[SECOND_KEY])
        self.expect("backup")
        self.show_status("official is unhealthy", lambda status: endpoint(status).reason == "CredentialsRejected")
        self.recover(lambda: write_secret(self.secret, SECOND_KEY), "The new key is in the file; nothing restarts")
        heading("Afterwards")
        self.expect("official")
        self.show_status("all is well", all_is_well)

    def expect(self, wanted: str) -> None:
        """A whole answer, from that endpoint."""
        console.print(f"[dim]> {QUESTION}[/]\n  ", end="")
        told = ask(self.client, QUESTION, lambda said: console.print(escape(said), end="", style="cyan"))
        console.print(
            f"\n  [bold]x-poolkeeper-endpoint[/] {told.endpoint}  [bold]tier[/] {told.tier}  "
            f"[bold]attempts[/] {told.attempts}  [dim]first token after {told.first_token_s * 1000:.0f} ms[/]"
        )
        if not told.text or told.finish_reason != "stop":
            raise StoryError(f"the answer is not whole: finish_reason {told.finish_reason!r}, text {told.text!r}")
        if told.endpoint != wanted:
            raise StoryError(f"answered by {told.endpoint}, wanted {wanted}")
        self.show_heard()

    def recover(self, repair: Callable[[], object], title: str) -> None:
        repair()
        console.print(f"  [green]{title}.[/]")
        took_s = wait_until("the official endpoint serves again", self._official_serves)
        wait_until("its breaker is closed and tier 0 serves", lambda: self._status_is(all_is_well))
        self.show_heard()
        console.print(f"  [green]official serves again after {took_s:.1f} s.[/]")

    def _official_serves(self) -> bool:
        time.sleep(0.1)
        return ask(self.client, "ping", lambda said: None).endpoint == "official"

    def show_status(self, what: str, holds: Callable[[EndpointPoolStatus], bool]) -> None:
        wait_until(f"`poolkeeper status` says that {what}", lambda: self._status_is(holds))
        self.show_heard()
        console.print("[dim]$ poolkeeper status[/]")
        poolkeeper("status", "--state-dir", str(self.state))

    def _status_is(self, holds: Callable[[EndpointPoolStatus], bool]) -> bool:
        run = record.read(StateDir(self.state))
        return run is not None and holds(run.pool.status)

    def show_heard(self) -> None:
        """What the run said meanwhile; not in the middle of an answer, where nobody could read either."""
        while not self.heard.empty():
            console.print(f"  [magenta]poolkeeper run |[/] [dim]{escape(self.heard.get())}[/]")


def all_is_well(status: EndpointPoolStatus) -> bool:
    return status.active_tier == 0 and endpoint(status).breaker == "Closed" and endpoint(status).health != "Unhealthy"


def endpoint(status: EndpointPoolStatus) -> EndpointStatus:
    return next(found for found in status.endpoints if found.name == "official")


def heading(text: str) -> None:
    console.print(f"\n[bold yellow]== {text}[/]")


def write_secret(path: Path, key: str) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: deepseek}}\nstringData: {{api-key: {key}}}\n"
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def play() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poolkeeper-try-")))
        heading("Two scripted DeepSeeks on this machine, and `poolkeeper run` in front of them")
        dials = {"tokens": 12, "token_interval_ms": 40.0, "first_token_ms": 80.0}
        primary = stack.enter_context(FakeProvider("official", keys=[FIRST_KEY], params=dials, process=True))
        backup = stack.enter_context(FakeProvider("backup", params=dials, process=True))
        fill_in(Path(__file__).with_name("pool.yaml"), folder / "pool.yaml", PRIMARY=primary.url, BACKUP=backup.url)
        write_secret(folder / "secret.yaml", FIRST_KEY)
        state = folder / "state"
        files = ("-f", str(folder / "pool.yaml"), "-f", str(folder / "secret.yaml"), "--state-dir", str(state))
        heard: Queue[str] = Queue()
        run = poolkeeper_run(*files, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", tell=heard.put)
        base_url = stack.enter_context(run)
        client = stack.enter_context(OpenAI(base_url=base_url, api_key="unused", max_retries=0, timeout=60))
        story = Story(folder, state, primary, heard, client)
        story.show_heard()
        story.tell()


def main() -> int:
    began_s = time.monotonic()
    try:
        play()
    except (StoryError, OpenAIError) as error:
        console.print(f"\n[bold red]The story does not hold:[/] {escape(str(error))}")
        return 1
    took_s = time.monotonic() - began_s
    console.print(f"\n[bold green]Every answer arrived.[/] Four failures, no failed request, {took_s:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
