"""Options that several commands share."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import click
import yaml

from poolkeeper.api.installation import Installation
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.errors import UserError
from poolkeeper.kube import choice
from poolkeeper.kube.choice import ClusterChoice
from poolkeeper.local import run_record
from poolkeeper.local import state_dir as statedir

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


def state_dir(default: str = "any live run") -> Callable[[F], F]:
    """Whose answers are shown. default: which run it is without the option."""
    return click.option(
        "--state-dir",
        type=click.Path(path_type=Path),
        help=f"A `poolkeeper run` with this state folder. Default: {default}, else the cluster.",
    )


def cluster(command: F) -> F:
    """Which cluster, as kubectl has it. A named one comes before the runs on this machine."""
    for option in (
        click.option(
            "--context",
            metavar="NAME",
            expose_value=False,
            callback=_chosen("context"),
            help="The context of the kubeconfig. A `poolkeeper run` on this machine is not asked then.",
        ),
        click.option(
            "--kubeconfig",
            metavar="FILE",
            expose_value=False,
            callback=_chosen("kubeconfig"),
            help="The kubeconfig. A `poolkeeper run` on this machine is not asked then. Default: KUBECONFIG, else "
            "~/.kube/config.",
        ),
    ):
        command = option(command)
    return command


def all_namespaces(command: F) -> F:
    return click.option(
        "-A",
        "--all-namespaces",
        is_flag=True,
        expose_value=False,
        callback=_chosen("everywhere"),
        help="Pools of all namespaces. Default: the namespace of the kubeconfig's context, if it names one.",
    )(command)


def _chosen(field: str) -> Callable[[click.Context, click.Parameter, str | bool | None], None]:
    def note(context: click.Context, _: click.Parameter, given: str | bool | None) -> None:
        if given:
            changed = ClusterChoice(**{**asdict(choice.chosen()), field: given})
            token = choice.choose(changed)
            context.call_on_close(lambda: choice.undo(token))

    return note


def pool_names(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """For completion: of the runs on this machine; a cluster would take too long to answer."""
    return [name for name in _local_pools() if name.startswith(begun)]


def endpoint_names(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    pool = _local_pools().get(str(context.params.get("pool") or "").rpartition("/")[2])
    return [one.name for one in pool.endpoints if one.name.startswith(begun)] if pool else []


def _local_pools() -> Mapping[str, EndpointPoolStatus]:
    records = [run_record.read(state) for state in statedir.active(os.environ)]
    return {record.pool.metadata.name: record.pool.status for record in records if record}


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
