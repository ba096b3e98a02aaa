"""Ways through the specs of a kind: each field set, changed, removed, to its bounds and beyond, by the CRD's schema.

A walk is a list of moves, each from one spec to the next. Many lead to a spec that must be refused: that is part of it.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from testing.manifests import BAD, GOOD, SMALLEST, Case

CRDS = Path(__file__).resolve().parents[2] / "crds"
NONSENSE = "Nonsense"
LONG = "x"
TEXTS = ("", "7s", "1h", "0s", "2Gi", "0.25", "CNY", "deepseek-flash", "other", "02:00", "24:00", "Europe/Berlin",
         "@daily", "192.168.0.0/16", "https://other.example.com/v1", "http://other:3128", "/other",
         "x-other")  # fmt: skip
"""Of which every field of text takes one and refuses one."""
REMOVED = object()
Spec = dict[str, Any]
Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Move:
    """to: from a spec to the next; the same spec where there is nothing to move."""

    name: str
    to: Callable[[Spec], Spec]


def smallest(kind: str) -> Spec:
    return copy.deepcopy(dict(SMALLEST[kind]["spec"]))  # type: ignore[call-overload]


@cache
def moves(kind: str) -> tuple[Move, ...]:
    """Every value at every field; every field removed; every case of testing.manifests that changes a spec."""
    file = next(CRDS.glob(f"*_{kind.lower().removesuffix('y')}*.yaml"))
    version = yaml.safe_load(file.read_text())["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    found = [
        Move(f"{_name(path)} {'removed' if value is REMOVED else f'= {value!r}'[:60]}", _sets(path, value))
        for path, values in _fields(schema, ())
        for value in (*values, REMOVED)
    ]
    found += [Move(f"case: {case.case}", _case(case)) for case in (*GOOD, *BAD) if _is_of_a_spec(case, kind)]
    return (*found, Move("back to the smallest", lambda spec: smallest(kind)))


def _fields(schema: Mapping[str, Any], path: Path_) -> Iterator[tuple[Path_, tuple[object, ...]]]:
    """Each field with values to try; containers themselves with none, or empty."""
    kind = schema.get("type")
    if "properties" in schema:
        if path:
            yield path, ({},)
        for name, part in schema["properties"].items():
            yield from _fields(part, (*path, name))
    elif kind == "array":
        yield path, ([],)
        yield from _fields(schema["items"], (*path, 0))
    else:
        yield path, tuple(_values(schema))


def _values(schema: Mapping[str, Any]) -> Iterator[object]:
    kind = schema.get("type")
    if "enum" in schema:
        yield from (*schema["enum"], NONSENSE)
    elif kind == "boolean":
        yield from (True, False)
    elif kind == "integer":
        yield from (schema["minimum"], schema["minimum"] - 1, schema["maximum"], schema["maximum"] + 1)
    elif kind == "string":
        yield from (*TEXTS, LONG * schema["maxLength"], LONG * (schema["maxLength"] + 1))
    elif kind == "object":
        yield from ({}, {"example.com/team": "chat"}, {"cpu": "50m"})
    else:
        yield from (5, "word", {"a": [1]})


def _sets(path: Path_, value: object) -> Callable[[Spec], Spec]:
    def to(spec: Spec) -> Spec:
        changed = copy.deepcopy(spec)
        at: Any = changed
        for step, after in pairwise(path):
            if value is REMOVED and not _has(at, step):
                return spec
            at = _into(at, step, [] if after == 0 else {})
        if value is not REMOVED:
            _into(at, path[-1], None)
            at[path[-1]] = copy.deepcopy(value)
        elif _has(at, path[-1]):
            del at[path[-1]]
        return changed

    return to


def _has(at: Any, step: str | int) -> bool:
    return step < len(at) if isinstance(step, int) else step in at


def _into(at: Any, step: str | int, empty: object) -> Any:
    if not _has(at, step):
        if isinstance(step, int):
            at.append(empty)
        else:
            at[step] = empty
    return at[step]


def _case(case: Case) -> Callable[[Spec], Spec]:
    return lambda spec: copy.deepcopy(dict(case.manifest["spec"]))  # type: ignore[call-overload]


def _is_of_a_spec(case: Case, kind: str) -> bool:
    changed = (*case.set, *case.unset)
    return case.kind == kind and bool(changed) and all(path.startswith("spec.") for path in changed)


def _name(path: Path_) -> str:
    return ".".join("[]" if step == 0 else str(step) for step in path).replace(".[]", "[]")
