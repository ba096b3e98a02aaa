"""From what pydantic and the rules find to what a user reads: a path, what was seen, what is wanted.

Shape first, rules after: a rule can only be asked about a value of the right shape. So that one typo does not hide
the rest, the broken parts are cut out and the rules are asked about what remains, except where the cut itself could
be the cause.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from poolkeeper.api.base import Model, Problem
from poolkeeper.api.validation_rules import rules_on

Path = tuple[str | int, ...]

_WANTED: Mapping[str, str] = {
    "missing": "is required",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length}, has {actual_length}",
    "too_long": "must have at most {max_length}, has {actual_length}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
_CONFIDENTIAL = ("credentialsRef", "credentialsRefs", "keyRef")
"""Who writes a key where only its Secret's name belongs shall not find it in a status as well."""
_KEY_NAMES = frozenset({"apikey", "key", "token", "password", "authorization"})


def dotted(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) or "/" in step else f".{step}" for step in path)
    return text.removeprefix(".") or "."


def shape_problems(kind: type[Model], error: ValidationError) -> Iterator[Problem]:
    """The findings of pydantic about an object of this kind, in words."""
    return (_shape_problem(kind, finding) for finding in _findings(error))


def _shape_problem(kind: type[Model], error: ErrorDetails) -> Problem:
    path = _path(error)
    if error["type"] == "extra_forbidden":
        return Problem(dotted(path), f"unknown field{_hint(kind, path)}")
    wanted = _WANTED.get(error["type"], error["msg"]).format(**error.get("ctx", {}))
    return Problem(dotted(path), wanted + ("" if error["type"] == "missing" else _seen(path, error["input"])))


def rule_problems(model: Model, local: bool, cut: frozenset[Path] = frozenset()) -> Iterator[Problem]:
    """The rules that the model breaks. cut: what was taken out of the original before, to which the paths refer."""
    for position, value in _parts(model, ()):
        path = _before_cut(position, cut)
        near = (gone[len(path) :] for gone in cut if gone[: len(path)] == path)
        doubtful = {str(gone[0]) for gone in near if 1 <= len(gone) <= 2}
        for rule in rules_on(type(value)):
            if rule.reads.isdisjoint(doubtful) and not rule.holds(value, local):
                at = (*path, rule.at) if rule.at else path
                yield Problem(dotted(at), rule.message + _seen(at, _at(value, rule.at)))
        if isinstance(value, Model):
            for at, seen in _repeated(value):
                twice = _before_cut((*position, *at), cut)
                yield Problem(dotted(twice), "appears twice; remove one" + _seen(twice, seen))


def _at(value: object, alias: str) -> object:
    """The field that a rule points at, or the value itself where it points at none."""
    if not alias or not isinstance(value, Model):
        return value
    return next(
        getattr(value, name) for name, field in type(value).model_fields.items() if alias in (name, field.alias)
    )


def cut_out(value: object, cut: frozenset[Path], path: Path = ()) -> object:
    """The value without the parts at these paths."""
    if isinstance(value, Mapping):
        return {key: cut_out(part, cut, (*path, key)) for key, part in value.items() if (*path, key) not in cut}
    if isinstance(value, list | tuple):
        return [cut_out(part, cut, (*path, i)) for i, part in enumerate(value) if (*path, i) not in cut]
    return value


def to_cut(error: ValidationError, cut: frozenset[Path]) -> frozenset[Path]:
    """What has to go, in terms of the original, so that these findings go; a missing field takes its owner with it."""
    found = (_path(finding)[: -1 if finding["type"] == "missing" else None] for finding in _findings(error))
    return cut | {_before_cut(path, cut) for path in found}


def without_nulls(value: object) -> object:
    """Null is as good as absent, as it is for the API server where a field has a default."""
    if isinstance(value, Mapping):
        return {key: without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(part) for part in value]
    return value


def _before_cut(path: Path, cut: frozenset[Path]) -> Path:
    """The same place in the original, where lists still have the items that were taken out."""
    original: Path = ()
    for step in path:
        if isinstance(step, int):
            index = -1
            for _ in range(step + 1):
                index += 1
                while (*original, index) in cut:
                    index += 1
            step = index
        original = (*original, step)
    return original


def _parts(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    """The value and everything in it that may have rules."""
    yield path, value
    if isinstance(value, Model):
        for name, field in type(value).model_fields.items():
            yield from _parts(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _parts(item, (*path, index))


def _repeated(model: Model) -> Iterator[tuple[Path, object]]:
    """Items of a set or keyed list that repeat another, and what is the same; the API server sees to that by itself."""
    for name, field in type(model).model_fields.items():
        extra = field.json_schema_extra
        if not isinstance(extra, dict) or "x-kubernetes-list-type" not in extra:
            continue
        key = extra.get("x-kubernetes-list-map-keys")
        seen: set[object] = set()
        for index, item in enumerate(getattr(model, name)):
            identity = _identity(item, key) if isinstance(key, list) else item
            if identity in seen:
                yield (field.alias or name, index), identity
            seen.add(identity)


def _identity(item: object, keys: Sequence[object]) -> object:
    values = [getattr(item, str(key)) for key in keys]
    return values[0] if len(values) == 1 else ", ".join(map(str, values))


def _findings(error: ValidationError) -> list[ErrorDetails]:
    """Without "too short" about a list whose items are what is wrong: pydantic counts only the good ones."""
    owners = {_path(finding)[:length] for finding in error.errors() for length in range(len(_path(finding)))}
    return [finding for finding in error.errors() if finding["type"] != "too_short" or _path(finding) not in owners]


def _path(error: ErrorDetails) -> Path:
    """A key of a wrong form is a problem of the map: it is no place that one could point at."""
    return error["loc"][:-2] if error["loc"][-1:] == ("[key]",) else error["loc"]


def _seen(path: Path, value: object) -> str:
    if any(step in _CONFIDENTIAL for step in path) or isinstance(value, Model | Mapping | list | tuple):
        return ""
    text = json.dumps(value, default=str, ensure_ascii=False)
    if "@" in text or "?" in text or len(text) > 100:
        return ""  # it may carry a password or a key, or is too long to help
    return f"; seen {text}"


def _hint(kind: type[Model], path: Path) -> str:
    if path[-1] == "namespace" and any(
        isinstance(step, str) and step.endswith(("Ref", "Refs")) for step in path[-3:-1]
    ):
        return "; a reference is always in the pool's own namespace"
    if str(path[-1]).lower().replace("_", "") in _KEY_NAMES and "credentialsRef" in _fields(kind, path[:-1]):
        return "; put the API key into a Secret and refer to it in credentialsRef"
    near = get_close_matches(str(path[-1]), _fields(kind, path[:-1]), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _fields(kind: type[Model], path: Path) -> tuple[str, ...]:
    """The field names that a path of this kind could go on with."""
    aliases = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
    if not path:
        return tuple(aliases)
    models = list(_models(aliases.get(str(path[0]))))
    rest = path[2:] if len(path) > 1 and isinstance(path[1], int) else path[1:]
    return _fields(models[0], rest) if models else ()


def _models(annotation: object) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
