"""The operator as one process: what runs, in what order it starts, and what ends it.

It is ready once the API server knows our kinds and can be watched, also while another replica holds the Lease: then it
watches as well, so that it knows everything when it is its turn. The work starts with the Lease and ends with it: a
process that loses it exits at once, because another may already be writing; one that cannot watch gives it up, or does
not take it. The end never waits for anybody: the watchdog sees to it.
"""

import asyncio
import logging
import random
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from poolkeeper.api.probe_document import Amount
from poolkeeper.clock import now
from poolkeeper.errors import PoolkeeperError, RetryLater, UserError
from poolkeeper.handlers import health, liveness
from poolkeeper.handlers.dispatch import Dispatcher
from poolkeeper.handlers.enqueue import Inbox
from poolkeeper.handlers.router_poller import Poller
from poolkeeper.handlers.standby import Standby
from poolkeeper.handlers.state_fingerprint import meaning
from poolkeeper.handlers.watch.answers import Place
from poolkeeper.handlers.watch.report import WatchReport
from poolkeeper.handlers.watch.scopes import Scopes
from poolkeeper.handlers.watch.streams import in_words
from poolkeeper.handlers.watch.watches import SELECTORS, Wanted, Watches
from poolkeeper.handlers.watchdog import Watchdog
from poolkeeper.handlers.work_queue import WorkQueue
from poolkeeper.handlers.workers import Workers
from poolkeeper.kube.backend import KubeBackend
from poolkeeper.kube.client import RESOURCES, Cluster, KubeApi, find_cluster
from poolkeeper.kube.events import Recorder
from poolkeeper.kube.installed import not_installed
from poolkeeper.kube.lease import Lease
from poolkeeper.kube.store import Ref, Store
from poolkeeper.kube.sweep import sweep
from poolkeeper.plan.snapshot import PoolKey, Settings
from poolkeeper.routers.state_client import RouterStates
from poolkeeper.telemetry.metrics import CONTENT_TYPE, Metrics

LOG = logging.getLogger(__name__)

INSTALL_WAIT_S = 60.0
"""Helm may create our kinds in the same moment as our Pod."""
RETRY_S = 2.0
OBJECTS_AT_FULL_PACE = 2000
"""With more objects than that the sweeps come less often."""
REPORT_S = 1.0
ENDS_WITHIN_S = 10.0
"""A Pod's grace period is 30 s."""
RELEASE_S = 3.0
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Options:
    """namespaces: none for all. lease_name: one for each installation. lease_namespace: empty for the Pod's own.
    sweep_s: how often what exists is compared with what the watches have reported."""

    settings: Settings
    namespaces: tuple[str, ...]
    leader_elect: bool
    lease_name: str
    lease_namespace: str
    metrics_listen: str
    parallel: int
    sweep_s: float


async def serve(options: Options) -> int:
    """Run until asked to end; the process's exit code."""
    watchdog = Watchdog()
    stop = asyncio.Event()

    def ends() -> None:
        watchdog.ends_within(ENDS_WITHIN_S)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics = Metrics()
    cluster = await find_cluster()
    metrics.expect_writes(RESOURCES)
    routers = RouterStates(reported=metrics.router_reported)
    async with cluster.api(metrics.wrote, metrics.write_failed) as api:
        operator = Operator(options, cluster, api, routers, metrics, ends)
        pages = await health.serve(
            options.metrics_listen, operator.dead, operator.readiness, metrics.text, CONTENT_TYPE
        )
        LOG.info("works on %s, %s", cluster.server, ", ".join(options.namespaces) or "all namespaces")
        try:
            await first(operator.run(), stop.wait(), _turn(watchdog, metrics.loop_lagged), ends=ends)
        except PoolkeeperError as error:
            LOG.error("%s", error)
            return 1
        finally:
            await pages.cleanup()
    LOG.info("ended as asked")
    return 0


async def _turn(watchdog: Watchdog, loop_lagged: Callable[[float], None]) -> None:
    while True:
        watchdog.turned()
        due_s = time.monotonic() + REPORT_S
        await asyncio.sleep(REPORT_S)
        loop_lagged(time.monotonic() - due_s)


