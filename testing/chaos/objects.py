"""Objects without what moves by itself, and the first place where two of them differ. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
SHOWN = 160
_MOVES = ("resourceVersion", "uid", "generation", "creationTimestamp", "managedFields", "lastTransitionTime")
_HASH = re.compile("[0-9a-f]{64}")
_FINGERPRINT = re.compile(r'(fingerprint\\?": ?\\?")(?:[0-9a-f]{8}){1,2}')
"""Of a document and of an endpoint, which name the namespace."""
_GENERATION = re.compile(r'(generation(?:\\?": ?"?| ))[0-9]+')
"""Of a document: one more than any that a router still has, so that of a pool made again depends on when its routers
end."""
_SERVERS_OWN = ("clusterIP", "clusterIPs", "nodePort")


def still(body: Mapping[str, Any], namespace: str, keep_status: bool) -> Json:
    text = _HASH.sub("HASH", json.dumps(_without(body)).replace(namespace, "NAMESPACE"))
    text = _FINGERPRINT.sub(r"\g<1>PRINT", text)
    text = _GENERATION.sub(r"\g<1>0", text)
    found: Json = json.loads(text)
    status = found.pop("status", {})
    if keep_status:
        observed = body.get("status", {}).get("observedGeneration")
        conditions = body.get("status", {}).get("conditions", [])
        is_current = {one.get("observedGeneration") for one in conditions} == {body["metadata"]["generation"]}
        found["status"] = {
            **status,
            "isCurrent": is_current,
            "isObserved": observed in (None, body["metadata"]["generation"]),
        }
    annotations = found["metadata"].get("annotations", {})
    annotations.pop("deployment.kubernetes.io/revision", None)
    return found


def _without(value: object) -> object:
    if isinstance(value, Mapping):
        kept = {name: one for name, one in value.items() if name not in (*_MOVES, *_SERVERS_OWN, "observedGeneration")}
        return {name: _without(one) for name, one in kept.items()}
    return [_without(one) for one in value] if isinstance(value, list) else value


def difference(one: object, other: object, where: str = "") -> str:
    """The first place where they differ, or ""."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in sorted(one.keys() | other.keys()):
            if name not in other or name not in one:
                return f"{where}/{name} is {'only wanted' if name in one else 'not wanted'}"
            found = difference(one[name], other[name], f"{where}/{name}")
            if found:
                return found
        return ""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        inside = (difference(a, b, f"{where}/{number}") for number, (a, b) in enumerate(zip(one, other, strict=True)))
        return next(filter(None, inside), "")
    if one != other and _is_json(one) and _is_json(other):
        return difference(json.loads(str(one)), json.loads(str(other)), where)
    if isinstance(one, str) and isinstance(other, str) and len(one) + len(other) > 2 * SHOWN:
        same = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), SHOWN)
        start = max(0, same - SHOWN // 4) if one != other else 0
        one, other = one[start:], other[start:]
    return "" if one == other else f"{where}: wanted {json.dumps(one)[:SHOWN]}, seen {json.dumps(other)[:SHOWN]}"


def _is_json(value: object) -> bool:
    if not isinstance(value, str) or not value.startswith("{"):
        return False
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
