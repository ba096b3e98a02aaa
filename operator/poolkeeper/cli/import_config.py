"""`poolkeeper import`: the configuration of another gateway as manifests of a pool."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import yaml

from poolkeeper.errors import UserError
from poolkeeper.migration.imported import Imported, Json, as_object
from poolkeeper.migration.litellm import litellm
from poolkeeper.migration.new_api import new_api
from poolkeeper.migration.valid import only_valid

SOURCES: Mapping[str, Callable[[object, str], Imported]] = {
    "litellm": lambda document, name: litellm(_unwrapped(as_object(document)), name),
    "new-api": new_api,
}


@click.command(
    "import",
    epilog="""\b
Examples:
  poolkeeper import litellm config.yaml > pool.yaml
  poolkeeper validate -f pool.yaml
  curl -H "Authorization: Bearer $TOKEN" -H "New-Api-User: 1" "https://new-api.example/api/channel/?page_size=100" |
    poolkeeper import new-api - > pool.yaml
""",
)
@click.argument("source", type=click.Choice(list(SOURCES)))
@click.argument("file", type=click.Path(path_type=Path, exists=True, allow_dash=True, dir_okay=False))
@click.option("--name", default="imported", show_default=True, help="The pool's name.")
def import_config(source: str, file: Path, name: str) -> None:
    """Turn another gateway's configuration into a pool, and say line by line what is not carried over.

    SOURCE is litellm (its config.yaml) or new-api (what its /api/channel/ answers; One API's, too). FILE may be - for
    standard input. No API key is copied: the notes name the Secrets to make.
    """
    try:
        document = yaml.safe_load(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        seen = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{file} is neither YAML nor JSON: {seen}; wanted the file of {source}") from None
    made = only_valid(SOURCES[source](document, name))
    for note in made.notes:
        click.echo(f"note: {note}", err=True)
    if not made.manifests:
        raise UserError(f"{file}: nothing can be carried over; the notes say why")
    click.echo(yaml.safe_dump_all(made.manifests, sort_keys=False, allow_unicode=True), nl=False)


def _unwrapped(document: Json) -> Json:
    """LiteLLM's file itself, also where a ConfigMap or the values of its chart hold it."""
    if "proxy_config" in document:
        return as_object(document["proxy_config"])
    for text in as_object(document.get("data")).values() if document.get("kind") == "ConfigMap" else ():
        try:
            found = as_object(yaml.safe_load(text)) if isinstance(text, str) else {}
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        if "model_list" in found:
            return found
    return document
