"""The EndpointPools of the cluster that KUBECONFIG (or the Pod) points at."""

from collections.abc import Mapping, Sequence

from pydantic import ConfigDict

from poolkeeper.api.base import Model
from poolkeeper.api.labels import CLI_FIELD_MANAGER
from poolkeeper.errors import UserError
from poolkeeper.kube.client import RESOURCES, KubeApi, find_cluster
from poolkeeper.local.run_record import PoolRecord


class _Pools(Model):
    model_config = ConfigDict(extra="ignore")

    items: tuple[PoolRecord, ...] = ()


async def cluster_pools(namespace: str | None) -> Sequence[PoolRecord]:
    """Of one namespace, which is all that some people may see, or of all."""
    try:
        cluster = await find_cluster()
    except UserError as error:
        raise UserError(f"no `poolkeeper run` on this machine, and {error}") from error
    api = KubeApi(cluster.client(), wrote=lambda kind, verb: None)
    resource = RESOURCES["EndpointPool"]
    try:
        everywhere = f"/apis/{resource.api_version}/{resource.plural}"
        found = await api.get_path(resource.path(namespace) if namespace else everywhere)
    finally:
        await api.close()
    if found is None:
        raise UserError(f"{cluster.server} has no EndpointPool CRD; install Poolkeeper there first (charts/poolkeeper)")
    return _Pools.model_validate(found).items


async def annotate(namespace: str, name: str, changes: Mapping[str, str | None]) -> None:
    """A merge patch of exactly these annotations, so that nobody else's are touched: neither those of the manifest nor
    what another person sets at the same time."""
    cluster = await find_cluster()
    api = KubeApi(cluster.client(), wrote=lambda kind, verb: None)
    try:
        patch = {"metadata": {"annotations": dict(changes)}}
        found = await api.merge("EndpointPool", namespace, name, patch, manager=CLI_FIELD_MANAGER)
    finally:
        await api.close()
    if found is None:
        raise UserError(f"EndpointPool {namespace}/{name} does not exist any more on {cluster.server}")
