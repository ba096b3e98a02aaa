"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])


def files(command: F) -> F:
    return click.option(
        "-f",
        "--filename",
        "files",
        type=click.Path(path_type=Path),
        multiple=True,
        required=True,
        metavar="FILE",
        help="A manifest file, or a folder of them; may be repeated. A file may have several documents.",
    )(command)
