"""Catching what the watches missed: every minute or so, what exists is compared with what we know.

Any watch may lose an event, and a proxy in between may lose many. Only names and versions are listed; what differs is
read.
"""

from collections.abc import Callable, Mapping, Sequence

from poolkeeper.errors import RetryLater
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.json_fields import Json, natural, text
from poolkeeper.kube.store import Ref, Store


async def sweep(
    api: KubeApi,
    store: Store,
    selectors: Mapping[str, str],
    namespaces: Sequence[str],
    missed: Callable[[Ref, str, Json | None], None],
) -> None:
    """selectors: kind -> label selector. namespaces: "" for all. missed: gets each object that differs, with the uid
    that we know of it and how it really is."""
    for kind, selector in selectors.items():
        for namespace in namespaces:
            known = {ref: at for ref, at in store.reported(kind).items() if namespace in ("", ref.namespace)}
            there: dict[Ref, int] = {}
            async for page in api.metadata_pages(kind, namespace, selector):
                there |= _versions(kind, page)
            for ref in sorted(known.keys() | there.keys()):
                if known.get(ref) != there.get(ref):
                    seen = store.get(ref)
                    missed(ref, seen.uid if seen else "", await api.get(ref.kind, ref.namespace, ref.name))


def _versions(kind: str, listed: Sequence[Mapping[str, object]]) -> dict[Ref, int]:
    found: dict[Ref, int] = {}
    for item in listed:
        version = natural(text(item, "metadata", "resourceVersion"))
        if version is None:
            raise RetryLater(f"listing {kind}: an object's resourceVersion is no number")
        found[Ref(kind, text(item, "metadata", "namespace"), text(item, "metadata", "name"))] = version
    return found
