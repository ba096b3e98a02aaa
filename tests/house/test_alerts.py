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
from testing.router_lua import router_families

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/alerts"
GROUPS = yaml.safe_load((FOLDER / "poolkeeper.rules.yaml").read_text())["groups"]
EVERY: list[Mapping[str, str]] = [rule for group in GROUPS for rule in group["rules"]]
RULES = [rule for rule in EVERY if "alert" in rule]
RECORDS = {rule["record"] for rule in EVERY if "record" in rule}
PROMETHEUS_OWN = {"process_start_time_seconds"}


def annotations(rule: Mapping[str, object]) -> Mapping[str, str]:
    found = rule["annotations"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_what_is_measured(rule: Mapping[str, str]) -> None:
    families = set(router_families()) | set(TABLE) | PROMETHEUS_OWN
    metrics = {
        name.removesuffix("_bucket") for name in re.findall(r"\b(?:poolkeeper|gen_ai|process)_\w+", rule["expr"])
    }
    records = set(re.findall(r"\bpoolkeeper:[\w:]+", rule["expr"]))

    assert metrics | records
    assert {name if name in families else name.removesuffix("_count") for name in metrics} <= families
    assert records <= RECORDS
    assert set(re.findall(r'type="(\w+)"', rule["expr"])) <= set(ConditionType)


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_bound_on_a_percentile_is_a_bound_of_the_histogram(rule: Mapping[str, str]) -> None:
    """Within a bucket Prometheus guesses: of answers that all take 2.6 s it says 4.97 where 2.5 and 5 are bounds."""
    for name, wanted in re.findall(r"histogram_quantile\([^>]*?(\w+)_bucket[^>]*> ([\d.]+)", rule["expr"], re.S):
        buckets = router_families()[name].buckets
        assert float(wanted) in buckets, f"{name}: {wanted} is not in {buckets}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_sends_to_a_page(rule: Mapping[str, object]) -> None:
    path, _, anchor = annotations(rule)["runbook_url"].partition("#")

    assert (ROOT / path).is_file()
    assert not anchor or f"\n### {rule['alert']}\n".lower() in (ROOT / path).read_text().lower()
    assert not anchor or anchor == str(rule["alert"]).lower()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_broken_what_poolkeeper_does_and_what_to_do(rule: Mapping[str, object]) -> None:
    shown = annotations(rule)
    labels = rule["labels"]

    assert shown.keys() == {"summary", "when", "description", "runbook_url"}
    assert isinstance(labels, dict) and labels["severity"] in ("critical", "warning")
    assert re.fullmatch(r".+\. Do: .+\.", shown["description"])
    assert shown["when"].endswith(".") and not shown["summary"].endswith(".")
    assert bool(rule.get("for")) == bool(re.search(r"; for \d+ (s|min|h)\.", shown["when"])), (
        "`for` and `when` disagree"
    )


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
    checks = [["check", "rules", "poolkeeper.rules.yaml"]]
    for command in (*checks, *(["test", "rules", file.name] for file in sorted(FOLDER.glob("*.test.yaml")))):
        done = subprocess.run(["promtool", *command], cwd=FOLDER, capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, done.stdout + done.stderr
