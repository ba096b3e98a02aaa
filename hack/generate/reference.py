"""docs/reference: every field of both kinds, and every condition with its reasons, as Markdown."""

import json
import re
from collections.abc import Iterator

from hack.generate.crds import CONDITIONS, GENERATED
from hack.generate.explain import bounds
from hack.generate.structural import Schema, structural
from poolkeeper.api.base import API_VERSION
from poolkeeper.api.reasons import GOOD, REASONS
from poolkeeper.api.resource import Resource
from poolkeeper.api.value_types import BOUNDS, VALIDATIONS

HEAD = f"<!-- {GENERATED} -->"


def of_kind(kind: type[Resource]) -> str:
    """One page: a table for each object in the kind, from the top down."""
    parts = _properties(structural(kind))
    lines = [
        HEAD,
        f"# {kind.__name__}",
        "",
        f"`apiVersion: {API_VERSION}`, `kind: {kind.__name__}`, short name `{kind.SHORT_NAME}`, category `poolkeeper`.",
        "",
        " ".join((kind.__doc__ or "").split()),
        "",
        *_object("spec", parts["spec"]),
        *_object("status", parts["status"]),
    ]
    return "\n".join(lines).rstrip() + "\n"


def of_conditions(kinds: tuple[type[Resource], ...]) -> str:
    """One page: what each condition asks, what is good, what its reasons mean."""
    lines = [
        HEAD,
        "# Conditions and reasons",
        "",
        "Every condition exists from the start: Unknown, reason Pending, until the operator has processed the pool.",
        "",
    ]
    for condition, reasons in REASONS.items():
        on = ", ".join(kind.__name__ for kind in kinds if condition in CONDITIONS[kind])
        lines += [f"## {condition}", "", f"{condition.meaning} Good: {GOOD[condition]}. On: {on}.", ""]
        lines += ["| reason | meaning |", "|---|---|", *(f"| {reason} | {reason.meaning} |" for reason in reasons), ""]
    return "\n".join(lines).rstrip() + "\n"


def _object(path: str, schema: Schema) -> Iterator[str]:
    yield from (f"## {path}", "", str(schema.get("description", "")), "")
    yield from ("| field | type | default | bounds | description |", "|---|---|---|---|---|")
    required = schema.get("required", [])
    assert isinstance(required, list)
    fields = _properties(schema)
    for name, field in fields.items():
        default = "**required**" if name in required else _default(field)
        limits = "" if "enum" in field else bounds(field)
        yield f"| `{name}` | {_type(field)} | {default} | {limits} | {_cell(str(field.get('description', '')))} |"
    yield ""
    own = list(_rules(schema))
    of_values = [f"- `{name}` {rule}" for name, field in fields.items() for rule in _rules_of_value(field)]
    if own or of_values:
        yield from (*own, *of_values, "")
    for name, field in fields.items():
        if "properties" in field:
            yield from _object(f"{path}.{name}", field)
        elif isinstance(items := field.get("items"), dict) and "properties" in items:
            yield from _object(f"{path}.{name}[]", items)


def _rules(schema: Schema) -> Iterator[str]:
    for rule in _validations(schema):
        at = str(rule.get("fieldPath", "")).removeprefix(".")
        yield f"- `{at}` {rule['message']}" if at else f"- {rule['message']}"


def _rules_of_value(schema: Schema) -> Iterator[str]:
    """Rules about a plain value; an object has its own in its own section, and a duration's are its bounds.
    A pattern is code, not Markdown."""
    if "properties" not in schema and BOUNDS not in schema:
        yield from (re.sub(r"\^\S+", r"`\g<0>`", str(rule["message"])) for rule in _validations(schema))


def _validations(schema: Schema) -> list[Schema]:
    validations = schema.get(VALIDATIONS, [])
    assert isinstance(validations, list)
    return [validation for validation in validations if isinstance(validation, dict)]


def _type(schema: Schema) -> str:
    if "enum" in schema:
        values = schema["enum"]
        assert isinstance(values, list)
        return ", ".join(f"`{value}`" for value in values if isinstance(value, str))
    if isinstance(items := schema.get("items"), dict):
        return f"list of {_type(items)}"
    if isinstance(values := schema.get("additionalProperties"), dict):
        return f"map of {_type(values)}"
    if "x-kubernetes-int-or-string" in schema:
        return "quantity"
    return str(schema.get("format", schema.get("type", "any JSON value")))


def _default(schema: Schema) -> str:
    value = schema.get("default")
    if value is None or isinstance(value, dict):
        return ""
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _properties(schema: Schema) -> dict[str, Schema]:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    return {name: part for name, part in properties.items() if isinstance(part, dict)}
