"""The Deployments of cold standbys: how many replicas each has, and what else scales it.

Read by name, as everything that a pool refers to. The scale is read, too: who may not read it may not change it, and
that must be known before the night it is needed.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from poolkeeper.errors import Refused
from poolkeeper.kube.client import RESOURCES, KubeApi
from poolkeeper.kube.json_fields import Json, count, find, mapping, rows, text
from poolkeeper.plan.snapshot import LiveScale

MOST_AUTOSCALERS = 500
NAME_CHARS = 128
SCALED_OBJECTS = "/apis/keda.sh/v1alpha1/namespaces/{}/scaledobjects"


async def live_scales(
    api: KubeApi, namespace: str, names: Sequence[str], refusals: Mapping[str, str]
) -> Mapping[str, LiveScale]:
    """Of those that exist. refusals: why the last try to scale one was refused."""
    if not names:
        return {}
    autoscalers, found = await asyncio.gather(
        _autoscalers(api, namespace),
        asyncio.gather(*(_read(api, namespace, name) for name in names)),
    )
    return {
        name: _scale(body, autoscalers.get(name, ""), refusals.get(name) or refusal)
        for name, (body, refusal) in zip(names, found, strict=True)
        if body is not None
    }


async def _read(api: KubeApi, namespace: str, name: str) -> tuple[Json | None, str]:
    """The Deployment, and why its scale may not be read ("": it may)."""
    body = await api.get("Deployment", namespace, name)
    if body is None:
        return None, ""
    try:
        await api.get_path(RESOURCES["Deployment"].path(namespace, name, "scale"))
    except Refused as refused:
        return body, str(refused)
    return body, ""


async def _autoscalers(api: KubeApi, namespace: str) -> Mapping[str, str]:
    """Deployment -> what scales it."""
    query = {"limit": str(MOST_AUTOSCALERS)}
    listed = await api.get_path(RESOURCES["HorizontalPodAutoscaler"].path(namespace), query)
    return {**dict(_targets("HorizontalPodAutoscaler", listed)), **dict(await _keda(api, namespace, query))}


async def _keda(api: KubeApi, namespace: str, query: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Nothing where KEDA is not installed. A ScaledObject makes an HPA, but not while it is paused."""
    try:
        return tuple(_targets("KEDA's ScaledObject", await api.get_path(SCALED_OBJECTS.format(namespace), query)))
    except Refused:
        return ()  # without the standby's Role, which the scale itself reports


def _targets(what: str, listed: Json | None) -> Iterator[tuple[str, str]]:
    for body in rows(listed, "items"):
        target = mapping(body, "spec", "scaleTargetRef")
        if target.get("kind", "Deployment") == "Deployment" and isinstance(target.get("name"), str):
            yield str(target["name"]), f"{what} {text(body, 'metadata', 'name')[:NAME_CHARS]}"


def _scale(body: Json, autoscaler: str, refusal: str) -> LiveScale:
    replicas = find(body, "spec", "replicas")
    return LiveScale(
        replicas=1 if replicas is None else count(body, "spec", "replicas"),
        ready_replicas=count(body, "status", "readyReplicas"),
        version=text(body, "metadata", "resourceVersion"),
        autoscaler=autoscaler,
        refusal=refusal,
    )
