"""`poolkeeper render`: the objects the operator would apply, without a cluster."""

import sys
from pathlib import Path

import click
import yaml

from poolkeeper import clock
from poolkeeper.api.installation import Installation
from poolkeeper.cli import options
from poolkeeper.cli.validate import examine
from poolkeeper.errors import UserError
from poolkeeper.local.manifests import snapshot_of
from poolkeeper.local.settings import ROUTER_IMAGE, settings_for
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import Manifest
from poolkeeper.render.desired import desired


@click.command(
    epilog="""\b
Examples:
  poolkeeper render -f pool.yaml
  poolkeeper render -f pool.yaml | kubectl diff -f -
"""
)
@options.files
@options.installation
@click.option("--router-image", default=ROUTER_IMAGE, show_default=True, help="Image of the router Pods.")
def render(files: tuple[Path, ...], installation: Installation, router_image: str) -> None:
    """Print the objects the operator would apply, as YAML: the same files give the same bytes.

    In a cluster they also name the pool as their owner, and every change raises the document's generation.
    """
    settings = settings_for(local=False, router_image=router_image, installation=installation)
    declared, findings = examine(files, settings)
    if findings:
        raise UserError("\n".join(map(str, findings)))
    if not declared.pools:
        raise UserError("these files contain no EndpointPool; name one with -f")
    objects: list[Manifest] = []
    for key in sorted(declared.pools):
        snapshot = snapshot_of(declared, key, settings)
        plan = resolve(snapshot, clock.now())
        if plan.document is None:
            raise UserError(f"EndpointPool {key} is not rolled out: {plan.hold.message if plan.hold else 'held'}")
        objects.extend(_without_owner(rendered) for rendered in desired(snapshot, plan.document, plan.probe))
    click.echo(yaml.dump_all(objects, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=sys.maxsize), nl=False)


def _without_owner(rendered: Manifest) -> Manifest:
    """An owner is named by its uid, which only a cluster gives."""
    metadata = rendered["metadata"]
    assert isinstance(metadata, dict)
    return {**rendered, "metadata": {key: part for key, part in metadata.items() if key != "ownerReferences"}}


class _Dumper(yaml.SafeDumper):
    """No anchors: two equal parts are two parts."""

    def ignore_aliases(self, data: object) -> bool:
        return True
