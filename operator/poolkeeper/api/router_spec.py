"""How the routers of a pool run: how many, behind which Service, on which nodes."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from poolkeeper.api.base import Model
from poolkeeper.api.value_types import Count, ObjectName, Port, PositiveCount, Quantity, Text


class Autoscaling(Model):
    """An autoscaling/v2 HorizontalPodAutoscaler for the routers. It needs the cluster's metrics-server, and a CPU
    request of the routers."""

    min_replicas: PositiveCount = 2
    """Fewest router Pods. Two survive the loss of a node."""
    max_replicas: PositiveCount = 10
    """Most router Pods; not fewer than minReplicas."""
    target_cpu_percent: int = Field(70, strict=True, ge=1, le=100, alias="targetCPUPercent")
    """Average CPU use, in percent of the request, that the autoscaler aims at. A router near its limit adds
    latency to every stream, so leave some room."""


class RouterService(Model):
    """The Service in front of the router Pods; clients use its address as their base URL."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    """ClusterIP is reached from inside the cluster only. The others open the pool to the outside: use access mode
    Keys then."""
    port: Port = 80
    """Port of the Service."""


class ResourceName(Text):
    PATTERN = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-zA-Z0-9]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?$"
    WANTED = "a resource name such as cpu or memory, at most 128"
    MAX_LENGTH = 128


class MetaKey(Text):
    PATTERN = r"^([a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?/)?[a-zA-Z0-9]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?$"
    WANTED = "a label or annotation key such as example.com/team, at most 317"
    MAX_LENGTH = 317


class LabelValue(Text):
    PATTERN = r"^([a-zA-Z0-9]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?)?$"
    WANTED = "a label value: letters, digits, '-', '_' and '.', at most 63"
    MAX_LENGTH = 63


AnnotationValue = Annotated[str, Field(max_length=4096)]


class Resources(Model):
    """CPU and memory of a router container."""

    requests: dict[ResourceName, Quantity] = Field(default={}, max_length=8)
    """What each router is guaranteed, such as {cpu: 250m, memory: 128Mi}; the autoscaler's percentages refer to it."""
    limits: dict[ResourceName, Quantity] = Field(default={}, max_length=8)
    """What each router may not exceed. Think twice about a CPU limit: a throttled router delays every stream on it."""


class Toleration(Model):
    """A node taint that router Pods put up with; as in a Pod."""

    key: MetaKey | None = None
    """Taint key; left out with operator Exists: every taint."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """Exists asks for the key only, Equal for the value too."""
    value: LabelValue | None = None
    """Taint value, with operator Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Taint effect; left out: all of them."""
    toleration_seconds: Annotated[int, Field(strict=True, ge=0, le=86_400)] | None = None
    """With NoExecute: how long, in seconds, a Pod stays after the taint appeared. Left out: for ever."""


class TopologySpread(Model):
    """How router Pods spread over nodes or zones; as in a Pod. It always counts this pool's own router Pods."""

    topology_key: MetaKey
    """Node label that tells one place from another, such as topology.kubernetes.io/zone."""
    max_skew: PositiveCount = 1
    """By how many Pods two places may differ."""
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = "ScheduleAnyway"
    """What happens to a Pod that would break it."""
    min_domains: PositiveCount | None = None
    """With DoNotSchedule: how many places there must be at least."""


class PodTemplate(Model):
    """What of the router's Pods is yours to choose; everything else is Poolkeeper's."""

    annotations: dict[MetaKey, AnnotationValue] = Field(default={}, max_length=64)
    """Extra annotations, for a mesh or a scraper. Keys of poolkeeper.dev are refused."""
    labels: dict[MetaKey, LabelValue] = Field(default={}, max_length=64)
    """Extra labels. Keys of poolkeeper.dev and app.kubernetes.io are refused: Services select by them."""
    node_selector: dict[MetaKey, LabelValue] = Field(default={}, max_length=32)
    """Labels a node must have."""
    tolerations: tuple[Toleration, ...] = Field((), max_length=32)
    """Node taints to put up with."""
    affinity: dict[str, JsonValue] | None = None
    """Affinity as in a Pod (nodeAffinity, podAffinity, podAntiAffinity); checked by the API server when the
    Deployment is written. Left out: routers of a pool prefer different nodes."""
    topology_spread: tuple[TopologySpread, ...] = Field((), max_length=8)
    """Spread over nodes or zones; becomes the Pods' topologySpreadConstraints."""
    priority_class_name: ObjectName | None = None
    """PriorityClass of the router Pods."""


class Router(Model):
    """The router Pods that stand in front of the pool."""

    replicas: Count = 2
    """Router Pods; this is what `kubectl scale epool NAME --replicas=3` sets. Leave it out in Git when an
    autoscaler owns it: a value there would be put back at each sync. 0 stops the pool."""
    autoscaling: Autoscaling | None = None
    """Let replicas follow the routers' CPU use: the autoscaler sets it, unless it is 0, so leave it out in Git. Left
    out: replicas stays as it is."""
    service: RouterService = RouterService()
    """The Service in front of the routers."""
    resources: Resources = Resources()
    """CPU and memory of each router. Left out: what the installation sets. One router moves thousands of requests
    a second."""
    template: PodTemplate = PodTemplate()
    """Where the routers run and what is written on them."""
