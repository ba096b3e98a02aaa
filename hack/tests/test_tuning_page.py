"""The page of tuning speaks of fields that there are, with values that they take, and of metrics that there are."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from hack.generate.structural import Json, structural
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.api.resource import Resource
from poolkeeper.telemetry.metrics import TABLE
from testing.manifests import SMALLEST
from testing.router_lua import router_families

PAGE = (Path(__file__).parents[2] / "docs/tuning.md").read_text()
SAID = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
FIELDS = [said for said in SAID if re.match(r"[a-z][A-Za-z]+(\[\])?\.[a-z]", said)]


def part(schema: Json, name: str) -> Json:
    """The schema of a field of an object, or of a list's items."""
    assert isinstance(schema, dict)
    inner = schema.get("items", schema)
    assert isinstance(inner, dict)
    fields = inner.get("properties", {})
    assert isinstance(fields, dict)
    return fields.get(name)


def kind_with(path: list[str]) -> type[Resource]:
    for kind in (FailoverPolicy, EndpointPool):
        at = part(structural(kind), "spec")
        for name in path:
            at = part(at, name) if at else None
        if at:
            return kind
    raise AssertionError(f"no kind has spec.{'.'.join(path)}")


@pytest.mark.parametrize("said", FIELDS)
def test_a_field_exists_and_takes_the_value(said: str) -> None:
    name, _, value = said.partition(": ")
    path = name.replace("[]", "").split(".")
    kind = kind_with(path)
    if not value:
        return
    spec: object = yaml.safe_load(value)
    for field in reversed(path):
        spec = {field: spec}
    smallest: Mapping[str, object] = SMALLEST[kind.__name__]
    whole = {**smallest, "spec": {**dict(smallest["spec"]), **dict(spec)}}  # type: ignore[call-overload] # parsed YAML

    parsed = kind.parse(whole)

    assert isinstance(parsed, kind), parsed


def test_metrics_exist() -> None:
    named = {said for said in SAID if re.fullmatch(r"(poolkeeper|gen_ai)_\w+", said)}

    assert len(named) > 10
    assert named <= router_families().keys() | TABLE.keys()
    assert len(FIELDS) > 30
