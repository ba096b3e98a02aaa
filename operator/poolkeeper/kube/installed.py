"""Are our kinds installed, with every field that this version reads and writes?

Helm never upgrades what lies in crds/, and an API server silently drops fields that it does not know: a status written
in vain, a spec cut short. So the schema is asked before the work starts. It comes from the server's OpenAPI document,
which everybody may read: no permission on CustomResourceDefinitions is needed.
"""

from collections.abc import Iterator, Mapping

from poolkeeper.api.base import API_VERSION, GROUP
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.kube.client import RESOURCES, KubeApi
from poolkeeper.kube.json_fields import find, mapping, rows, text

OPENAPI_PATH = f"/openapi/v3/apis/{API_VERSION}"
SHOWN = 5
"""A message names so many of the missing fields."""

HOW_TO_INSTALL = "install the CustomResourceDefinitions of this version (kubectl apply --server-side -f crds/)"


async def not_installed(api: KubeApi) -> str:
    """What is missing and what to do, or ""."""
    document = await api.get_path(OPENAPI_PATH)
    if document is None:
        return f"the API server does not know {API_VERSION}: {HOW_TO_INSTALL}"
    problems = [_missing(document, model) for model in (EndpointPool, FailoverPolicy)]
    return "; ".join(problem for problem in problems if problem)


def _missing(document: Mapping[str, object], model: type[EndpointPool] | type[FailoverPolicy]) -> str:
    kind = model.__name__
    theirs = _schema_of(document, kind)
    if theirs is None:
        return f"the API server does not know {GROUP} {kind}: {HOW_TO_INSTALL}"
    if not _has_status(document, kind):
        return f"the installed {kind} has no status subresource: {HOW_TO_INSTALL}"
    ours = model.model_json_schema(by_alias=True)
    missing = sorted(set(_lacking({**ours, "required": []}, theirs, mapping(ours, "$defs"), "")))
    if not missing:
        return ""
    named = ", ".join(missing[:SHOWN]) + (f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else "")
    return f"the installed {kind} lacks {named}: {HOW_TO_INSTALL}"


def _has_status(document: Mapping[str, object], kind: str) -> bool:
    """Without it a status is written with the object, and every write of ours to it gets 404."""
    paths = mapping(document, "paths")
    return not paths or any(path.endswith(f"/{RESOURCES[kind].plural}/{{name}}/status") for path in paths)


def _schema_of(document: Mapping[str, object], kind: str) -> Mapping[str, object] | None:
    for schema in mapping(document, "components", "schemas").values():
        kinds = rows(schema, "x-kubernetes-group-version-kind")
        if any(text(row, "kind") == kind for row in kinds):
            return mapping(schema)
    return None


def _lacking(ours: object, theirs: object, defs: Mapping[str, object], path: str) -> Iterator[str]:
    """The paths of properties that ours has and theirs does not."""
    ours = _resolved(ours, defs)
    if path == ".metadata" or find(theirs, "x-kubernetes-preserve-unknown-fields") is True:
        return
    items = find(ours, "items")
    if items is not None:
        yield from _lacking(items, find(theirs, "items"), defs, f"{path}[]")
    known = mapping(theirs, "properties")
    for name, schema in mapping(ours, "properties").items():
        if name in known:
            yield from _lacking(schema, known[name], defs, f"{path}.{name}")
        else:
            yield f"{path}.{name}".removeprefix(".")


def _resolved(schema: object, defs: Mapping[str, object]) -> object:
    """Follow a reference, and of "this or null" take this."""
    reference = text(schema, "$ref")
    if reference:
        return _resolved(defs.get(reference.rsplit("/", 1)[-1]), defs)
    for branch in (*rows(schema, "anyOf"), *rows(schema, "allOf")):
        if text(branch, "type") != "null":
            return _resolved(branch, defs)
    return schema
