"""examples/gateway: they name what a pool really has (its Service, its metric), and the two settings that matter."""

from pathlib import Path

import yaml

from poolkeeper.plan.child_names import child_name
from poolkeeper.plan.snapshot import PoolKey

ROOT = Path(__file__).parents[2]
GATEWAY = ROOT / "examples/gateway"


def test_the_route_leads_to_a_pool_s_service_without_time_outs_and_retries() -> None:
    route = yaml.safe_load((GATEWAY / "httproute.yaml").read_text())
    (rule,) = route["spec"]["rules"]

    assert rule["backendRefs"] == [{"name": child_name(PoolKey("ai", "chat")), "port": 80}]
    assert set(rule["timeouts"].values()) == {"0s"}
    assert "retry" not in rule


def test_the_scaler_asks_for_a_metric_that_there_is() -> None:
    scaled = yaml.safe_load((GATEWAY / "keda.yaml").read_text())
    (trigger,) = scaled["spec"]["triggers"]
    name = trigger["metadata"]["query"].split("(")[1].split("{")[0]

    assert f"`{name}`" in (ROOT / "docs/reference/metrics.md").read_text()


def test_every_example_is_listed() -> None:
    page = (ROOT / "examples/README.md").read_text()
    names = {path.name for path in (ROOT / "examples").iterdir() if path.name != "README.md"}

    assert [name for name in sorted(names) if f"]({name}" not in page] == []
