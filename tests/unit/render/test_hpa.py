"""The routers' autoscaler: there when it is declared, of the pool itself."""

import pytest

from factories import document, pool, snapshot
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.kube.json_fields import find, mapping
from poolkeeper.plan.snapshot import Manifest
from poolkeeper.render.desired import desired


def rendered(declared: EndpointPool, kind: str) -> list[Manifest]:
    of = snapshot(declared)
    return [one for one in desired(of, document(of)) if one["kind"] == kind]


def test_without_autoscaling_there_is_none() -> None:
    assert rendered(pool(), "HorizontalPodAutoscaler") == []


def test_it_scales_the_pool_within_its_bounds() -> None:
    wanted = {"minReplicas": 3, "maxReplicas": 12, "targetCPUPercent": 60}

    (found,) = rendered(pool(router={"autoscaling": wanted}), "HorizontalPodAutoscaler")

    assert found["apiVersion"] == "autoscaling/v2"
    assert found["spec"] == {
        "scaleTargetRef": {"apiVersion": "poolkeeper.dev/v1alpha1", "kind": "EndpointPool", "name": "chat"},
        "minReplicas": 3,
        "maxReplicas": 12,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
            }
        ],
    }


def test_it_goes_with_its_pool() -> None:
    (found,) = rendered(pool(router={"autoscaling": {}}), "HorizontalPodAutoscaler")
    (deployment,) = rendered(pool(), "Deployment")

    of_both = {name: value for name, value in mapping(deployment, "metadata").items() if name != "annotations"}
    assert found["metadata"] == of_both


def test_switching_it_on_changes_nothing_about_the_routers_that_run() -> None:
    of = {"replicas": 5}

    assert rendered(pool(router=of), "Deployment") == rendered(pool(router={**of, "autoscaling": {}}), "Deployment")


@pytest.mark.parametrize(
    ("router", "want"),
    [
        ({"autoscaling": {"minReplicas": 3}}, 3),
        ({"autoscaling": {"minReplicas": 3}, "replicas": 7}, 7),
        ({"autoscaling": {"minReplicas": 3}, "replicas": 1}, 3),
        ({"autoscaling": {"minReplicas": 3}, "replicas": 0}, 0),
        ({"replicas": 1}, 1),
    ],
    ids=["left out", "above the least", "below it", "stopped", "without autoscaling"],
)
def test_there_are_never_fewer_routers_than_the_autoscaler_s_least(router: dict[str, object], want: int) -> None:
    (found,) = rendered(pool(router=router), "Deployment")

    assert find(found, "spec", "replicas") == want
