"""`poolkeeper report`: everything about a pool except its secrets, in one file for later analysis."""

from pathlib import Path

import click

from poolkeeper import __version__, clock
from poolkeeper.cli import options
from poolkeeper.diagnostics import pool_locator, support_bundle
from poolkeeper.errors import UserError


@click.command(
    epilog="""\b
Examples:
  poolkeeper report chat                     poolkeeper-default-chat-TIME.tar.gz, in this folder
  poolkeeper report team/chat -o /tmp/chat   the same as a folder
"""
)
@click.argument("pool", shell_complete=options.pool_names)
@options.cluster
@click.option("-n", "--namespace", help="The pool's namespace.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A file that ends in .tar.gz or .tgz, or a folder. It must not exist yet.",
)
@options.state_dir("any run that serves the pool")
def report(pool: str, namespace: str | None, output: Path | None, state_dir: Path | None) -> None:
    """Write everything known of a pool into one file: spec, status, objects, Events, routers. It reads no Secret.

    POOL is a name, or NAMESPACE/NAME. The file contains addresses, model names and messages: check it before you share
    it.
    """
    found = pool_locator.find(pool, namespace, state_dir)
    now = clock.now()
    path = output or Path(support_bundle.file_name(found, now))
    if path.exists():
        raise UserError(f"{path} exists already; choose another name with --output")
    files = support_bundle.contents(found, __version__, now)
    support_bundle.write(files, path, now)
    click.echo(f"pool {found.name}: {len(files)} files in {path}")
    for line in files["README.txt"].splitlines():
        if line.startswith("missing: "):
            click.echo(line, err=True)
