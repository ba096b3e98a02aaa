"""Every metric of the table is there, and a pool that is gone leaves none behind."""

import inspect
import re
from pathlib import Path

import pytest

from poolkeeper.telemetry.metrics import TABLE, Metrics
from scrape import declared, scraped

OPERATOR = Path(__file__).parents[3] / "operator/poolkeeper"
FEEDS = [name for name, _ in inspect.getmembers(Metrics, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", FEEDS)
def test_every_metric_is_fed_by_somebody(name: str) -> None:
    """Else a page on an empty dashboard is all that a person on call gets from it."""
    others = (file.read_text() for file in OPERATOR.rglob("*.py") if file.name != "metrics.py")

    assert any(re.search(rf"metrics\.{name}\b", text) for text in others), f"nobody calls Metrics.{name}"


def test_every_metric_of_the_table_is_exposed() -> None:
    text = Metrics().text().decode()

    for name, family in TABLE.items():
        assert f"# HELP {name} {family.words}" in text


def test_every_metric_has_the_type_labels_and_buckets_that_the_table_says() -> None:
    metrics = Metrics()
    metrics.reconciled("ok", 0.1)
    metrics.wrote("Deployment", "patch")
    metrics.write_failed("Deployment", "patch", "retry")
    metrics.pool_reconciled("team", "chat", 1.0)
    metrics.probed("team", "chat", 1.0)
    metrics.router_reported("ok")
    metrics.watch_age("Pod", lambda: 1.0)
    metrics.namespace_readable("team", True)
    metrics.pool_condition("team", "chat", "Ready", "True")
    metrics.probe_cost("team", "chat", "USD", 0.25)
    metrics.probe_statuses("team", "chat", {"official": ("Grey", "SlowTokens")})
    metrics.standbys("team", "chat", {"local": "Asleep"})
    metrics.certificates("team", "chat", {"official": 1.0})

    seen = {name: shown for name, shown in scraped(metrics.text().decode()).items() if not name.startswith("process_")}

    assert seen == declared(TABLE), "wanted each metric of TABLE in Metrics (telemetry/metrics.py), and observed above"


def test_conditions_are_numbers() -> None:
    metrics = Metrics()
    for kind, status in (("Ready", "True"), ("Available", "False"), ("Degraded", "Unknown")):
        metrics.pool_condition("team", "chat", kind, status)

    text = metrics.text().decode()

    for kind, want in (("Ready", "1.0"), ("Available", "0.0"), ("Degraded", "-1.0")):
        assert f'poolkeeper_pool_condition{{namespace="team",pool="chat",type="{kind}"}} {want}' in text


def test_a_pool_that_is_gone_is_gone() -> None:
    metrics = Metrics()
    metrics.pool_condition("team", "chat", "Ready", "True")
    metrics.pool_condition("team", "other", "Ready", "True")

    metrics.pool_gone("team", "chat")

    assert 'pool="chat"' not in metrics.text().decode()
    assert 'pool="other"' in metrics.text().decode()


def test_what_probing_costs_is_counted_and_what_it_says_is_shown() -> None:
    metrics = Metrics()
    metrics.probe_cost("team", "chat", "USD", 0.25)
    metrics.probe_cost("team", "chat", "USD", 0.5)
    metrics.probe_statuses("team", "chat", {"gone": ("Grey", "WrongModel")})
    metrics.probe_statuses("team", "chat", {"official": ("Grey", "SlowTokens"), "local": ("Healthy", "")})

    text = metrics.text().decode()
    assert 'poolkeeper_probe_cost_total{currency="USD",namespace="team",pool="chat"} 0.75' in text
    assert 'poolkeeper_probe_verdict{endpoint="official",namespace="team",pool="chat"} 0.5' in text
    assert 'poolkeeper_probe_reason{endpoint="official",namespace="team",pool="chat",reason="SlowTokens"} 1.0' in text
    assert 'poolkeeper_probe_reason{endpoint="local"' not in text
    assert 'endpoint="gone"' not in text

    metrics.certificates("team", "chat", {"gone": 5.0})
    metrics.certificates("team", "chat", {"official": 1796083200.0})
    text = metrics.text().decode()
    expires = 'poolkeeper_certificate_expiry_timestamp_seconds{endpoint="official",namespace="team",pool="chat"}'
    assert f"{expires} 1.7960832e+09" in text
    assert 'endpoint="gone"' not in text

    metrics.pool_gone("team", "chat")
    assert 'pool="chat"' not in metrics.text().decode()
