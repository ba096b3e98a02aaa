"""What the administrator of an operator decides for all pools: what a pool may ask for, and what its Pods get beside.

The chart's values `limits` and `children` are exactly these models; `--installation` takes the same as YAML or JSON.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationError

from poolkeeper.api.base import Model
from poolkeeper.api.router_spec import AnnotationValue, LabelValue, MetaKey, Peer, ResourceName, Resources
from poolkeeper.api.value_types import Count, Flag, ObjectName, Quantity, Text
from poolkeeper.errors import UserError

ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer"]


class Pattern(Text):
    """What is allowed: a name, where "*" stands for anything without a slash, and "**" alone for everything."""

    PATTERN = r"^(\*\*|[a-zA-Z0-9*]([-a-zA-Z0-9._/*]*[a-zA-Z0-9*])?)$"
    WANTED = 'a name, or a pattern such as "example.com/*", at most 317'
    MAX_LENGTH = 317


class HostPattern(Text):
    PATTERN = r"^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
    WANTED = 'a host such as api.deepseek.com, or all below one, such as "*.example.com"'
    MAX_LENGTH = 253


Patterns = Annotated[tuple[Pattern, ...], Field(max_length=64)]


class Limits(Model):
    """What a pool may ask for. The person who edits pools is not the administrator of the cluster: what could take a
    node, a network or another team's place needs the administrator's word here."""

    replicas: Count = 100
    """Most router Pods of a pool (router.replicas, autoscaling.maxReplicas)."""
    resources: dict[ResourceName, Quantity] = Field(
        default={
            ResourceName("cpu"): Quantity("8"),
            ResourceName("memory"): Quantity("8Gi"),
            ResourceName("ephemeral-storage"): Quantity("8Gi"),
        },
        max_length=16,
    )
    """Most of each resource that one Pod may request, or have as its limit. A resource that is not here is refused."""
    priority_classes: Patterns = ()
    """Names for template.priorityClassName. Default: none."""
    tolerations: Patterns = ()
    """Taint keys for template.tolerations. Only "**" allows one without a key. Default: none."""
    annotations: Patterns = (Pattern("*"), Pattern("prometheus.io/*"))
    """Keys for template.annotations. Keys without a prefix are private to users; those with one steer sidecars,
    networks and the confinement of containers."""
    labels: Patterns = (Pattern("*"),)
    """Keys for template.labels."""
    service_annotations: Patterns = (
        Pattern("*"),
        Pattern("service.beta.kubernetes.io/aws-load-balancer-internal"),
        Pattern("service.beta.kubernetes.io/azure-load-balancer-internal"),
        Pattern("networking.gke.io/load-balancer-type"),
    )
    """Keys for service.annotations."""
    service_labels: Patterns = (Pattern("*"),)
    """Keys for service.labels."""
    service_types: Annotated[tuple[ServiceType, ...], Field(max_length=3)] = ("ClusterIP", "NodePort", "LoadBalancer")
    """Values for service.type."""
    endpoint_hosts: Annotated[tuple[HostPattern, ...], Field(max_length=256)] = ()
    """Hosts for url and egressProxy. Default: all."""


class PullSecret(Model):
    name: ObjectName
    """Name of the Secret, in the namespace of each pool."""


class NetworkPolicies(Model):
    enabled: Flag = True
    """A NetworkPolicy for routers, probes and the operator."""
    metrics_from: Annotated[tuple[Peer, ...], Field(max_length=16)] = (
        Peer.model_validate({"namespaceLabels": {}, "podLabels": {"app.kubernetes.io/name": "prometheus"}}),
    )
    """Who may read metrics, beside the operator: podLabels and namespaceLabels, or cidr."""


class OperatorPods(Model):
    """Which Pods are the operator's; the chart fills it in."""

    namespace: ObjectName | None = None
    labels: dict[MetaKey, LabelValue] = Field(
        default={
            MetaKey("app.kubernetes.io/name"): LabelValue("poolkeeper"),
            MetaKey("app.kubernetes.io/component"): LabelValue("operator"),
        }
    )


class Children(Model):
    """What the objects of all pools get."""

    labels: dict[MetaKey, LabelValue] = Field(default={}, max_length=32)
    """Labels of all objects and Pods, for policies, catalogues and cost reports. Keys of poolkeeper.dev and
    app.kubernetes.io stay Poolkeeper's own."""
    annotations: dict[MetaKey, AnnotationValue] = Field(default={}, max_length=32)
    """Annotations of all objects and Pods. Keys of poolkeeper.dev stay Poolkeeper's own."""
    image_pull_secrets: Annotated[tuple[PullSecret, ...], Field(max_length=16)] = ()
    """Secrets for pulling the images of routers and probes. They must exist in the namespace of each pool."""
    router_resources: Resources = Resources.model_validate(
        {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
    )
    """Of routers whose pool says nothing about resources. No CPU limit: a throttled router delays every stream."""
    probe_resources: Resources = Resources.model_validate(
        {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "192Mi"}}
    )
    """Of probes whose pool says nothing about resources."""
    network_policy: NetworkPolicies = NetworkPolicies()
    """`enabled`: routers accept clients on 8080 (who: access.allowedFrom of the pool), and on the admin port 9180 only
    the operator and `metricsFrom`; probes accept nobody. The kubelet of the node is let through by every network that
    enforces policies. `metricsFrom`: who reads metrics, by podLabels and namespaceLabels, or cidr."""
    fixed_user: Flag = True
    """Run as user and group 65532. false leaves them to the cluster: OpenShift gives each namespace its own range."""


class Installation(Model):
    PARTS: ClassVar[tuple[str, ...]] = ("limits", "children", "operator")

    limits: Limits = Limits()
    children: Children = Children()
    operator: OperatorPods = OperatorPods()

    @classmethod
    def read(cls, given: Mapping[str, object]) -> "Installation":
        try:
            return cls.model_validate(given, by_alias=True, by_name=False)
        except ValidationError as error:
            text = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise UserError(f"the settings of the installation (--installation) cannot be used: {text}") from error


def amount(quantity: str) -> Decimal:
    """A quantity as a number, to compare two of them."""
    for suffix, factor in _FACTORS.items():
        if quantity.endswith(suffix):
            return Decimal(quantity.removesuffix(suffix)) * factor
    return Decimal(quantity)


_FACTORS: Mapping[str, Decimal] = {
    **{f"{letter}i": Decimal(1024) ** (power + 1) for power, letter in enumerate("KMGTP")},
    **{letter: Decimal(1000) ** (power + 1) for power, letter in enumerate("kMGTP")},
    "m": Decimal("0.001"),
}
