"""All the objects a pool is carried out by, in the order in which they are applied.

A ConfigMap comes first, because a Pod without it does not start. Every pool has the same five for its router; its
autoscaler comes and goes with spec.router.autoscaling, the three of the probe with spec.probe (a pool's end takes them
all, by their ownerReferences).
"""

from collections.abc import Mapping

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.probe_document import ProbeDoc
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.configmap import configmap, probe_configmap
from poolkeeper.render.cronjob import cronjob
from poolkeeper.render.deployment import deployment
from poolkeeper.render.hpa import hpa
from poolkeeper.render.networkpolicy import probe_network_policy, router_network_policy
from poolkeeper.render.poddisruptionbudget import poddisruptionbudget
from poolkeeper.render.service import service


def desired(snapshot: Snapshot, document: RouterDoc, probe: ProbeDoc | None = None) -> tuple[Manifest, ...]:
    pool = snapshot.pool
    if pool is None:
        raise AssertionError(f"{snapshot.key} has a document and no pool; resolve() never makes that")
    return (
        _plain_object(configmap(snapshot, document)),
        _plain_object(service(snapshot, pool)),
        *map(_plain_object, _network(snapshot, pool)),
        _plain_object(poddisruptionbudget(snapshot)),
        _plain_object(deployment(snapshot, pool, document)),
        *map(_plain_object, _autoscaling(snapshot, pool)),
        *map(_plain_object, _probing(snapshot, pool, probe)),
    )


def _autoscaling(snapshot: Snapshot, pool: EndpointPool) -> tuple[Manifest, ...]:
    wanted = pool.spec.router.autoscaling
    return (hpa(snapshot, wanted),) if wanted else ()


def _network(snapshot: Snapshot, pool: EndpointPool) -> tuple[Manifest, ...]:
    is_wanted = snapshot.settings.children.network_policy.enabled
    return (router_network_policy(snapshot, pool),) if is_wanted else ()


def _probing(snapshot: Snapshot, pool: EndpointPool, probe: ProbeDoc | None) -> tuple[Manifest, ...]:
    declared = pool.spec.probe
    if probe is None or declared is None:
        return ()
    alone = (probe_network_policy(snapshot),) if snapshot.settings.children.network_policy.enabled else ()
    return *alone, probe_configmap(snapshot, probe), cronjob(snapshot, pool, declared)


def _plain_object(manifest: Manifest) -> Manifest:
    return {str(key): _plain(value) for key, value in manifest.items()}


def _plain(value: object) -> object:
    """The value types of the API are strings with a meaning; the output is plain JSON for every writer."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
