"""Gathering for `poolkeeper explain` and the dashboard: from the run that serves the pool on this machine, else from
the cluster."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from poolkeeper import clock
from poolkeeper.diagnostics.endpoint_facts import Seen
from poolkeeper.diagnostics.pool_locator import LOCAL_ROUTER, Target
from poolkeeper.errors import RetryLater
from poolkeeper.local import key_sources, probe_results, run_record
from poolkeeper.local.state_dir import StateDir
from poolkeeper.plan.snapshot import LivePod, PoolKey, RouterReport
from poolkeeper.routers.admin_page import fetch
from poolkeeper.routers.state_client import RouterStates


def gather(target: Target, with_metrics: bool = False) -> Seen:
    if target.state:
        return asyncio.run(_of_a_run(target.state, with_metrics))
    meta = target.pool.metadata
    return asyncio.run(_of_the_cluster(PoolKey(meta.namespace, meta.name), with_metrics))


async def _of_a_run(state: StateDir, with_metrics: bool) -> Seen:
    run = run_record.read(state)
    address = urlsplit(run.admin_url) if run else None
    reports: tuple[RouterReport, ...] = ()
    if address and address.hostname and address.port:
        states = RouterStates(port=address.port)
        pod = LivePod(LOCAL_ROUTER, address.hostname, ready=True, terminating=False, config_generation=0)
        reports = await states.ask((pod,), (), clock.now())
    results = probe_results.results(state)
    return Seen(
        keys=key_sources.keys(state),
        routers={report.pod: report.state for report in reports if report.state},
        result=results[0] if results else None,
        notes=tuple(f"the router did not report its state: {report.error}" for report in reports if report.error),
        metrics=await _metrics(run.admin_url) if run and with_metrics else {},
    )


async def _metrics(admin_url: str) -> Mapping[str, str]:
    """None of a router that does not answer: a note already says that its state is missing."""
    try:
        return {LOCAL_ROUTER: await fetch(f"{admin_url}/metrics")}
    except RetryLater:
        return {}


async def _of_the_cluster(key: PoolKey, with_metrics: bool) -> Seen:
    from poolkeeper.kube.client import open_api  # a laptop without a cluster does not pay for its client
    from poolkeeper.kube.pool_details import look, metrics

    async with open_api() as api:
        found = await look(api, key)
        counted = await metrics(api, key, found.routers) if with_metrics else {}
    return Seen(found.keys, found.routers, found.result, tuple(found.notes), counted)
