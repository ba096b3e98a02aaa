"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import yaml

from poolkeeper.api.installation import Installation
from poolkeeper.errors import UserError

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


def installation(command: F) -> F:
    return click.option(
        "--installation",
        "installation",
        default="",
        envvar="POOLKEEPER_INSTALLATION",
        show_envvar=True,
        metavar="FILE|JSON",
        callback=lambda context, option, given: _installation(given),
        help="The administrator's settings, `limits` and `children` of the chart's values: a file, or the text itself. "
        "Default: the chart's defaults.",
    )(command)


def _installation(given: str) -> Installation:
    text = given
    if given and not given.lstrip().startswith("{"):
        try:
            text = Path(given).read_text(encoding="utf-8")
        except OSError as error:
            raise UserError(
                f"--installation: {given} cannot be read: {error.strerror}; name a file, or JSON"
            ) from error
    try:
        document = yaml.safe_load(text) if text else {}
    except yaml.YAMLError as error:
        raise UserError(f"--installation: seen no YAML and no JSON: {error}") from error
    if not isinstance(document, dict):
        raise UserError("--installation: wanted a map with `limits` and `children`, as in the chart's values")
    return Installation.read({key: document[key] for key in Installation.PARTS if key in document})
