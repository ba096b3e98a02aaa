"""The story: the provider fails in several ways, and each time the answer still arrives.

It is a demonstration and a test at once: the first thing that does not hold ends it with an error. The stage knows
where it plays: on one machine or on a cluster.
"""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from openai import OpenAI
from rich.console import Console
from rich.markup import escape

from hack.demo.story.patience import StoryError, wait_until
from hack.demo.story.question import ask
from poolkeeper.api.status import EndpointPoolStatus, EndpointStatus

QUESTION = "Why is one endpoint a gamble?"
FAULTS = (
    ("busy503", "The provider is overloaded: 503, Service is too busy"),
    ("keepalive_forever", "Worse: 200, then keep-alives for ever and no token"),
    ("refuse", "Gone: connections are refused"),
)
console = Console(highlight=False, soft_wrap=True)


class Stage(Protocol):
    """backup: the endpoint of tier 1, by name; the one of tier 0 is `official`. client: of the pool."""

    backup: str
    client: OpenAI

    def play(self, scenario: str) -> None:
        """From now on the official endpoint answers so."""

    def reject_key(self) -> None:
        """The official endpoint takes another key than the pool's Secret has."""

    def give_new_key(self) -> None:
        """The Secret gets the key that the official endpoint takes."""

    def status(self) -> EndpointPoolStatus | None: ...

    def show_status(self) -> None:
        """What a person would type, and what they see."""

    def messages(self) -> Iterable[str]:
        """What Poolkeeper printed or reported since the last call."""


class Story:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def play(self) -> None:
        heading("All is well: the official endpoint answers")
        self.expect("official")
        self.show_status("all is well", all_is_well)
        for scenario, title in FAULTS:
            heading(title)
            self.stage.play(scenario)
            self.expect(self.stage.backup)
            self.show_status("the breaker of official is open", is_open)
            self.recover(lambda: self.stage.play("ok"), "The provider recovers")
        heading("The provider rejects our key: 401")
        self.stage.reject_key()
        self.expect(self.stage.backup)
        self.show_status("official is unhealthy", lambda status: endpoint(status).reason == "CredentialsRejected")
        self.recover(self.stage.give_new_key, "The new key is in the Secret; nothing restarts")
        heading("Afterwards")
        self.expect("official")
        self.show_status("all is well", all_is_well)

    def expect(self, wanted: str) -> None:
        """A whole answer, from that endpoint."""
        console.print(f"[dim]> {QUESTION}[/]\n  ", end="")
        answer = ask(self.stage.client, QUESTION, lambda text: console.print(escape(text), end="", style="cyan"))
        console.print(
            f"\n  [bold]x-poolkeeper-endpoint[/] {answer.endpoint}  [bold]tier[/] {answer.tier}  "
            f"[bold]attempts[/] {answer.attempts}  [dim]first token after {answer.first_token_s * 1000:.0f} ms[/]"
        )
        if not answer.text or answer.finish_reason not in ("stop", "length"):
            raise StoryError(f"the answer is not whole: finish_reason {answer.finish_reason!r}, text {answer.text!r}")
        if answer.endpoint != wanted:
            raise StoryError(f"answered by {answer.endpoint}, wanted {wanted}")
        self.show_messages()

    def recover(self, repair: Callable[[], object], title: str) -> None:
        repair()
        console.print(f"  [green]{title}.[/]")
        took_s = wait_until("the official endpoint serves again", self._official_serves, limit_s=60)
        self._wait_for_status("its breaker is closed and tier 0 serves", all_is_well)
        self.show_messages()
        console.print(f"  [green]official serves again after {took_s:.1f} s.[/]")

    def ping(self) -> str:
        """The endpoint that answers now."""
        return ask(self.stage.client, "ping", lambda text: None).endpoint

    def _official_serves(self) -> bool:
        time.sleep(0.1)
        return self.ping() == "official"

    def show_status(self, what: str, holds: Callable[[EndpointPoolStatus], bool]) -> None:
        self._wait_for_status(what, holds)
        self.show_messages()
        self.stage.show_status()

    def _wait_for_status(self, what: str, holds: Callable[[EndpointPoolStatus], bool]) -> None:
        """Under traffic: each router moves its breaker by what it sees itself, and there may be several."""

        def status_holds() -> bool:
            self.ping()
            return self._status_is(holds)

        wait_until(f"status says that {what}", status_holds, limit_s=60)

    def _status_is(self, holds: Callable[[EndpointPoolStatus], bool]) -> bool:
        status = self.stage.status()
        return status is not None and holds(status)

    def show_messages(self) -> None:
        """After an answer, never in the middle of one, where neither could be read."""
        for line in self.stage.messages():
            console.print(f"  [magenta]poolkeeper |[/] [dim]{escape(line)}[/]")


def all_is_well(status: EndpointPoolStatus) -> bool:
    return status.active_tier == 0 and endpoint(status).breaker == "Closed" and endpoint(status).health != "Unhealthy"


def is_open(status: EndpointPoolStatus) -> bool:
    return endpoint(status).breaker == "Open"


def endpoint(status: EndpointPoolStatus) -> EndpointStatus:
    return next(found for found in status.endpoints if found.name == "official")


def heading(text: str) -> None:
    console.print(f"\n[bold yellow]== {text}[/]")
