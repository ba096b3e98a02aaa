"""The operator as one process: what runs, in what order it starts, and what ends it.

It is ready once the API server knows our kinds, also while another replica holds the Lease. The work starts with the
Lease and ends with it: whoever loses it exits at once, because another may already be writing.
"""

import asyncio
import logging
import random
import signal
import socket
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from poolkeeper.api.probe_document import Amount
from poolkeeper.clock import now
from poolkeeper.errors import PoolkeeperError, RetryLater, UserError
from poolkeeper.handlers import health, liveness
from poolkeeper.handlers.dispatch import Dispatcher
from poolkeeper.handlers.enqueue import Inbox
from poolkeeper.handlers.router_poller import Poller
from poolkeeper.handlers.state_fingerprint import meaning
from poolkeeper.handlers.watches import SELECTORS, Moves, watch
from poolkeeper.handlers.work_queue import WorkQueue
from poolkeeper.handlers.workers import Workers
from poolkeeper.kube.backend import KubeBackend
from poolkeeper.kube.client import Cluster, KubeApi, find_cluster
from poolkeeper.kube.events import Recorder
from poolkeeper.kube.installed import not_installed
from poolkeeper.kube.lease import Lease
from poolkeeper.kube.store import Ref, Store
from poolkeeper.kube.sweep import sweep
from poolkeeper.plan.snapshot import PoolKey, Settings
from poolkeeper.routers.state_client import RouterStates
from poolkeeper.telemetry.metrics import CONTENT_TYPE, Metrics

LOG = logging.getLogger(__name__)

LEASE_NAME = "poolkeeper-operator"
INSTALL_WAIT_S = 60.0
"""Helm may create our kinds in the same moment as our Pod."""
RETRY_S = 2.0
SWEEP_S = 600.0
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Options:
    """namespaces: none for all. lease_namespace: empty for the Pod's own."""

    settings: Settings
    namespaces: tuple[str, ...]
    leader_elect: bool
    lease_namespace: str
    metrics_listen: str
    parallel: int


async def serve(options: Options) -> int:
    """Run until told to end; the process's exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # until the watches start: kopf brings its own
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics = Metrics()
    cluster = await find_cluster()
    api = KubeApi(cluster.client(), metrics.wrote)
    routers = RouterStates(told=metrics.router_reported)
    operator = Operator(options, cluster, api, routers, metrics)
    pages = await health.serve(options.metrics_listen, operator.dead, operator.unready, metrics.text, CONTENT_TYPE)
    LOG.info("works on %s, %s", cluster.server, ", ".join(options.namespaces) or "all namespaces")
    try:
        await first(operator.run(), stop.wait())
    except PoolkeeperError as error:
        LOG.error("%s", error)
        return 1
    finally:
        await pages.cleanup()
        await api.close()
    LOG.info("ended as asked")
    return 0


class Operator:
    def __init__(
        self, options: Options, cluster: Cluster, api: KubeApi, routers: RouterStates, metrics: Metrics
    ) -> None:
        self._options = options
        self._cluster = cluster
        self._api = api
        self._metrics = metrics
        self._store = Store()
        self._moves = Moves()
        self._synced = asyncio.Event()
        self._queue: WorkQueue[Ref] = WorkQueue(random.random)
        self._identity = f"{socket.gethostname()}_{uuid4().hex[:8]}"
        recorder = Recorder(api, self._identity, now)
        backend = KubeBackend(api, self._store, options.settings, recorder, self._probed)
        turns = Dispatcher(backend, metrics)
        self._workers = Workers(self._queue, turns.take, options.parallel, time.monotonic, metrics.reconciled)
        self._inbox = Inbox(self._store, self._tell)
        self._poller = Poller(self._store, routers, meaning, now, self._workers.enqueue, metrics.routers_silent)
        self._waits_for = "starting"
        metrics.watch_queue(lambda: self._queue.depth(time.monotonic()), lambda: self._queue.oldest_s(time.monotonic()))
        for kind in SELECTORS:
            metrics.watch_age(kind, self._moves.age(kind))

    async def run(self) -> None:
        await self._installed()
        if self._options.leader_elect:
            await self._lead()
        else:
            await self._work()

    def dead(self) -> Sequence[str]:
        at_s = time.monotonic()
        return liveness.problems(liveness.Pulse(self._moves.tried_s, self._queue.oldest_s(at_s)), at_s)

    def unready(self) -> Sequence[str]:
        at_s = time.monotonic()
        return [self._waits_for] if self._waits_for else liveness.problems(liveness.Pulse(self._moves.heard_s, 0), at_s)

    def _probed(self, key: PoolKey, cost: Sequence[Amount]) -> None:
        for amount in cost:
            self._metrics.probe_cost(key.namespace, key.name, amount.currency, float(amount.amount))

    def _tell(self, ref: Ref) -> None:
        self._synced.set()  # nobody is told anything before every kind is listed in full
        self._workers.enqueue(ref)

    async def _installed(self) -> None:
        gives_up_s = time.monotonic() + INSTALL_WAIT_S
        while True:
            try:
                wrong = await not_installed(self._api)
            except RetryLater as error:  # no answer is no reason to give up
                wrong, gives_up_s = str(error), time.monotonic() + INSTALL_WAIT_S
            if wrong and time.monotonic() > gives_up_s:
                raise UserError(wrong)
            if wrong and wrong != self._waits_for:
                LOG.warning("waiting: %s", wrong)
            self._waits_for = wrong
            if not wrong:
                return
            await asyncio.sleep(RETRY_S)

    async def _lead(self) -> None:
        lease = Lease(self._api, self._lease_namespace(), LEASE_NAME, self._identity, now, time.monotonic)
        await lease.acquire(lambda why: LOG.info("%s", why))
        LOG.info("holds the Lease %s/%s as %s", self._lease_namespace(), LEASE_NAME, self._identity)
        lost = asyncio.create_task(lease.hold())
        await first(self._work(), asyncio.wait([lost]))
        if lost.done():
            raise RetryLater(lost.result())
        lost.cancel()
        await lease.release()

    async def _work(self) -> None:
        self._metrics.leading(True)
        await first(
            self._workers.run(),
            self._ask_routers(),
            self._sweep(),
            watch(self._cluster, self._options.namespaces, self._inbox, self._moves),
        )

    async def _ask_routers(self) -> None:
        await self._synced.wait()
        await self._poller.run()

    async def _sweep(self) -> None:
        await self._synced.wait()
        while True:
            await asyncio.sleep(SWEEP_S * random.uniform(0.9, 1.1))
            try:
                await sweep(self._api, self._store, SELECTORS, self._options.namespaces, self._inbox.missed)
            except PoolkeeperError as error:
                LOG.warning("comparing with the API server: %s", error)

    def _lease_namespace(self) -> str:
        if self._options.lease_namespace:
            return self._options.lease_namespace
        return NAMESPACE_FILE.read_text() if NAMESPACE_FILE.exists() else "default"


async def first(*running: Coroutine[object, object, object]) -> None:
    """Run them all until one ends, end the others, and raise what it raised.

    kopf takes every task that appears after it for its own and ends it with itself, so it comes last.
    """
    tasks = [asyncio.ensure_future(coroutine) for coroutine in running]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
