"""Who changes a child back is named by what the API server says of its fields."""

from poolkeeper.kube.contest import others
from unit.kube.things import child


def test_the_last_writer_comes_first_without_us_and_without_who_writes_status() -> None:
    entries = [
        {"manager": "helm", "time": "2026-11-22T00:00:00Z"},
        {"manager": "argocd", "time": "2026-11-22T00:00:02Z"},
        {"manager": "poolkeeper", "time": "2026-11-22T00:00:03Z"},
        {"manager": "kube-controller-manager", "time": "2026-11-22T00:00:04Z", "subresource": "status"},
    ]

    assert others({"metadata": {"managedFields": entries}}) == ("argocd", "helm")


def test_who_scales_a_deployment_is_an_autoscaler_that_somebody_made() -> None:
    entries = [{"manager": "kube-controller-manager", "time": "2026-11-22T00:00:00Z", "subresource": "scale"}]

    (name,) = others({**child("Deployment"), "metadata": {"managedFields": entries}})

    assert name.startswith("kube-controller-manager (it scales: a HorizontalPodAutoscaler of somebody else?")
