"""What `run` prints of files that change: once they have settled."""

import asyncio
import io

from rich.console import Console

from factories import NOW
from poolkeeper.api.base import Problem
from poolkeeper.local.console import ConsoleLog, SettledFindings
from poolkeeper.local.manifest_files import Finding, Place

BAD = (Finding(Place("pool.yaml", 1), "EndpointPool/chat", Problem("spec.models", "is missing")),)
GONE = (Finding(Place(""), "", Problem("", "the files no longer contain EndpointPool default/chat")),)


def printed(*looks: tuple[Finding, ...], settled: bool) -> list[str]:
    """What is printed when each of these is reported, one right after the other or when the one before has settled."""
    out = io.StringIO()

    async def story() -> None:
        report = SettledFindings(ConsoleLog(Console(file=out, width=300), lambda: NOW), settle_s=0)
        for findings in looks:
            report(findings)
            for _ in range(3 if settled else 0):
                await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)

    asyncio.run(story())
    return [" ".join(line.split()[1:]) if line[:1].isdigit() else line.strip() for line in out.getvalue().splitlines()]


def test_what_an_editor_has_between_two_writes_is_not_reported() -> None:
    assert printed(GONE, (), settled=False) == [
        "files have changed and are valid; the new configuration goes to the router"
    ]


def test_what_lasts_is_reported_and_so_is_its_end() -> None:
    assert printed(BAD, (), settled=True) == [
        "files 1 problem; the last good configuration keeps serving",
        "pool.yaml, document 1: EndpointPool/chat: spec.models: is missing",
        "files are valid again; the new configuration is in use",
    ]


def test_of_two_in_a_row_the_last_counts() -> None:
    assert printed(GONE, BAD, settled=False)[1:] == [
        "pool.yaml, document 1: EndpointPool/chat: spec.models: is missing"
    ]


def test_a_problem_of_no_file_begins_with_what_it_is() -> None:
    assert str(GONE[0]) == "the files no longer contain EndpointPool default/chat"