class Operator:
    """ends: called when the end has begun."""

    def __init__(
        self,
        options: Options,
        cluster: Cluster,
        api: KubeApi,
        routers: RouterStates,
        metrics: Metrics,
        ends: Callable[[], None],
    ) -> None:
        self._options = options
        self._api = api
        self._metrics = metrics
        self._ends = ends
        self._store = Store()
        self._synced = asyncio.Event()
        self._queue: WorkQueue[Ref] = WorkQueue(random.random)
        self._identity = f"{socket.gethostname()}_{uuid4().hex[:8]}"
        recorder = Recorder(api, self._identity, now)
        backend = KubeBackend(
            api,
            self._store,
            options.settings,
            recorder,
            self._probed,
            metrics.children_contested,
            metrics.rollouts_waiting,
        )
        turns = Dispatcher(backend, metrics, lambda namespace: namespace not in self._watches.look().unreadable)
        self._workers = Workers(self._queue, turns.take, options.parallel, time.monotonic, metrics.reconciled)
        self._standby = Standby(self._workers.enqueue, lambda ref: self._store.get(ref) is not None)
        self._scopes = Scopes(tuple(SELECTORS), options.namespaces, self._standby.tell)
        self._inbox = Inbox(self._store, self._scopes.tell, self._has_listed)
        self._watches = Watches(cluster, Wanted(options.namespaces, self._gives_up), self._inbox)
        self._watch_report = WatchReport(options.namespaces, metrics.namespace_readable)
        self._poller = Poller(self._store, routers, meaning, now, self._scopes.tell, metrics.routers_silent)
        self._waits_for = "starting"
        self._stands_by = ""
        metrics.watch_queue(lambda: self._queue.depth(time.monotonic()), lambda: self._queue.oldest_s(time.monotonic()))
        for kind in SELECTORS:
            metrics.watch_age(kind, partial(self._watches.age_s, kind))

    async def run(self) -> None:
        await self._installed()
        turn = self._lead() if self._options.leader_elect else self._work()
        await first(self._watches.run(), self._report_watches(), turn, ends=self._ends)

    def dead(self) -> Sequence[str]:
        return liveness.problems(self._watches.look(), self._queue.oldest_s(time.monotonic()))

    def readiness(self) -> health.Readiness:
        if self._waits_for:
            return health.Readiness([self._waits_for])
        seen = self._watches.look()
        left_out = [f"namespace {name} cannot be read and is left out: {why}" for name, why in seen.unreadable.items()]
        stands_by = [f"stands by: {self._stands_by}"] if self._stands_by else []
        return health.Readiness(in_words(seen.problems), [*stands_by, *left_out])

    def _probed(self, key: PoolKey, cost: Sequence[Amount]) -> None:
        for amount in cost:
            self._metrics.probe_cost(key.namespace, key.name, amount.currency, float(amount.amount))

    def _has_listed(self, place: Place) -> None:
        self._scopes.has_listed(place)
        if self._scopes.known:
            self._synced.set()

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

    def _gives_up(self) -> bool:
        """Another may replace it."""
        return self._options.leader_elect and self._standby.is_over

    def _is_blind(self) -> str:
        """Why it had better not lead now, or ""."""
        seen = self._watches.look()
        return f"it cannot watch: {'; '.join(in_words(seen.problems)[:3])}" if seen.is_hopeless else ""

    async def _lead(self) -> None:
        await self._synced.wait()
        lease = Lease(
            self._api,
            self._lease_namespace(),
            self._options.lease_name,
            self._identity,
            now,
            time.monotonic,
            changed_hands=self._metrics.lease_transitions,
        )
        await lease.acquire(self._waits, self._is_blind)
        self._stands_by = ""
        LOG.info("holds the Lease %s/%s as %s", self._lease_namespace(), self._options.lease_name, self._identity)
        lost = asyncio.create_task(lease.hold())
        try:
            await first(self._work(), asyncio.wait([lost]), ends=self._ends)
        finally:
            if not lost.done():
                await self._give_up(lease, lost)
        raise RetryLater(lost.result())

    def _waits(self, why: str) -> None:
        self._stands_by = why
        LOG.info("%s", why)

    async def _give_up(self, lease: Lease, holding: asyncio.Task[str]) -> None:
        """So that the next one may start at once. Only after all work has ended."""
        holding.cancel()
        await asyncio.wait([holding])
        try:
            async with asyncio.timeout(RELEASE_S):
                await lease.release()
        except (PoolkeeperError, TimeoutError) as error:
            LOG.warning("the Lease could not be given up, it ends by itself: %s", error)

    async def _work(self) -> None:
        self._metrics.leading(True)
        self._standby.end()
        await first(self._workers.run(), self._ask_routers(), self._sweep(), ends=self._ends)

    async def _ask_routers(self) -> None:
        await self._synced.wait()
        await self._poller.run()

    async def _report_watches(self) -> None:
        while True:
            self._watch_report.look(self._watches.look())
            await asyncio.sleep(REPORT_S)

    async def _sweep(self) -> None:
        await self._synced.wait()
        while True:
            stretched = max(1.0, len(self._store) / OBJECTS_AT_FULL_PACE)
            await asyncio.sleep(self._options.sweep_s * stretched * random.uniform(0.9, 1.1))
            for namespace in self._scopes.known:
                if namespace not in self._watches.look().unreadable:
                    await self._sweep_of(namespace)

    async def _sweep_of(self, namespace: str) -> None:
        try:
            await sweep(self._api, self._store, SELECTORS, (namespace,), self._inbox.missed)
        except PoolkeeperError as error:
            LOG.warning("comparing with the API server: %s", error)

    def _lease_namespace(self) -> str:
        if self._options.lease_namespace:
            return self._options.lease_namespace
        return NAMESPACE_FILE.read_text() if NAMESPACE_FILE.exists() else "default"


async def first(*running: Coroutine[object, object, object], ends: Callable[[], None]) -> None:
    """Run them all until one ends, end the others, and raise what it raised. ends: called when one has ended."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in running]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ends()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
