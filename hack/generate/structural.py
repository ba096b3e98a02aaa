"""pydantic's JSON schema becomes a structural schema, as a CustomResourceDefinition wants it.

The two differ where it hurts: no $ref, no null, no additionalProperties beside properties, no patternProperties,
rules as CEL. What each keyword becomes is one line of a table; one that is not in it raises, because a keyword that
is dropped in silence is a check that users believe in and nobody makes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast, get_args

from poolkeeper.api.base import Model
from poolkeeper.api.endpoint import ProxyUrl, Url
from poolkeeper.api.patterns import cel_text
from poolkeeper.api.request_changes import ParameterPath
from poolkeeper.api.validation_rules import Rule, rules_on
from poolkeeper.api.value_types import BOUNDS, RULES_OF, VALIDATIONS

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Schema = dict[str, Json]

VALUE_TYPES: Mapping[str, type[object]] = {kind.__name__: kind for kind in (Url, ProxyUrl, ParameterPath)}


class UntranslatableError(Exception):
    """A construct in a model for which nobody has said yet what it is in a structural schema."""


def structural(kind: type[Model]) -> Schema:
    """The structural schema of a model and all that is in it."""
    schema = cast(Schema, kind.model_json_schema(by_alias=True))
    definitions = cast(dict[str, Schema], schema.pop("$defs", {}))
    kinds = {**VALUE_TYPES, **{model.__name__: model for model in models_in(kind)}}
    return _Translation(definitions, kinds).of(schema)


def models_in(kind: type[Model]) -> Iterator[type[Model]]:
    """The model and every model that its fields lead to."""
    yield kind
    for field in kind.model_fields.values():
        for leaf in leaves(field.annotation):
            if isinstance(leaf, type) and issubclass(leaf, Model):
                yield from models_in(leaf)


def leaves(annotation: object) -> Iterator[object]:
    arguments = get_args(annotation)
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from leaves(argument)


@dataclass(frozen=True)
class _Translation:
    """definitions: what a $ref leads to. kinds: the classes by name, to find the rules that stand on them."""

    definitions: Mapping[str, Schema]
    kinds: Mapping[str, type[object]]

    def of(self, schema: Schema) -> Schema:
        direct = self._direct(schema)
        translated: Schema = {}
        for keyword, value in direct.items():
            if keyword not in _KEYWORDS:
                raise UntranslatableError(f"{keyword}: {value!r} in {direct!r}")
            translated |= _KEYWORDS[keyword](self, value)
        rules = rules_on(self.kinds[str(direct[RULES_OF])]) if RULES_OF in direct else ()
        return _finished(translated, [_validation(rule) for rule in rules])

    def _direct(self, schema: Schema) -> Schema:
        """References followed, and "X or null" taken as an X that may be left out; what stands at the field wins."""
        rest = {keyword: value for keyword, value in schema.items() if keyword not in ("$ref", "anyOf")}
        if "$ref" in schema:
            return self._direct(self.definitions[str(schema["$ref"]).removeprefix("#/$defs/")] | rest)
        if "anyOf" in schema:
            choices = [choice for choice in _list(schema["anyOf"]) if choice != {"type": "null"}]
            if len(choices) != 1:
                raise UntranslatableError(f"anyOf other than with null: {schema!r}")
            return self._direct(_object(choices[0]) | rest)
        return schema


_Keyword = Callable[[_Translation, Json], Schema]


def _same(keyword: str) -> _Keyword:
    return lambda translation, value: {keyword: value}


def _nothing(translation: _Translation, value: Json) -> Schema:
    return {}


def _properties(translation: _Translation, value: Json) -> Schema:
    return {"properties": {name: translation.of(_object(part)) for name, part in _object(value).items()}}


def _additional_properties(translation: _Translation, value: Json) -> Schema:
    """False is what a structural schema does anyway (it prunes); a free map of anything is kept as it is."""
    if value is False:
        return {}
    if value is True or translation._direct(_object(value)) == {}:
        return {"x-kubernetes-preserve-unknown-fields": True}
    return {"additionalProperties": translation.of(_object(value))}


def _pattern_properties(translation: _Translation, value: Json) -> Schema:
    """A map whose keys have a form: the values go into the schema, the form of the keys into a rule."""
    if len(_object(value)) != 1:
        raise UntranslatableError(f"more than one pattern of keys: {value!r}")
    ((pattern, part),) = _object(value).items()
    rule: Schema = {"rule": f"self.all(key, key.matches({cel_text(pattern)}))", "message": f"keys must match {pattern}"}
    return {"additionalProperties": translation.of(_object(part)), VALIDATIONS: [rule]}


def _property_names(translation: _Translation, value: Json) -> Schema:
    """Only a length can come here; the API server's own limit on an object's size bounds it well enough."""
    if set(_object(value)) - {"maxLength"}:
        raise UntranslatableError(f"propertyNames: {value!r}")
    return {}


def _default(translation: _Translation, value: Json) -> Schema:
    """null, [] and {} say no more than leaving out does, here and inside of an object's default."""
    return {} if value is None or value in ([], {}) else {"default": _filled(value)}


def _filled(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    return {key: _filled(part) for key, part in value.items() if part is not None and part not in ([], {})}


def _description(translation: _Translation, value: Json) -> Schema:
    """Paragraphs in one line each: a terminal wraps by its own width."""
    return {"description": "\n\n".join(" ".join(part.split()) for part in str(value).split("\n\n"))}


_KEYWORDS: Mapping[str, _Keyword] = {
    **{
        keyword: _same(keyword)
        for keyword in (
            "type",
            "format",
            "enum",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "pattern",
            "minItems",
            "maxItems",
            "maxProperties",
            "required",
            VALIDATIONS,
            BOUNDS,
            "x-kubernetes-list-type",
            "x-kubernetes-list-map-keys",
            "x-kubernetes-preserve-unknown-fields",
        )
    },
    "title": _nothing,
    RULES_OF: _nothing,
    "const": lambda translation, value: {"enum": [value]},
    "items": lambda translation, value: {"items": translation.of(_object(value))},
    "properties": _properties,
    "additionalProperties": _additional_properties,
    "patternProperties": _pattern_properties,
    "propertyNames": _property_names,
    "default": _default,
    "description": _description,
    "x-kubernetes-int-or-string": lambda translation, value: {
        "x-kubernetes-int-or-string": value,
        "anyOf": [{"type": "integer"}, {"type": "string"}],
    },
}

_ORDER = ("description", "type", "default", "enum", "format")
"""What a reader looks for first; the rest follows by name, the fields last."""


def _finished(schema: Schema, validations: list[Schema]) -> Schema:
    """Every list says how it merges, every rule is in its place, and what a reader looks for comes first."""
    if schema.get("type") == "array":
        schema.setdefault("x-kubernetes-list-type", "atomic")
    if validations or VALIDATIONS in schema:
        schema[VALIDATIONS] = [*_list(schema.get(VALIDATIONS, [])), *validations]
    last = ("properties", "items", "additionalProperties", VALIDATIONS)
    middle = sorted(schema.keys() - set(_ORDER) - set(last))
    return {keyword: schema[keyword] for keyword in (*_ORDER, *middle, *last) if keyword in schema}


def _validation(rule: Rule) -> Schema:
    at: Schema = {"fieldPath": f".{rule.at}"} if rule.at else {}
    return {"rule": rule.cel, "message": rule.message, **at}


def _object(value: Json) -> Schema:
    if not isinstance(value, dict):
        raise UntranslatableError(f"wanted an object, seen {value!r}")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise UntranslatableError(f"wanted a list, seen {value!r}")
    return value
