"""reconcile.Backend over files: gather reads manifests, apply fills the router's volumes, publish shows the status.

Whatever is wrong with any of the files holds the whole pool: the problems are shown, and the last good configuration
keeps serving. So a half-saved file, or a Secret that is not there yet, never takes a working router away.
"""

import platform
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from poolkeeper.api import labels
from poolkeeper.api.base import Problem
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.api.startup_hints import NO_NEWS, News, news_in
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.errors import RetryLater
from poolkeeper.local import manual_overrides, probe_results, reference_check
from poolkeeper.local.manifest_files import Finding, Place, files_in
from poolkeeper.local.manifests import Declared, Name, load, snapshot_of
from poolkeeper.local.state_dir import StateDir
from poolkeeper.local.volumes import Kind, RenderedConfigMap, environment_of, job_of, materialise, volumes_of
from poolkeeper.plan.snapshot import (
    Live,
    LiveDeployment,
    LivePod,
    Manifest,
    PoolKey,
    RouterReport,
    Settings,
    Snapshot,
)
from poolkeeper.render.metadata import CONFIG_FILE
from poolkeeper.status.cold_standby import ScaleOrder
from poolkeeper.status.evaluate import StatusUpdate

POD = "local"
"""The one router's name, where a cluster has Pod names."""

POOLS_OWN = frozenset({"POOLKEEPER_CACHE_BYTES"})
"""Of the environment that a router is started with, what the pool decides; the rest (where it listens) is the run's."""

Ask = Callable[[Sequence[LivePod], Sequence[RouterReport]], Awaitable[tuple[RouterReport, ...]]]
"""What does the router say? (routers/state_client.py, which this layer does not know)"""


@dataclass(frozen=True)
class Sources:
    """Where the declaration comes from: files, which may change, and values of the environment, which do not."""

    given: tuple[Path, ...]
    secret_values: Mapping[tuple[str, str], bytes] = field(default_factory=dict)

    def stamp(self) -> object:
        """Changes when any of the files may have."""
        return tuple((path, _stat(path)) for path in files_in(self.given))

    def read(self, key: PoolKey, settings: Settings) -> tuple[Declared, tuple[Finding, ...]]:
        """All that is declared, and all that stands against serving it."""
        declared = load(self.given, local=True).with_secret_values(key.namespace, self.secret_values)
        found = [
            *declared.findings,
            *reference_check.findings(declared, settings, complete=True),
            *_not_one(declared, key),
        ]
        return declared, tuple(sorted(found, key=lambda finding: finding.place))


