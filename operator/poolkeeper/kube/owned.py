"""What of an object is ours, by the API server's own record (managedFields), with the values that stand there. Pure.

A field that we have applied is in our entry of that record until somebody else writes another value, or removes it. So
the fields of our entry, with their values, equal what we want exactly as long as nobody has changed one of them; what
others have added is not in it. This holds for what happened while nobody watched, too, so it needs no memory.

A field without fields below it stands for all that is in it: a value, a list that is one value, {}. One that is ours
and missing is empty: the API server leaves many empty values out (false, 0, "", [], {}).
"""

import json
from collections.abc import Mapping
from functools import lru_cache

from poolkeeper.api.installation import amount
from poolkeeper.api.labels import FIELD_MANAGER
from poolkeeper.kube.json_fields import Json, find, mapping, rows, text
from poolkeeper.plan.hashing import digest

_NAMES_IT = ("name", "namespace", "uid")
_QUANTITIES = ("requests", "limits")
_QUANTITY = "sizeLimit"
_NOTHING = object()


def owned_digest(body: Mapping[str, object]) -> str:
    """Of what of a live object is ours, to be compared with wanted_digest(); "" if the record does not say."""
    ours = [entry for entry in rows(body, "metadata", "managedFields") if _is_ours(entry)]
    fields = find(ours[0], "fieldsV1") if len(ours) == 1 else None
    return digest(_plain(_kept(body, fields))) if isinstance(fields, Mapping) and fields else ""


def wanted_digest(body: Mapping[str, object]) -> str:
    """Of an object as we apply it."""
    metadata = {name: value for name, value in mapping(body, "metadata").items() if name not in _NAMES_IT}
    content = {name: value for name, value in body.items() if name not in ("apiVersion", "kind")}
    return digest(_plain({**content, "metadata": metadata}))


def _is_ours(entry: Mapping[str, object]) -> bool:
    whose = text(entry, "manager"), text(entry, "operation"), text(entry, "subresource")
    return whose == (FIELD_MANAGER, "Apply", "")


def _kept(live: object, fields: Mapping[str, object]) -> object:
    if not fields:
        return live
    if isinstance(live, Mapping):
        return {step[2:]: _kept(live.get(step[2:]), _below(fields, step)) for step in fields if step.startswith("f:")}
    if isinstance(live, list):
        kept = ((item, _step_of(item, fields)) for item in live)
        return [_kept(item, _below(fields, step)) for item, step in kept if step is not None]
    return live


def _below(fields: Mapping[str, object], step: str) -> Mapping[str, object]:
    found = fields[step]
    return found if isinstance(found, Mapping) else {}


def _step_of(item: object, fields: Mapping[str, object]) -> str | None:
    """Which step of the record leads to this item of a list: the one with its key, or with its value."""
    for step in fields:
        if step.startswith("k:"):
            key = _json(step[2:])
            if isinstance(item, Mapping) and isinstance(key, dict) and all(item.get(n) == v for n, v in key.items()):
                return step
        elif step.startswith("v:") and _json(step[2:]) == item:
            return step
    return None


@lru_cache(maxsize=1024)
def _json(written: str) -> object:
    try:
        return json.loads(written)
    except ValueError:
        return _NOTHING


def _plain(value: object, is_quantity: bool = False) -> object:
    """With quantities as numbers (the API server writes 1024Mi as 1Gi, 0.5 as 500m), and all that is empty alike."""
    if isinstance(value, Mapping):
        found: Json = {}
        for name, item in value.items():
            is_one = is_quantity or name == _QUANTITY
            found[name] = _number(item) if is_one else _plain(item, name in _QUANTITIES)
        return found or None
    return [_plain(item) for item in value] or None if isinstance(value, list | tuple) else value or None


def _number(quantity: object) -> object:
    try:
        return str(amount(quantity).normalize()) if isinstance(quantity, str) else quantity
    except ArithmeticError:
        return quantity
