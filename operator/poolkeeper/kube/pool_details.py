"""What the cluster knows of a pool beyond its status, as far as the person who asks may look: the spec's references to
keys, the last result of a probe that is still there, and the routers' own /state through the API server.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.api.router_state import RouterState
from poolkeeper.errors import Refused, RetryLater
from poolkeeper.kube.client import RESOURCES, KubeApi
from poolkeeper.kube.json_fields import Json, rows, text
from poolkeeper.kube.observe import observe
from poolkeeper.plan.child_names import Component, selector
from poolkeeper.plan.endpoints import secret_source
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.render.metadata import ADMIN_PORT, CONTAINER

LOG_LINES = 100_000
"""Of each router, the youngest."""


@dataclass
class Insight:
    """notes: what could not be looked at, and why."""

    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    routers: dict[str, RouterState] = field(default_factory=dict)
    result: ProbeResult | None = None
    notes: list[str] = field(default_factory=list)


async def look(api: KubeApi, key: PoolKey) -> Insight:
    found = Insight(keys=_keys(await api.get("EndpointPool", key.namespace, key.name)))
    await _result(api, key, found)
    await _routers(api, key, found)
    return found


async def metrics(api: KubeApi, key: PoolKey, routers: Iterable[str]) -> Mapping[str, str]:
    """Of the routers that reported their state: the same permission shows these. One that is gone by now is skipped."""
    found: dict[str, str] = {}
    for name in routers:
        try:
            content = await api.get_text(admin_path(key, name, "metrics"))
        except (Refused, RetryLater):
            continue
        if content is not None:
            found[name] = content
    return found


async def candidates(api: KubeApi, key: PoolKey, query: Mapping[str, str]) -> Mapping[str, str | None]:
    """Each router's answer to which endpoints a request would find now; None: it has no such page."""
    names = await pods(api, key, "router")
    return {name: await api.get_text(admin_path(key, name, "candidates"), query) for name in names}


async def logs(api: KubeApi, key: PoolKey, most_lines: int = LOG_LINES) -> Mapping[str, str]:
    """Of each router Pod, the youngest part of its log. One that cannot be read (its container has not started) is left
    out; an error is that none can."""
    found: dict[str, str] = {}
    refusal: Refused | RetryLater | None = None
    for name in await pods(api, key, "router"):
        path = RESOURCES["Pod"].path(key.namespace, name, "log")
        try:
            found[name] = await api.get_text(path, {"container": CONTAINER, "tailLines": str(most_lines)}) or ""
        except (Refused, RetryLater) as error:
            refusal = error
    if refusal and not found:
        raise refusal
    return found


async def pods(api: KubeApi, key: PoolKey, component: Component) -> Sequence[str]:
    """Their names, the youngest first."""
    wanted = ",".join(f"{name}={value}" for name, value in sorted(selector(key, component).items()))
    listed = await api.list_metadata("Pod", key.namespace, wanted)
    youngest = sorted(listed, key=lambda pod: text(pod, "metadata", "creationTimestamp"), reverse=True)
    return [text(pod, "metadata", "name") for pod in youngest]


def admin_path(key: PoolKey, pod: str, page: str) -> str:
    """A page of a router's admin port, through the API server."""
    return RESOURCES["Pod"].path(key.namespace, f"{pod}:{ADMIN_PORT}", "proxy") + f"/{page}"


def _keys(pool: Json | None) -> Mapping[str, Sequence[str]]:
    found = {text(endpoint, "name"): tuple(_sources(endpoint)) for endpoint in rows(pool, "spec", "endpoints")}
    return {name: sources for name, sources in found.items() if sources}


def _sources(endpoint: Mapping[str, object]) -> Iterator[str]:
    if text(endpoint, "credentialsRef", "name"):
        yield secret_source(text(endpoint, "credentialsRef", "name"), text(endpoint, "credentialsRef", "key"))
    for ref in rows(endpoint, "credentialsRefs"):
        yield secret_source(text(ref, "name"), text(ref, "key"))


async def _result(api: KubeApi, key: PoolKey, found: Insight) -> None:
    try:
        for name in await pods(api, key, "probe"):
            body = await api.get("Pod", key.namespace, name)
            fact = observe({**body, "kind": "Pod"}).fact if body else None
            if isinstance(fact, ProbeResult):
                found.result = fact
                return
    except (Refused, RetryLater) as error:
        found.notes.append(f"the probe's Pods cannot be looked at: {error}")


async def _routers(api: KubeApi, key: PoolKey, found: Insight) -> None:
    try:
        names = await pods(api, key, "router")
        for name in names:
            state = await api.get_text(admin_path(key, name, "state"))
            if state is not None:
                found.routers[name] = RouterState.model_validate_json(state)
    except (Refused, RetryLater) as error:
        found.notes.append(f"routers cannot be asked (it wants pods: list, pods/proxy: get): {error}")
    except ValidationError:
        found.notes.append("a router's /state is not one that this command can read")
