"""What the chart makes for the Prometheus operator, to the byte. The rules are compared apart, with docs/alerts."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.conftest import ROOT, Helm, Rendered, helm

GOLDEN = Path(__file__).with_name("monitoring.yaml")
MONITORS = ("monitoring.podMonitor.enabled=true", "monitoring.serviceMonitor.enabled=true")
RULE = "monitoring.prometheusRule.enabled=true"
DASHBOARDS = "monitoring.dashboards.enabled=true"
KINDS = ("PodMonitor", "ServiceMonitor", "PrometheusRule")

__all__ = ["helm"]


def monitoring(rendered: Rendered) -> list[Any]:
    return [found for kind in KINDS for found in rendered.of(kind)]


def groups(rendered: Rendered) -> Any:
    rule: dict[str, Any] = rendered.one("PrometheusRule")
    return rule["spec"]["groups"]


def test_the_objects(helm: Helm) -> None:
    objects = monitoring(helm.template(*MONITORS, RULE, "monitoring.labels.release=kps"))
    objects[-1]["spec"]["groups"] = f"{len(objects[-1]['spec']['groups'])} groups of docs/alerts"
    seen = "# A golden file; `make goldens` writes it anew.\n" + yaml.safe_dump_all(objects, sort_keys=False)
    if os.environ.get("UPDATE_GOLDENS"):
        GOLDEN.write_text(seen, "utf-8")

    assert seen == GOLDEN.read_text("utf-8"), f"{GOLDEN.name} differs; if that is meant: make goldens"


def test_without_values_there_is_none(helm: Helm) -> None:
    rendered = helm.template()

    assert monitoring(rendered) == []
    assert rendered.of("ConfigMap") == ()


def test_a_dashboard_is_a_config_map_that_the_sidecar_finds(helm: Helm) -> None:
    found: list[Any] = list(
        helm.template(DASHBOARDS, "monitoring.dashboards.annotations.grafana_folder=Pools").of("ConfigMap")
    )
    files = {file.name: file.read_text() for file in (ROOT / "charts/poolkeeper/files/dashboards").glob("*.json")}

    assert {name: json.loads(text) for one in found for name, text in one["data"].items()} == {
        f"poolkeeper-{name}": json.loads(text) for name, text in files.items()
    }
    assert all(one["metadata"]["labels"]["grafana_dashboard"] == "1" for one in found)
    assert all(one["metadata"]["annotations"] == {"grafana_folder": "Pools"} for one in found)


def test_the_sidecars_label_can_be_another(helm: Helm) -> None:
    sets = ("monitoring.dashboards.labels.grafana_dashboard=null", "monitoring.dashboards.labels.team=web")
    found: list[Any] = list(helm.template(DASHBOARDS, *sets).of("ConfigMap"))

    assert found
    assert all(one["metadata"]["labels"]["team"] == "web" for one in found)
    assert all("grafana_dashboard" not in one["metadata"]["labels"] for one in found)


def test_only_watched_namespaces_are_scraped(helm: Helm) -> None:
    monitor: Any = helm.template(*MONITORS, "watchNamespaces={team,demo}").one("PodMonitor")

    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["team", "demo"]}


def test_the_rules_are_those_of_the_docs(helm: Helm) -> None:
    rules = yaml.safe_load((ROOT / "docs/alerts/poolkeeper.rules.yaml").read_text())

    assert groups(helm.template(RULE)) == rules["groups"]


@pytest.mark.parametrize("given", ["https://git.example.org/pk/docs", "https://git.example.org/pk/docs/"])
def test_runbooks_have_an_address_when_it_is_given(helm: Helm, given: str) -> None:
    found = [
        rule["annotations"]["runbook_url"]
        for group in groups(helm.template(RULE, f"monitoring.prometheusRule.docsUrl={given}"))
        for rule in group["rules"]
        if "alert" in rule
    ]

    assert found
    assert {url.rpartition("/docs/")[0] for url in found} == {"https://git.example.org/pk"}


def test_the_operator_is_not_scraped_without_its_service(helm: Helm) -> None:
    shown = helm.refused(*MONITORS, "metrics.service.enabled=false")

    assert "monitoring.serviceMonitor.enabled needs metrics.service.enabled" in shown
