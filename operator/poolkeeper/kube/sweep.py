"""Catching what the watches missed: every so often, who is there is compared with who we think is there.

A watch that had to list anew never tells of an object that vanished meanwhile, and any watch may lose an event. Without
this, a deleted child would be "unchanged" for ever. Only names and versions are listed; what differs is read.
"""

from collections.abc import Callable, Mapping, Sequence

from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.json_fields import Json, text
from poolkeeper.kube.store import Ref, Store


async def sweep(
    api: KubeApi,
    store: Store,
    selectors: Mapping[str, str],
    namespaces: Sequence[str],
    missed: Callable[[Ref, Json | None], None],
) -> None:
    """selectors: kind -> label selector. namespaces: none for all. missed: told how each differing object really is."""
    for kind, selector in selectors.items():
        known = store.versions(kind)
        there: dict[Ref, int] = {}
        for namespace in namespaces or ("",):
            there.update(_versions(kind, await api.list_metadata(kind, namespace, selector)))
        for ref in sorted(known.keys() | there.keys()):
            if known.get(ref) != there.get(ref):
                missed(ref, await api.get(ref.kind, ref.namespace, ref.name))


def _versions(kind: str, listed: Sequence[Mapping[str, object]]) -> dict[Ref, int]:
    return {
        Ref(kind, text(item, "metadata", "namespace"), text(item, "metadata", "name")): int(
            text(item, "metadata", "resourceVersion")
        )
        for item in listed
    }
