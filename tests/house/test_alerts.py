"""Alerts speak of metrics that there are, and send to pages that there are; promtool, where it is, proves the rest."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from poolkeeper.api import labels
from poolkeeper.api.reasons import ConditionType
from poolkeeper.telemetry.metrics import TABLE
from testing.router_lua import runtime

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/alerts"
RULES: list[Mapping[str, str]] = yaml.safe_load((FOLDER / "poolkeeper.rules.yaml").read_text())["groups"][0]["rules"]


def annotations(rule: Mapping[str, object]) -> Mapping[str, str]:
    found = rule["annotations"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_is_measured(rule: Mapping[str, str]) -> None:
    families = {name.decode() for name in runtime().eval(b'require("core.document.exposition").FAMILIES')} | set(TABLE)
    named = {name.removesuffix("_bucket") for name in re.findall(r"\b(?:poolkeeper|gen_ai)_\w+", rule["expr"])}

    assert named
    assert named <= families
    assert set(re.findall(r'type="(\w+)"', rule["expr"])) <= set(ConditionType)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_sends_to_a_page(rule: Mapping[str, object]) -> None:
    assert (ROOT / annotations(rule)["runbook"]).is_file()


def test_the_scrape_configuration_keeps_what_pods_have() -> None:
    job = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"][0]
    rules = {rule["source_labels"][0].removeprefix("__meta_kubernetes_"): rule for rule in job["relabel_configs"]}
    operator = (ROOT / "charts/poolkeeper/templates/deployment.yaml").read_text()
    router = (ROOT / "tests/golden/smallest.yaml").read_text()

    for label in (labels.PART_OF, labels.POOL):
        assert f"pod_label_{re.sub('[^a-z]', '_', label)}" in rules
    assert f"{labels.PART_OF}: {rules['pod_label_app_kubernetes_io_part_of']['regex']}" in router
    for pod, port in zip((router, operator), rules["pod_container_port_name"]["regex"].split("|"), strict=True):
        assert f"name: {port}\n" in pod
    assert job["honor_labels"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: package prometheus)")
def test_alerts_fire_when_they_should() -> None:
    for command in (["check", "rules", "poolkeeper.rules.yaml"], ["test", "rules", "poolkeeper.rules.test.yaml"]):
        done = subprocess.run(["promtool", *command], cwd=FOLDER, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
