"""Which kinds there are, for kopf, which asks before it watches: the answer is our own table, so nobody is asked.

A question to the API server could be refused or answered with nonsense, and kopf would end or never watch that kind.
"""

from collections.abc import Mapping, Sequence

from poolkeeper.kube.client import RESOURCES, Resource
from poolkeeper.kube.json_fields import Json

KOPFS_OWN: Mapping[str, Resource] = {
    "Namespace": Resource("v1", "namespaces"),
    "CustomResourceDefinition": Resource("apiextensions.k8s.io/v1", "customresourcedefinitions"),
}
"""kopf does not start before it has seen these; with scanning off it never asks for them."""


def discovered(path: str, kinds: Sequence[str]) -> Json | None:
    """The document at this path; None when it is none of discovery. kinds: those that are watched."""
    known = {**KOPFS_OWN, **{kind: RESOURCES[kind] for kind in kinds}}
    versions = sorted({resource.api_version for resource in known.values()})
    if path == "/api":
        return {"kind": "APIVersions", "versions": [version for version in versions if "/" not in version]}
    if path == "/apis":
        return {"kind": "APIGroupList", "groups": [_group(version) for version in versions if "/" in version]}
    for version in versions:
        if path == f"/{'apis' if '/' in version else 'api'}/{version}":
            rows = [_row(kind, resource) for kind, resource in known.items() if resource.api_version == version]
            return {"kind": "APIResourceList", "groupVersion": version, "resources": rows}
    return None


def _group(api_version: str) -> Json:
    group, _, version = api_version.partition("/")
    of_version = {"groupVersion": api_version, "version": version}
    return {"name": group, "versions": [of_version], "preferredVersion": of_version}


def _row(kind: str, resource: Resource) -> Json:
    return {
        "name": resource.plural,
        "singularName": kind.lower(),
        "kind": kind,
        "namespaced": kind not in KOPFS_OWN,
        "verbs": ["list", "watch"],
    }
