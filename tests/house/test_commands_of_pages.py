"""Every command that a page shows is there: Poolkeeper's with its options, verbs of make, values of the chart."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from house.test_links import pages
from poolkeeper.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
VERBS = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
VALUES = json.loads((ROOT / "charts/poolkeeper/values.schema.json").read_text())
BLOCK = re.compile(r"^ *```[a-z]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
START = re.compile(r"(?:^|[\s(|;&])(?:kubectl |\S*/)?(poolkeeper|make) ([a-z][a-z0-9-]*)([^|;&)#`\n]*)")


def commands(text: str) -> Iterator[tuple[str, str, str, bool]]:
    """(program, verb, the rest, whether the line begins with it), of code in blocks and in sentences."""
    shown = [block.replace("\\\n", " ") for block in BLOCK.findall(text)] + CODE.findall(BLOCK.sub("", text))
    for code in shown:
        for line in code.splitlines():
            found = START.match(line) if code in CODE.findall(text) else START.search(line)
            if found:
                yield found[1], found[2], found[3], found.start() == 0


def words(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError:  # a part of a sentence
        return rest.split()


def wrong(text: str) -> Iterator[str]:
    for program, verb, rest, is_first in commands(text):
        if program == "make":
            if verb not in VERBS:
                yield f"make {verb}: there is no such verb"
        elif verb in COMMANDS:
            known = options_of(verb)
            used = [word.split("=")[0] for word in words(rest) if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)]
            yield from (f"poolkeeper {verb} {one}: there is no such option" for one in used if one not in known)
        elif is_first and rest.strip():
            yield f"poolkeeper {verb}: there is no such command"
    for path in re.findall(r"--set(?:-string|-json)? ([A-Za-z][A-Za-z.]*)=", text):
        if not is_value(path):
            yield f"--set {path}: the chart has no such value"


def options_of(verb: str) -> set[str]:
    assert isinstance(main, click.Group)
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    own = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    return own | {"--help"}


def is_value(path: str) -> bool:
    part = VALUES
    for name in path.split("."):
        if name not in part.get("properties", {}):
            return bool(part.get("additionalProperties")) or "properties" not in part
        part = part["properties"][name]
    return True


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_can_be_typed(page: Path) -> None:
    assert list(wrong(page.read_text())) == []


def test_there_are_commands_to_look_at() -> None:
    found = [command for page in pages() for command in commands(page.read_text())]

    assert {"make", "poolkeeper"} == {program for program, *_ in found}
    assert len(found) > 100


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("`make nothing`", ["make nothing: there is no such verb"]),
        ("```\nmake nothing\n```", ["make nothing: there is no such verb"]),
        ("It will make nothing of `it`.", []),
        ("`poolkeeper status --wide`", ["poolkeeper status --wide: there is no such option"]),
        ("```\npoolkeeper stats chat\n```", ["poolkeeper stats: there is no such command"]),
        ("```\nkubectl poolkeeper status -o wide -A\n```", []),
        ("```\nhelm install a b \\\n  --set replicas=1\n```", ["--set replicas: the chart has no such value"]),
        ("`--set image.repository=a --set watchNamespaces={b}`", []),
    ],
)
def test_what_cannot_be_typed_is_found(text: str, want: list[str]) -> None:
    assert list(wrong(text)) == want
