"""What is declared in one place and used in another is in both. Each failure names the file to edit."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import yaml

from poolkeeper.api.endpoint import Provider
from poolkeeper.api.reasons import REASONS, ProbeReason, Reason
from poolkeeper.cli.main import COMMANDS, main
from testing.conformance import table
from testing.router_lua import router_families, runtime

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = ROOT / "operator/poolkeeper"
CHART = ROOT / "charts/poolkeeper"
ALERTS = ROOT / "docs/alerts"
TABLES_BY_PROVIDER = {
    "core.request.surface_support": "OFFERS",
    "core.health.check_types": "AUTO",
}
"""Of the router: modules with a row for each provider."""


def text_of(folder: Path, suffix: str, *without: str) -> str:
    files = (file for file in sorted(folder.rglob(f"*.{suffix}")) if str(file.relative_to(folder)) not in without)
    return "".join(file.read_text() for file in files)


@pytest.mark.parametrize("module", TABLES_BY_PROVIDER)
def test_a_provider_has_its_row(module: str) -> None:
    name = TABLES_BY_PROVIDER[module]
    rows = {key.decode() for key in runtime().eval(f'require("{module}").{name}'.encode())}

    wrong = sorted(rows ^ set(get_args(Provider)))
    assert not wrong, f"{wrong}: wanted a row of {name} in router/lua/{module.replace('.', '/')}.lua for each provider"


def test_a_reason_is_of_a_condition() -> None:
    lost = set(Reason) - {reason for reasons in REASONS.values() for reason in reasons}

    assert not lost, f"{sorted(lost)}: wanted in REASONS (operator/poolkeeper/api/reasons.py), under its condition"


def test_a_reason_is_given_by_somebody() -> None:
    source = text_of(OPERATOR, "py", "api/reasons.py", "probing/reason_effects.py", "diagnostics/advice.py")
    named = set(re.findall(r"\b((?:Probe)?Reason\.\w+)", source)) | {
        f"Reason.{word}" for word in re.findall(r'\breason="(\w+)"', source)
    }
    unused = {f"{kind.__name__}.{word.name}" for kind in (Reason, ProbeReason) for word in kind} - named

    assert not unused, (
        f"{sorted(unused)}: wanted a check that gives it, for a condition in operator/poolkeeper/status/conditions, "
        "for a probe in operator/poolkeeper/probing/evaluate.py or prober/"
    )


def test_a_metric_of_routers_is_measured() -> None:
    source = text_of(ROOT / "router/lua", "lua", "core/metrics/families.lua")
    unused = sorted(name for name in router_families() if name not in source)

    assert not unused, f"{unused}: wanted router/lua/nginx to count it (request/outcome_recorder.lua, admin.lua)"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_an_example(name: str) -> None:
    assert isinstance(main, click.Group)
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert f"poolkeeper {name}" in (command.epilog or ""), f"wanted an example in the epilog of `poolkeeper {name}`"


def test_a_value_of_the_chart_is_in_its_schema_and_in_a_template() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    declared = set(paths(yaml.safe_load((CHART / "values.yaml").read_text()), schema))
    templates = text_of(CHART / "templates", "*")
    unused = sorted(path for path in declared if not is_used(path, templates))

    wrong = sorted(declared ^ (set(properties(schema)) - {"global", "enabled"}))
    assert not wrong, f"{wrong}: wanted in charts/poolkeeper/values.yaml and in values.schema.json"
    assert not unused, f"{unused}: wanted a template in charts/poolkeeper/templates that uses it"


def paths(values: Mapping[str, Any], schema: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in values.items():
        part = schema.get("properties", {}).get(name)
        if has_parts(part):
            yield from paths(value, part, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def has_parts(schema: object) -> bool:
    """Of its own; a map with free keys has none."""
    return isinstance(schema, Mapping) and schema.get("additionalProperties") is False


def properties(schema: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, part in schema["properties"].items():
        if has_parts(part):
            yield from properties(part, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def is_used(path: str, templates: str) -> bool:
    """By itself, or with all that is in a part of the values."""
    steps = path.split(".")
    ways = (".".join(steps[:length]) for length in range(1, len(steps) + 1))
    return any(re.search(rf"\.Values\.{re.escape(way)}(?![\w.])", templates) for way in ways)


def test_a_file_of_cases_is_played() -> None:
    modules = [importlib.import_module(f"{table.__name__}.{one.name}") for one in pkgutil.iter_modules(table.__path__)]
    lost = [module.__name__ for module in modules if hasattr(module, "cases") and module not in table.FAMILIES]

    assert not lost, f"{lost}: wanted in FAMILIES of testing/conformance/table/__init__.py"


def test_an_alert_is_seen_to_fire() -> None:
    groups = yaml.safe_load((ALERTS / "poolkeeper.rules.yaml").read_text())["groups"]
    tests = [test for file in ALERTS.glob("*.test.yaml") for test in yaml.safe_load(file.read_text())["tests"]]
    seen = [
        sample["labels"] for test in tests for one in test["promql_expr_test"] for sample in one.get("exp_samples", ())
    ]
    fired = {name for labels in seen for name in re.findall(r'alertname="(\w+)"', labels)}

    unseen = sorted({rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule} - fired)
    assert not unseen, f"{unseen}: wanted a case in docs/alerts/*.test.yaml in which it fires"
