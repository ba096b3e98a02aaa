"""Everything a decision about one pool may look at, gathered once and frozen.

A world (the cluster, or the files of `poolkeeper run`) does all the reading and builds a Snapshot; planning, rendering
and judging see nothing else. What is not in here cannot influence a decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from poolkeeper.api.base import Problem
from poolkeeper.api.endpoint_pool import EndpointPool, EndpointPoolStatus
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.api.installation import Children, Limits, OperatorPods
from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.api.router_state import RouterState
from poolkeeper.api.startup_hints import NO_NEWS, News

Manifest = Mapping[str, object]
"""One Kubernetes object as plain JSON data, ready to be applied or written out as YAML."""


NO_WISHES = Children()
OPERATOR_PODS = OperatorPods()


@dataclass(frozen=True, order=True, slots=True)
class PoolKey:
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Settings:
    """What the installation decides, not the pool: the same for all pools of one operator.

    probe_image: the operator's own, which is also the prober's. local: the file-backed world of `poolkeeper run`, where
    loopback endpoints are allowed. children: what all objects of pools get. limits: what pools may ask for (None:
    whatever they like, where there is nobody to protect, as in `poolkeeper run`). flapping_pace_s: how often, in
    seconds, a status that goes back and forth is published (0: each time).
    """

    router_image: str
    probe_image: str = ""
    cluster_domain: str = "cluster.local"
    image_pull_policy: str = "IfNotPresent"
    local: bool = False
    children: Children = NO_WISHES
    operator: OperatorPods = OPERATOR_PODS
    limits: Limits | None = None
    flapping_pace_s: int = 30


TroubleKind = Literal["Unschedulable", "NoImage", "OutOfMemory", "Ended", "NotCreated"]


@dataclass(frozen=True, slots=True)
class PodTrouble:
    """Why a Pod does not run. detail: an image, a limit, or the words of the cluster, bounded."""

    kind: TroubleKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LivePod:
    name: str
    ip: str
    ready: bool
    terminating: bool
    config_generation: int
    """The document generation last poked into its annotation (0: never)."""
    trouble: PodTrouble | None = None


@dataclass(frozen=True, slots=True)
class LiveDeployment:
    """What the Deployment controller says. up_to_date: its status is about its latest spec."""

    replicas: int
    ready_replicas: int
    updated_replicas: int
    up_to_date: bool
    stuck_reason: str = ""
    """Why it does not progress, in the controller's own word (ProgressDeadlineExceeded, ReplicaFailure), or ""."""
    template: str = ""
    """The hash of the Pods' template that was applied last."""

    @property
    def is_rolled_out(self) -> bool:
        """All its Pods are of its latest spec, and ready."""
        return self.up_to_date and self.updated_replicas == self.replicas == self.ready_replicas


@dataclass(frozen=True, slots=True)
class LiveScale:
    """The Deployment of a cold standby. version: to scale exactly what was seen. autoscaler: what else scales it,
    in words ("": nothing). refusal: why the operator may not scale it ("": it may)."""

    replicas: int
    ready_replicas: int
    version: str
    autoscaler: str = ""
    refusal: str = ""


@dataclass(frozen=True)
class Live:
    """The pool's children as they are now. document_*: of the ConfigMap in place (0 and "" when there is none)."""

    document_generation: int = 0
    document_hash: str = ""
    news: News = NO_NEWS
    """The startup hints of the current document."""
    deployment: LiveDeployment | None = None
    pods: tuple[LivePod, ...] = ()
    address: str = ""
    probes: tuple[ProbeResult, ...] = ()
    """Finished runs of the probe whose results are still there; status.lastProbe may know them already."""
    probing_since: datetime | None = None
    """When the CronJob was made."""


STALE_S = 15.0
"""So long a router's word counts, where it is asked every few seconds."""


@dataclass(frozen=True)
class RouterReport:
    """One router Pod's /state, or why there is none. seen_at: when it answered (None: never). counts_s: how long its
    word counts; longer where there are so many routers that each is asked seldom."""

    pod: str
    state: RouterState | None
    seen_at: datetime | None
    error: str = ""
    counts_s: float = STALE_S

    def fresh(self, now: datetime) -> RouterState | None:
        """Its state, while that counts."""
        is_fresh = self.seen_at is not None and self.seen_at >= now - timedelta(seconds=self.counts_s)
        return self.state if is_fresh else None


@dataclass(frozen=True)
class Snapshot:
    """One pool's declared world.

    pool is None when the object does not parse; problems then say why. policy is None when none is referenced, or when
    the referenced one does not exist or does not parse (policy_problems). config_maps: the keys of each referenced
    ConfigMap that exists. calendars: the text of each calendar whose ConfigMap has its key, by name. services: the
    referenced Services that exist. scales: the Deployments of cold standbys that exist, by name. ca_digest:
    changes when any referenced CA does. policy_generation: of the FailoverPolicy in force (0: the built-in defaults).
    """

    key: PoolKey
    uid: str
    generation: int
    pool: EndpointPool | None
    settings: Settings
    problems: tuple[Problem, ...] = ()
    policy: FailoverPolicy | None = None
    policy_problems: tuple[Problem, ...] = ()
    policy_generation: int = 0
    config_maps: Mapping[str, frozenset[str]] = field(default_factory=dict)
    calendars: Mapping[str, str] = field(default_factory=dict)
    services: frozenset[str] = frozenset()
    scales: Mapping[str, LiveScale] = field(default_factory=dict)
    ca_digest: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    previous: EndpointPoolStatus | None = None
    live: Live = Live()
    reports: tuple[RouterReport, ...] = ()
