"""The EndpointPools of the cluster that KUBECONFIG (or the Pod) points at."""

from collections.abc import Mapping, Sequence

from pydantic import ConfigDict

from poolkeeper.api.base import Model
from poolkeeper.api.labels import CLI_FIELD_MANAGER
from poolkeeper.errors import Refused, UserError
from poolkeeper.kube.choice import chosen
from poolkeeper.kube.client import RESOURCES, find_cluster
from poolkeeper.kube.kubeconfig import context_namespace
from poolkeeper.local.run_record import PoolRecord


class _Pools(Model):
    model_config = ConfigDict(extra="ignore")

    items: tuple[PoolRecord, ...] = ()


async def cluster_pools(namespace: str | None) -> Sequence[PoolRecord]:
    """Of the namespace that is named, else of the one of the kubeconfig's context; of all, if neither names one or
    somebody asks for all (-A)."""
    choice = chosen()
    try:
        cluster = await find_cluster()
    except UserError as error:
        raise (
            error if choice.is_explicit else UserError(f"no `poolkeeper run` on this machine, and {error}")
        ) from error
    place = namespace or ("" if choice.everywhere else context_namespace())
    async with cluster.api() as api:
        try:
            found = await api.get_path(RESOURCES["EndpointPool"].path(place))
        except Refused as error:
            raise UserError(_refused(place, str(error))) from error
    if found is None:
        raise UserError(f"{cluster.server} has no EndpointPool CRD; install Poolkeeper there first (charts/poolkeeper)")
    return _Pools.model_validate(found).items


def _refused(namespace: str, said: str) -> str:
    if namespace:
        return f"you may not list EndpointPools in namespace {namespace}: {said}. Name another with -n NAMESPACE"
    return f"you may not list the EndpointPools of all namespaces: {said}. Name a namespace with -n NAMESPACE"


async def annotate(namespace: str, name: str, changes: Mapping[str, str | None]) -> None:
    """A merge patch of exactly these annotations, so that nobody else's are touched: neither those of the manifest nor
    what another person sets at the same time."""
    cluster = await find_cluster()
    patch = {"metadata": {"annotations": dict(changes)}}
    async with cluster.api() as api:
        found = await api.merge("EndpointPool", namespace, name, patch, manager=CLI_FIELD_MANAGER)
    if found is None:
        raise UserError(f"EndpointPool {namespace}/{name} does not exist any more on {cluster.server}")
