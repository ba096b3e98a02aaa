"""docs/reference/cli.md: every command as click knows it, but independent of the terminal and the machine."""

from collections.abc import Iterator
from pathlib import Path

import click

from hack.generate.crds import GENERATED
from poolkeeper.cli.main import COMMANDS, main

HEAD = f"""\
<!-- {GENERATED.replace("operator/poolkeeper/api", "operator/poolkeeper/cli")} -->
# Commands

`poolkeeper COMMAND` and `kubectl poolkeeper COMMAND` are the same. `-h` or `--help` of a command shows the text of this
page; `poolkeeper --version` prints the version.

Which pool: a live `poolkeeper run` on this machine comes before the cluster of your kubeconfig, unless `--context` or
`--kubeconfig` names one. Which namespace: `-n`, else that of the kubeconfig's context, else all (`-A` asks for all).

`status -o json` is stable: [status.schema.json](status.schema.json) describes it. Colours are left out in a pipe, and
with `NO_COLOR` in a terminal.

| exit code | when |
|---|---|
| 0 | success. `probe`: every result. `run` and `operator`: a signal ended them |
| 1 | failure; standard error says why. `validate`: the files have a problem, or declare nothing |
| 2 | the command line itself is wrong: an option that does not exist, or one that is missing |
| 3, 4, 5 | of `status --exit-code` only, for the worst pool: 3 needs a look, 4 not known, 5 not available |
| 130 | Ctrl-C ended the command |
"""


def page() -> str:
    assert isinstance(main, click.Group)
    context = click.Context(main, info_name="poolkeeper")
    lines = [HEAD, "| command | what it does |", "|---|---|"]
    lines += [f"| [{name}](#poolkeeper-{name}) | {words} |" for name, words in COMMANDS.items()]
    lines.append("")
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        lines += _command(command, name)
    return "\n".join(lines).rstrip() + "\n"


def _command(command: click.Command, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, **command.context_settings)
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    arguments = [_argument(parameter) for parameter in command.params if isinstance(parameter, click.Argument)]
    yield from (f"## poolkeeper {name}", "", f"`{' '.join(('poolkeeper', name, '[OPTIONS]', *arguments))}`", "")
    yield from _text(command.help or "")
    if options:
        yield from ("| option | default | environment | meaning |", "|---|---|---|---|")
        yield from (_option(option, context) for option in options)
        yield ""
    yield from _text(command.epilog or "")


def _argument(argument: click.Argument) -> str:
    name = str(argument.name).upper()
    return name if argument.required else f"[{name}]"


def _option(option: click.Option, context: click.Context) -> str:
    names = " / ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" {_value(option)}"
    cells = (f"{names}{value}", _default(option), _variable(option, context), option.help or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return ", ".join(f"`{choice}`" for choice in option.type.choices)
    if isinstance(option.type, click.IntRange):
        return f"{option.type.min} to {option.type.max}"
    return option.metavar or option.type.name.upper()


def _default(option: click.Option) -> str:
    if option.required:
        return "**required**"
    if option.is_flag:
        return f"`{option.opts[0]}`" if option.secondary_opts and option.default is True else ""
    return f"`{option.default}`" if isinstance(option.default, str | int | Path) and str(option.default) else ""


def _variable(option: click.Option, context: click.Context) -> str:
    if option.envvar:
        return f"`{option.envvar}`"
    return f"`{context.auto_envvar_prefix}_{str(option.name).upper()}`" if option.show_envvar else ""


def _text(words: str) -> Iterator[str]:
    r"""Paragraphs in one line each; those that are not to be wrapped (click marks them by \b) as they stand."""
    for paragraph in words.strip().split("\n\n"):
        if paragraph.lstrip().startswith("\b"):
            yield from ("```", *(line.rstrip() for line in paragraph.lstrip().split("\n")[1:]), "```", "")
        elif paragraph:
            yield from (" ".join(paragraph.split()), "")
