"""What a support bundle holds of a pool in a cluster: what is declared, what there is, what happened, what routers say.

No Secret is ever asked for. Of objects that are not ours only metadata is taken, of annotations only Poolkeeper's own:
people keep all kinds of things in them. What the person who asks may not see is noted, not a failure.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import yaml

from poolkeeper.api import labels
from poolkeeper.api.base import GROUP
from poolkeeper.errors import Refused, RetryLater
from poolkeeper.kube.client import RESOURCES, KubeApi
from poolkeeper.kube.json_fields import Json, find, mapping, rows, text, texts
from poolkeeper.kube.pool_details import admin_path, pods
from poolkeeper.plan.child_names import child_name
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.render.metadata import CONFIG_FILE

CHILD_KINDS = tuple(kind for kind in RESOURCES if kind not in ("EndpointPool", "FailoverPolicy", "Event", "Lease"))
METADATA = (
    "name",
    "namespace",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "labels",
    "ownerReferences",
)


async def collect(api: KubeApi, key: PoolKey) -> tuple[dict[str, str], list[str]]:
    """Files by their names, and what could not be had."""
    files: dict[str, str] = {}
    notes: list[str] = []
    parts: Sequence[tuple[str, Callable[[], Awaitable[Mapping[str, str]]]]] = (
        ("the pool and its policy", lambda: _declared(api, key)),
        *((f"objects: {kind}", partial(_children, api, key, kind)) for kind in CHILD_KINDS),
        ("the Pods' status", lambda: _pod_status(api, key)),
        ("the Deployment", lambda: _images(api, key)),
        ("the routers' configuration", lambda: _served(api, key)),
        ("Events", lambda: _events(api, key)),
        ("the routers' own pages (it wants pods: list, pods/proxy: get)", lambda: _routers(api, key)),
        ("the API server's version", lambda: _version(api)),
    )
    for what, gather in parts:
        try:
            files.update(await gather())
        except (Refused, RetryLater) as error:
            notes.append(f"{what}: {error}")
    return files, notes


async def _declared(api: KubeApi, key: PoolKey) -> Mapping[str, str]:
    pool = await api.get("EndpointPool", key.namespace, key.name)
    if pool is None:
        return {}
    name = text(pool, "spec", "failoverPolicyRef", "name")
    policy = await api.get("FailoverPolicy", key.namespace, name) if name else None
    files = {"pool.yaml": _yaml(_without_strangers(pool))}
    return {**files, "policy.yaml": _yaml(_without_strangers(policy))} if policy else files


async def _children(api: KubeApi, key: PoolKey, kind: str) -> Mapping[str, str]:
    listed = await api.list_metadata(kind, key.namespace, _selector(key))
    return {f"objects/{kind}.yaml": _yaml([_metadata(one) for one in listed])}


async def _pod_status(api: KubeApi, key: PoolKey) -> Mapping[str, str]:
    names = [text(one, "metadata", "name") for one in await api.list_metadata("Pod", key.namespace, _selector(key))]
    bodies = [await api.get("Pod", key.namespace, name) for name in names]
    return {"pods.yaml": _yaml({text(body, "metadata", "name"): find(body, "status") for body in bodies if body})}


async def _images(api: KubeApi, key: PoolKey) -> Mapping[str, str]:
    body = await api.get("Deployment", key.namespace, child_name(key))
    found = [
        f"{text(one, 'name')}: {text(one, 'image')}" for one in rows(body, "spec", "template", "spec", "containers")
    ]
    return {"images.txt": "\n".join(found) + "\n"}


async def _served(api: KubeApi, key: PoolKey) -> Mapping[str, str]:
    """The document has names of files where keys belong."""
    body = await api.get("ConfigMap", key.namespace, child_name(key))
    document = texts(body, "data").get(CONFIG_FILE)
    return {CONFIG_FILE: document} if document else {}


async def _events(api: KubeApi, key: PoolKey) -> Mapping[str, str]:
    listed = await api.get_path(RESOURCES["Event"].path(key.namespace))
    ours = (key.name, f"{child_name(key)}", f"{child_name(key, 'probe')}")
    found = [
        {
            name: one[name]
            for name in ("eventTime", "type", "reason", "action", "note", "regarding", "series")
            if name in one
        }
        for one in rows(listed, "items")
        if _is_of(text(one, "regarding", "name"), ours)
    ]
    return {"events.yaml": _yaml(found)}


async def _routers(api: KubeApi, key: PoolKey) -> Mapping[str, str]:
    files = {}
    for pod in await pods(api, key, "router"):
        for page, name in (("state", "state.json"), ("metrics", "metrics.txt")):
            content = await api.get_text(admin_path(key, pod, page))
            if content is not None:
                files[f"routers/{pod}/{name}"] = content
    return files


async def _version(api: KubeApi) -> Mapping[str, str]:
    return {"kubernetes.json": json.dumps(await api.get_path("/version"), indent=2)}


def _selector(key: PoolKey) -> str:
    return f"{labels.POOL}={key.name}"


def _is_of(name: str, ours: tuple[str, str, str]) -> bool:
    """The pool itself, and what is named after its router or probe."""
    pool, *children = ours
    return name == pool or any(name == child or name.startswith(f"{child}-") for child in children)


def _without_strangers(body: Json) -> Json:
    return {**{name: part for name, part in body.items() if name != "metadata"}, "metadata": _metadata(body)}


def _metadata(body: Mapping[str, object]) -> Mapping[str, object]:
    metadata = mapping(body, "metadata")
    ours = {name: value for name, value in texts(metadata, "annotations").items() if GROUP in name}
    kept = {name: metadata[name] for name in METADATA if name in metadata}
    return {**kept, "annotations": ours} if ours else kept


def _yaml(body: object) -> str:
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=120))