@dataclass
class LocalBackend:
    """One pool and its one router. since: when the run began. on_findings hears the problems of the files whenever they
    change, also to none; on_edit, that valid files have changed."""

    key: PoolKey
    sources: Sources
    settings: Settings
    state: StateDir
    address: str
    admin_ip: str
    since: datetime
    ask: Ask
    on_findings: Callable[[Sequence[Finding]], None]
    on_update: Callable[[StatusUpdate], None]
    on_edit: Callable[[], None] = lambda: None
    _stamp: object = None
    _declared: Declared | None = None
    _findings: tuple[Finding, ...] = ()
    _generation: int = 0
    _document: tuple[int, str] = (0, "")
    _news: News = NO_NEWS
    _authorities: str = ""
    _environment: Mapping[str, str] = field(default_factory=dict)
    _reports: tuple[RouterReport, ...] = ()
    _previous: EndpointPoolStatus | None = None
    _good: Snapshot | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """What the pool decides of the environment that the router is started with."""
        return self._environment

    @property
    def at_start(self) -> object:
        """Changes with what the router takes in only when it starts: certificates to trust, and its environment."""
        return self._authorities, self._environment

    @property
    def is_ready(self) -> bool:
        """The router serves the document that was applied last."""
        states = [report.state for report in self._reports if report.state and not report.error]
        return any(state.ready and state.generation >= self._document[0] for state in states)

    async def gather(self, key: PoolKey) -> Snapshot | None:
        declared = self._look()
        generation, digest = self._document
        pod = LivePod(POD, self.admin_ip, self.is_ready, terminating=False, config_generation=generation)
        if generation:
            self._reports = await self.ask((pod,), self._reports)
        live = Live(
            document_generation=generation,
            document_hash=digest,
            news=self._news,
            deployment=LiveDeployment(
                replicas=1, ready_replicas=int(self.is_ready), updated_replicas=1, up_to_date=True
            ),
            pods=(replace(pod, ready=self.is_ready),),
            address=self.address,
            probes=probe_results.results(self.state),
            probing_since=self.since,
        )
        snapshot = self._snapshot(declared)
        return replace(
            snapshot,
            uid=f"{key} in {self.state.root.absolute()} of {platform.node()}",
            annotations=manual_overrides.over(snapshot.annotations, manual_overrides.read(self.state)),
            generation=self._generation,
            problems=tuple(_as_problem(finding) for finding in self._findings),
            previous=self._previous or EndpointPoolStatus(last_probe=probe_results.recall(self.state)),
            live=live,
            reports=self._reports,
        )

    async def apply(self, snapshot: Snapshot, objects: Sequence[Manifest]) -> None:
        """Of the children only what a router needs: the Deployment's volumes, and the ConfigMap in one of them."""
        rendered = [RenderedConfigMap.model_validate(item) for item in objects if item["kind"] == "ConfigMap"]
        probe_jobs = [job_of(item) for item in objects if _is_active_cronjob(item)]
        contents = self._contents() | {("ConfigMap", item.metadata.name): item.values() for item in rendered}
        volumes = [volumes_of(item, contents) for item in objects if item["kind"] == "Deployment"]
        probing = [volumes_of(item, contents) for item in probe_jobs]
        try:
            for found in volumes:
                materialise(self.state.volumes, found)
            for found in probing or [{}]:
                materialise(self.state.probe, found)
        except OSError as error:
            raise RetryLater(f"writing the router's files below {self.state.volumes}: {error.strerror}") from error
        self._authorities = snapshot.ca_digest
        for given in (environment_of(item) for item in objects if item["kind"] == "Deployment"):
            self._environment = {name: given[name] for name in POOLS_OWN & given.keys()}
        for item in rendered:
            annotations = item.metadata.annotations
            if labels.CONFIG_HASH in annotations:
                self._document = (int(annotations[labels.CONFIG_GENERATION]), annotations[labels.CONFIG_HASH])
                self._news = news_in(item.data[CONFIG_FILE])

    async def restore(self, snapshot: Snapshot) -> None:
        """Nobody but this process writes the state directory."""

    async def refresh_pods(self, snapshot: Snapshot, document: RouterDoc, now: datetime) -> None:
        """Nothing to do: the router looks at its files by itself."""

    async def publish(self, snapshot: Snapshot, update: StatusUpdate) -> None:
        before = self._previous.last_probe if self._previous else None
        if update.status.last_probe and update.status.last_probe != before:
            probe_results.remember(self.state, update.status.last_probe)
        self._previous = update.status
        self.on_update(update)

    async def scale(self, snapshot: Snapshot, orders: Sequence[ScaleOrder]) -> None:
        """Never asked for: there are no Deployments here."""

    def _look(self) -> Declared:
        """The files, read again when they may have changed."""
        stamp = self.sources.stamp()
        if self._declared is None or stamp != self._stamp:
            declared, findings = self.sources.read(self.key, self.settings)
            if findings != self._findings:
                self.on_findings(findings)
            elif self._declared not in (None, declared) and not findings:
                self.on_edit()
            if declared != self._declared:
                self._generation += 1
            self._declared, self._findings, self._stamp = declared, findings, stamp
        return self._declared

    def _snapshot(self, declared: Declared) -> Snapshot:
        """The pool as declared, or as it was before something went wrong: the router keeps serving it."""
        if not self._findings:
            snapshot = snapshot_of(declared, self.key, self.settings)
            self._good = replace(snapshot, pool=_with_one_router(declared.pools[self.key]))
        return self._good or Snapshot(key=self.key, uid="", generation=0, pool=None, settings=self.settings)

    def _contents(self) -> dict[tuple[Kind, str], Mapping[str, bytes]]:
        """Of the pool's own namespace, as for a Pod."""
        found: dict[tuple[Kind, str], Mapping[str, bytes]] = {}
        for name, values in (self._declared.contents if self._declared else {}).items():
            if name.namespace == self.key.namespace:
                found["Secret" if name.kind == "Secret" else "ConfigMap", name.name] = values
        return found


def _is_active_cronjob(item: Manifest) -> bool:
    """One that is suspended starts no Pod."""
    spec = item.get("spec")
    return item["kind"] == "CronJob" and not (isinstance(spec, Mapping) and spec.get("suspend"))


def _with_one_router(pool: EndpointPool) -> EndpointPool:
    router = pool.spec.router.model_copy(update={"replicas": 1})
    return pool.model_copy(update={"spec": pool.spec.model_copy(update={"router": router})})


def _not_one(declared: Declared, key: PoolKey) -> Iterator[Finding]:
    """One run serves one pool, the same from start to end."""
    given = sorted(name for name in declared.places if name.kind == "EndpointPool")
    for name in given:
        if PoolKey(name.namespace, name.name) != key:
            text = f"is a second pool; a run serves one, and this one serves {key}: start another run for it"
            yield Finding(declared.places[name], f"EndpointPool/{name.name}", Problem("", text))
    if Name("EndpointPool", key.namespace, key.name) not in given:
        text = f"the files no longer contain EndpointPool {key}, which this run serves; put it back, or end the run"
        yield Finding(Place(""), "", Problem("", text))


def _as_problem(finding: Finding) -> Problem:
    where = ": ".join(part for part in (str(finding.place), finding.object, finding.problem.path) if part)
    return Problem(where or "the files", finding.problem.message)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
