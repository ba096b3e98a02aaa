"""Where router Pods may run: what the pool asks for, and without its word on it, rather not all on one node."""

from collections.abc import Mapping

from poolkeeper.api.router_spec import PodTemplate, Toleration, TopologySpread

DEFAULT_SPREAD = (TopologySpread.model_validate({"topologyKey": "kubernetes.io/hostname"}),)


def scheduling(template: PodTemplate, pod_selector: Mapping[str, str]) -> dict[str, object]:
    """The fields of a Pod spec; what is not asked for is left out, so that others may own it."""
    spreads = template.topology_spread or (() if template.affinity else DEFAULT_SPREAD)
    wanted: dict[str, object] = {
        **placement(template),
        "affinity": template.affinity,
        "topologySpreadConstraints": [
            _plain(spread) | {"labelSelector": {"matchLabels": dict(pod_selector)}} for spread in spreads
        ],
        "priorityClassName": template.priority_class_name,
    }
    return {name: value for name, value in wanted.items() if value}


def placement(template: PodTemplate) -> dict[str, object]:
    """On which nodes: routers and probes leave the cluster from the same ones."""
    wanted: dict[str, object] = {
        "nodeSelector": dict(template.node_selector),
        "tolerations": [_plain(toleration) for toleration in template.tolerations],
    }
    return {name: value for name, value in wanted.items() if value}


def _plain(model: TopologySpread | Toleration) -> dict[str, object]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
