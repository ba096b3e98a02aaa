"""`poolkeeper validate`: every problem of a set of manifests, at once, each with its place."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from poolkeeper import clock
from poolkeeper.api.installation import Installation
from poolkeeper.cli import options
from poolkeeper.errors import UserError
from poolkeeper.local import reference_check
from poolkeeper.local.manifest_files import STDIN, Finding
from poolkeeper.local.manifests import Declared, load, snapshot_of
from poolkeeper.local.settings import settings_for
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import Settings
from poolkeeper.providers.ended_models import ended
from poolkeeper.status.conditions.accepted import ending_texts


@click.command(
    epilog="""\b
Examples:
  poolkeeper validate -f pool.yaml
  poolkeeper validate -f deploy/ -f secrets.yaml
  kubectl get epool -o yaml | poolkeeper validate -f -
  poolkeeper validate --local -f local.yaml      with the rules of `poolkeeper run`
"""
)
@options.files
@options.installation
@click.option("--local", is_flag=True, help="Use the rules of `poolkeeper run`, which allows loopback.")
def validate(files: tuple[Path, ...], installation: Installation, local: bool) -> None:
    """Report every problem of manifest files at once; exit 1 if there is any.

    That includes what the administrator's limits do not allow (--installation).

    It sends no request. It checks each resource, and how they fit together: a policy that is referenced and missing, a
    key that its Secret does not have.
    """
    declared, findings = examine(files, settings_for(local, installation=installation))
    for note in (*declared.notes, *_without_effect(declared, local), *_ended_models(declared, local)):
        click.echo(f"note: {note}", err=True)
    for finding in findings:
        click.echo(str(finding))
    if findings:
        click.echo(f"{len(findings)} problem{'s' if len(findings) > 1 else ''}", err=True)
        if not local and STDIN not in files and not examine(files, settings_for(True, installation=installation))[1]:
            click.echo("With --local, the rules of `poolkeeper run`, these files are valid.", err=True)
        raise SystemExit(1)
    names = [f"EndpointPool {key}" for key in declared.pools] + [
        f"FailoverPolicy {name.namespace}/{name.name}" for name in declared.policies
    ]
    if not names:
        raise UserError("seen no EndpointPool and no FailoverPolicy in these files; wanted at least one of them")
    click.echo(f"valid: {', '.join(names)}")


def _without_effect(declared: Declared, local: bool) -> Iterator[str]:
    """Fields that are allowed and have no effect, as in the condition Accepted."""
    for key in declared.pools:
        plan = resolve(snapshot_of(declared, key, settings_for(local)), clock.now())
        yield from (f"EndpointPool {key}: unused field: {field}" for field in plan.without_effect)


def _ended_models(declared: Declared, local: bool) -> Iterator[str]:
    """Names of models that end soon or have ended: by validUntil, and by what providers have announced."""
    for key in declared.pools:
        plan = resolve(snapshot_of(declared, key, settings_for(local)), clock.now())
        yield from (f"EndpointPool {key}: {text}" for text in ending_texts(plan.ending))
        for endpoint in plan.document.endpoints if plan.document else ():
            for route in endpoint.models:
                found = ended(endpoint.host, route.upstream_name)
                if found:
                    text = f"the provider ended the model name {route.upstream_name} on {found.on}"
                    yield f"EndpointPool {key}: endpoint {endpoint.name}: {text}; use {found.successor}"


def examine(files: Sequence[Path], settings: Settings) -> tuple[Declared, Sequence[Finding]]:
    """What the files declare, and everything that is wrong with it, in the order of the files."""
    declared = load(files, settings.local)
    found = (*declared.findings, *reference_check.findings(declared, settings, complete=False))
    return declared, sorted(found, key=lambda finding: finding.place)
