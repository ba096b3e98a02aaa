"""The page of commands is the same for every terminal, leaves no option out, and is right about how commands end."""

import click
import pytest
from click.testing import CliRunner

from hack.generate import cli
from poolkeeper.cli.main import COMMANDS, main


def section(name: str) -> str:
    return cli.page().partition(f"\n## poolkeeper {name}\n")[2].partition("\n## ")[0]


def test_the_page_is_the_same_on_every_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = set()
    for columns in ("20", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        pages.add(cli.page())

    assert len(pages) == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_is_shown_with_what_it_means(name: str) -> None:
    assert isinstance(main, click.Group)
    command = main.get_command(click.Context(main), name)
    assert command is not None

    shown = section(name)

    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert f"| {' / '.join(f'`{opt}`' for opt in (*parameter.opts, *parameter.secondary_opts))}" in shown
            assert parameter.help
        else:
            assert str(parameter.name).upper() in shown.partition("\n\n")[0]


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        (["--version"], 0),
        (["drain", "--no-such-option"], 2),
        (["drain"], 2),
        (["report", "chat", "--state-dir", "nobody-runs-here"], 1),
        (["validate", "-f", "no-such-file.yaml"], 1),
    ],
)
def test_exit_codes_are_those_of_the_page(arguments: list[str], want: int) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == want
    assert f"| {want} |" in cli.page()
