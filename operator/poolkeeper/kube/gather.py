"""Everything a decision about one pool may look at: from the store, and by reading what the pool refers to.

References are read each time and by name, never listed or watched: they carry no label of ours, and a namespace may
hold thousands. Secrets are not among them.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from poolkeeper.api.base import ConfigMapKeyRef
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.json_fields import Json, mapping, text
from poolkeeper.kube.live_scale import live_scales
from poolkeeper.kube.store import Address, DeclaredPolicy, Document, Probing, Store
from poolkeeper.plan.hashing import digest
from poolkeeper.plan.snapshot import Live, LiveDeployment, PoolKey, Settings, Snapshot

NONE: Mapping[str, str] = MappingProxyType({})


async def gather(
    api: KubeApi, store: Store, settings: Settings, key: PoolKey, refusals: Mapping[str, str] = NONE
) -> Snapshot | None:
    """refusals: Deployments that could not be scaled, and why."""
    found = store.pool(key)
    if found is None:
        return None
    seen, declared = found
    if declared.is_ending:
        return None  # ownerReferences remove the children
    pool, problems = declared.read()
    config_maps, services, scales = await asyncio.gather(
        _config_maps(api, key.namespace, pool),
        _services(api, key.namespace, pool),
        live_scales(api, key.namespace, pool.spec.standby_deployments if pool else (), refusals),
    )
    declared_policy = _policy(store, key.namespace, pool)
    policy, policy_problems = declared_policy.read() if declared_policy else (None, ())
    return Snapshot(
        key=key,
        uid=seen.uid,
        generation=declared.generation,
        pool=pool,
        settings=settings,
        problems=problems,
        policy=policy,
        policy_problems=policy_problems,
        policy_generation=declared_policy.generation if declared_policy and policy else 0,
        config_maps={name: _keys(body) for name, body in config_maps.items()},
        calendars=_calendars(pool, config_maps),
        services=services,
        scales=scales,
        ca_digest=_ca_digest(pool, config_maps),
        annotations=declared.annotations,
        previous=declared.status,
        live=_live(store, key, seen.uid, settings.cluster_domain),
        reports=store.reports(key),
    )


def _live(store: Store, key: PoolKey, uid: str, cluster_domain: str) -> Live:
    facts = [child.fact for child in store.children(key) if child.owner_uid == uid]
    document = next((fact for fact in facts if isinstance(fact, Document)), Document(0, ""))
    address = next((fact for fact in facts if isinstance(fact, Address)), None)
    return Live(
        document_generation=document.generation,
        document_hash=document.hash,
        news=document.news,
        deployment=next((fact for fact in facts if isinstance(fact, LiveDeployment)), None),
        pods=store.pods(key),
        address=_url(address, cluster_domain) if address else "",
        probes=store.probes(key),
        probing_since=next((fact.made_at for fact in facts if isinstance(fact, Probing)), None),
    )


def _url(address: Address, cluster_domain: str) -> str:
    port = "" if address.port == 80 else f":{address.port}"
    return f"http://{address.host}.{cluster_domain}{port}/v1"


def _policy(store: Store, namespace: str, pool: EndpointPool | None) -> DeclaredPolicy | None:
    reference = pool.spec.failover_policy_ref if pool else None
    found = store.policy(PoolKey(namespace, reference.name)) if reference else None
    return found[1] if found else None


async def _config_maps(api: KubeApi, namespace: str, pool: EndpointPool | None) -> Mapping[str, Json]:
    """Those that exist, by name."""
    dates = {calendar.config_map_ref.name for calendar in pool.spec.calendars} if pool else set()
    names = sorted({reference.name for reference in _authorities(pool)} | _samples(pool) | dates)
    found = await asyncio.gather(*(api.get("ConfigMap", namespace, name) for name in names))
    return {name: body for name, body in zip(names, found, strict=True) if body is not None}


async def _services(api: KubeApi, namespace: str, pool: EndpointPool | None) -> frozenset[str]:
    endpoints = pool.spec.endpoints if pool else ()
    names = sorted({endpoint.service_ref.name for endpoint in endpoints if endpoint.service_ref})
    found = await asyncio.gather(*(api.get("Service", namespace, name) for name in names))
    return frozenset(name for name, body in zip(names, found, strict=True) if body is not None)


def _authorities(pool: EndpointPool | None) -> tuple[ConfigMapKeyRef, ...]:
    endpoints = pool.spec.endpoints if pool else ()
    return tuple(endpoint.tls.ca_ref for endpoint in endpoints if endpoint.tls and endpoint.tls.ca_ref)


def _samples(pool: EndpointPool | None) -> set[str]:
    reference = pool.spec.probe.samples_ref if pool and pool.spec.probe else None
    return {reference.name} if reference else set()


def _calendars(pool: EndpointPool | None, config_maps: Mapping[str, Json]) -> Mapping[str, str]:
    """The text of each calendar that is there."""
    found = {}
    for calendar in pool.spec.calendars if pool else ():
        ref = calendar.config_map_ref
        if ref.key in mapping(config_maps.get(ref.name), "data"):
            found[str(calendar.name)] = text(config_maps[ref.name], "data", ref.key)
    return found


def _keys(body: Json) -> frozenset[str]:
    return frozenset(mapping(body, "data").keys() | mapping(body, "binaryData").keys())


def _ca_digest(pool: EndpointPool | None, config_maps: Mapping[str, Json]) -> str:
    """Over the certificates themselves: routers read them once, so a changed one must start new Pods."""
    wanted = sorted({(reference.name, reference.key) for reference in _authorities(pool)})
    return digest([[name, key, text(config_maps.get(name), "data", key)] for name, key in wanted]) if wanted else ""
