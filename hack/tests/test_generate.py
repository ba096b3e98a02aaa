"""The generator: the CRD says what the models say, always in the same bytes, and nothing is dropped in silence."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, cast

import pytest
import yaml
from pydantic import Field

from hack.generate.crds import KINDS, as_template, as_yaml, crd
from hack.generate.files import generated, stale
from hack.generate.structural import Schema, UntranslatableError, structural
from poolkeeper.api.base import Model
from poolkeeper.api.endpoint_pool import EndpointPoolSpec
from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.api.pool_spec import Probe
from poolkeeper.api.resource import Resource
from poolkeeper.api.validation_rules import RULES


def schemas(kind: type[Resource]) -> Iterator[tuple[str, Schema]]:
    """Every schema in the CRD of a kind, with its path."""
    specification = cast(dict[str, list[dict[str, dict[str, Schema]]]], crd(kind)["spec"])
    yield from _below("", specification["versions"][0]["schema"]["openAPIV3Schema"])


def _below(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield path, schema
    fields = schema.get("properties", {})
    assert isinstance(fields, dict)
    for name, part in fields.items():
        yield from _below(f"{path}.{name}", cast(Schema, part))
    for name in ("items", "additionalProperties"):
        if name in schema:
            yield from _below(f"{path}[]", cast(Schema, schema[name]))


ALL = [(f"{kind.__name__}{path}", schema) for kind in KINDS for path, schema in schemas(kind)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_models_give_the_same_bytes(kind: type[Resource]) -> None:
    assert len({as_yaml(kind) for _ in range(5)}) == 1
    assert len({as_template(kind) for _ in range(5)}) == 1


def test_a_generated_file_says_so_in_its_first_line() -> None:
    """JSON knows no comments: its first member. A page with a generated table: the comment above that."""
    for path, content in generated().items():
        where = {".json": content[:300], ".md": content}.get(path.suffix, content.splitlines()[0])
        assert re.search("(GENERATED|written) by `make generate`", where), path


def test_the_committed_files_are_what_the_models_say() -> None:
    assert stale(generated()) == []


def test_check_tells_a_missing_a_changed_and_an_orphaned_file(tmp_path: Path) -> None:
    want = {Path("crds/a.yaml"): "a", Path("crds/b.yaml"): "b"}
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds/b.yaml").write_text("changed")
    (tmp_path / "crds/c.yaml").write_text("old")
    assert stale(want, tmp_path) == [
        "crds/a.yaml: missing; run `make generate`",
        "crds/b.yaml: not what the models say; run `make generate`",
        "crds/c.yaml: nothing generates it; remove it",
    ]


def test_every_field_has_a_description() -> None:
    fields = [(path, schema) for path, schema in ALL if not path.endswith("[]") and ".metadata" not in path]
    assert [path for path, schema in fields if not schema.get("description")] == []


def test_everything_users_write_is_bounded() -> None:
    bounds = {
        "string": {"maxLength", "enum"},
        "integer": {"maximum"},
        "array": {"maxItems"},
        "object": {"properties", "maxProperties", "x-kubernetes-preserve-unknown-fields"},
        "boolean": {"type"},
        "none": {"enum", "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"},
    }
    declared = [(path, schema) for path, schema in ALL if ".spec." in path]
    assert [path for path, schema in declared if not bounds[str(schema.get("type", "none"))] & schema.keys()] == []


@pytest.mark.parametrize("spec", [EndpointPoolSpec, FailoverPolicySpec, Probe])
def test_the_defaults_in_the_schema_are_those_of_the_models(spec: type[Model]) -> None:
    needed = {"models": ["m"], "endpoints": [{"name": "e", "url": "https://api.example.com"}]}
    bare: dict[str, object] = needed if spec is EndpointPoolSpec else {}
    assert spec.model_validate(_defaulted(structural(spec), bare)) == spec.model_validate(bare)


def _defaulted(schema: Schema, value: object) -> object:
    """What the API server makes of a value: defaults for what is absent, at every level."""
    if isinstance(value, dict) and isinstance(fields := schema.get("properties"), dict):
        absent = {
            name: part["default"] for name, part in fields.items() if isinstance(part, dict) and "default" in part
        }
        filled = absent | value
        return {name: _defaulted(cast(Schema, fields[name]), part) for name, part in filled.items()}
    if isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        return [_defaulted(items, item) for item in value]
    return value


def test_every_rule_stands_in_a_crd() -> None:
    shown = {validation["message"] for path, schema in ALL for validation in _validations(schema)}
    assert {rule.message for rule in RULES} <= shown


def test_no_keyword_of_our_own_gets_into_a_crd() -> None:
    assert [path for path, schema in ALL if any(keyword.startswith("x-poolkeeper") for keyword in schema)] == []


def _validations(schema: Schema) -> list[dict[str, str]]:
    return cast(list[dict[str, str]], schema.get("x-kubernetes-validations", []))


@pytest.mark.parametrize("kind", KINDS)
def test_the_chart_carries_the_same_crd_and_keeps_it(kind: type[Resource]) -> None:
    lines = [line for line in as_template(kind).splitlines() if not line.lstrip().startswith("{{")]
    carried = yaml.safe_load("\n".join(lines))
    assert carried["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert carried == crd(kind)


class Unions(Model):
    either: int | str = 1


class Tuples(Model):
    pair: tuple[int, str] = (1, "a")


class Exclusive(Model):
    above: int = Field(1, gt=0)


class Multiples(Model):
    even: int = Field(2, multiple_of=2)


class Sets(Model):
    once: set[str] = Field(default=set())


class Keyed(Model):
    by_kind: dict[Literal["a", "b"], str] = Field(default={})


@pytest.mark.parametrize("model", [Unions, Tuples, Exclusive, Multiples, Sets, Keyed])
def test_a_construct_nobody_has_thought_about_raises(model: type[Model]) -> None:
    with pytest.raises(UntranslatableError):
        structural(model)
