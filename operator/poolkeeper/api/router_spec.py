"""How the routers of a pool run: how many, behind which Service, on which nodes."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from poolkeeper.api.base import Model
from poolkeeper.api.value_types import Count, ObjectName, Percent, Port, PositiveCount, Quantity, Text


class Autoscaling(Model):
    """An autoscaling/v2 HorizontalPodAutoscaler for the routers. It needs the cluster's metrics-server, and a CPU
    request of the routers."""

    min_replicas: PositiveCount = 2
    """Fewest router Pods. Two survive the loss of a node."""
    max_replicas: PositiveCount = 10
    """Most router Pods; not fewer than minReplicas."""
    target_cpu_percent: int = Field(70, strict=True, ge=1, le=100, alias="targetCPUPercent")
    """Target of the autoscaler: average CPU use, in percent of the request. A router near its limit adds latency to
    every stream, so stay below it."""


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


class RouterService(Model):
    """The Service in front of the router Pods; clients use its address as their base URL."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    """ClusterIP is reachable only from inside the cluster. The others open the pool to the outside: use access mode
    Keys then."""
    port: Port = 80
    """Port of the Service."""
    annotations: dict[MetaKey, AnnotationValue] = Field(default={}, max_length=64)
    """Annotations of the Service, such as a cloud's key for an internal load balancer. The operator's administrator
    decides which keys are allowed. Keys of poolkeeper.dev are refused."""
    labels: dict[MetaKey, LabelValue] = Field(default={}, max_length=64)
    """Labels of the Service. Keys of poolkeeper.dev and app.kubernetes.io are refused."""
    ip_family_policy: Literal["SingleStack", "PreferDualStack", "RequireDualStack"] | None = None
    """IPv4, IPv6 or both, as in a Service; routers listen on both. Default: SingleStack, as in a
    Service."""


class Cidr(Text):
    PATTERN = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)/[0-9]{1,3}$"
    WANTED = "a block of addresses such as 10.0.0.0/8 or fd00::/8"
    MAX_LENGTH = 64


class Peer(Model):
    """Who may connect, as in a NetworkPolicy: Pods by their labels, of this namespace or of others; or addresses."""

    pod_labels: dict[MetaKey, LabelValue] = Field(default={}, max_length=16)
    """Labels of the Pods. Default: all Pods of those namespaces."""
    namespace_labels: dict[MetaKey, LabelValue] | None = Field(default=None, max_length=16)
    """Labels of the namespaces; {} is all of them. Default: the pool's own namespace."""
    cidr: Cidr | None = None
    """A block of addresses, instead of labels."""


class Resources(Model):
    """CPU and memory of a router container."""

    requests: dict[ResourceName, Quantity] = Field(default={}, max_length=8)
    """Guaranteed to each router, such as {cpu: 250m, memory: 128Mi}; the autoscaler's percentages refer to it."""
    limits: dict[ResourceName, Quantity] = Field(default={}, max_length=8)
    """The maximum of each router. Be careful with a CPU limit: a throttled router delays every stream."""


class Toleration(Model):
    """A node taint that router Pods tolerate; as in a Pod."""

    key: MetaKey | None = None
    """Taint key. Without it, with operator Exists: every taint."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """Exists compares only the key, Equal also the value."""
    value: LabelValue | None = None
    """Taint value, with operator Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Taint effect. Default: all effects."""
    toleration_seconds: Annotated[int, Field(strict=True, ge=0, le=86_400)] | None = None
    """With NoExecute: how long, in seconds, a Pod stays after the taint appeared. Default: for ever."""


class TopologySpread(Model):
    """How router Pods spread over nodes or zones; as in a Pod. It always counts this pool's own router Pods."""

    topology_key: MetaKey
    """Node label that distinguishes the places, such as topology.kubernetes.io/zone."""
    max_skew: PositiveCount = 1
    """By how many Pods two places may differ."""
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = "ScheduleAnyway"
    """What happens to a Pod that would break this rule."""
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
    """Node taints that router Pods tolerate."""
    affinity: dict[str, JsonValue] | None = None
    """Affinity as in a Pod (nodeAffinity, podAffinity, podAntiAffinity); the API server checks it when the operator
    writes the Deployment. Default: routers of a pool prefer different nodes."""
    topology_spread: tuple[TopologySpread, ...] = Field((), max_length=8)
    """Spread over nodes or zones; becomes the Pods' topologySpreadConstraints."""
    priority_class_name: ObjectName | None = None
    """PriorityClass of the router Pods."""


class RequestLog(Model):
    """One line of JSON for each request, in the log of the router Pods: who asked for what, each attempt, tokens, cost.
    No body, no header, no API key."""

    sample_percent: Percent = 100
    """Share of the requests that were answered at the first attempt. All others always have their line. 0: no log."""


class Router(Model):
    """The router Pods in front of the pool."""

    replicas: Count = 2
    """Router Pods; this is what `kubectl scale epool NAME --replicas=3` sets. Leave it out in Git when an
    autoscaler owns it: a value there would be put back at each sync. 0 stops the pool."""
    autoscaling: Autoscaling | None = None
    """Let the autoscaler set replicas by the routers' CPU use, unless it is 0; so leave replicas out in Git. Default:
    replicas does not change."""
    service: RouterService = RouterService()
    """The Service in front of the routers."""
    resources: Resources = Resources()
    """CPU and memory of each router. Default: as the installation sets it. One router handles thousands of requests per
    second."""
    request_log: RequestLog = RequestLog()
    """Which requests the routers log."""
    template: PodTemplate = PodTemplate()
    """Nodes, labels and annotations of the router Pods."""

    @property
    def pods(self) -> int:
        """How many there should be: never fewer than the autoscaler wants at least, also before it has said so."""
        at_least = self.autoscaling.min_replicas if self.autoscaling and self.replicas else 0
        return max(self.replicas, at_least)
