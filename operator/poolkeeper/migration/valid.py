"""Of an import only what the API's rules take: the rest is left out, each part with a line that says why.

Another gateway's file may say anything: a model without a name, an address that no router may call, two hundred
endpoints. What comes of it is a pool that `poolkeeper validate` accepts, or nothing.
"""

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from poolkeeper.api.base import Problem
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.migration.imported import Imported, Json

STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
ENDPOINT, ENDPOINTS_MODEL = 3, 5
"""How long the paths spec.endpoints[i] and spec.endpoints[i].models[j] are: what goes as a whole."""


def only_valid(made: Imported) -> Imported:
    notes = list(made.notes)
    kept = [_valid(deepcopy(dict(one)), notes) for one in made.manifests]
    if any(_problems(one, local=True) for one in kept):
        return Imported((), tuple(notes))
    for one in kept:
        notes += (
            f"{problem}; `poolkeeper run` takes that, a cluster does not" for problem in _problems(one, local=False)
        )
    return Imported(tuple(kept), tuple(notes))


def _problems(manifest: Json, *, local: bool) -> Sequence[Problem]:
    kind = EndpointPool if manifest["kind"] == "EndpointPool" else FailoverPolicy
    found = kind.parse(manifest, local=local)
    return found if isinstance(found, tuple) else ()


def _valid(manifest: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Without the first thing that is wrong, until nothing is, or nothing more can go."""
    while problems := _problems(manifest, local=True):
        first = problems[0]
        name = _left_out(manifest, first.path)
        notes.append(f"{first}{f'; {name} is left out' if name else ''}")
        if not name:
            break
    return manifest


def _left_out(manifest: dict[str, Any], path: str) -> str:
    """What was taken out, in words; empty where nothing could be."""
    steps: list[str | int] = [int(index) if index else name for index, name in STEP.findall(path)]
    if steps[0] != "spec" or len(steps) == 1:
        return ""
    if steps[1] == "endpoints":
        steps = steps[: ENDPOINTS_MODEL if steps[3:4] == ["models"] and len(steps) >= ENDPOINTS_MODEL else ENDPOINT]
    *above, last = steps
    owner: Any = manifest
    for step in above:
        owner = owner[step]
    if isinstance(owner, dict) and isinstance(owner.get(last), list):  # a whole list: too long, or a rule about it
        owner, last = owner[last], -1
    if not owner:
        return ""
    gone = owner.pop(last)
    _without_empty_lists(manifest["spec"])
    return str(gone.get("name", last)) if isinstance(gone, dict) else f"{last if last != -1 else gone}"


def _without_empty_lists(spec: dict[str, Any]) -> None:
    """No endpoint without a model of its own that had one, and no model that no endpoint serves."""
    if "endpoints" not in spec:
        return
    spec["endpoints"] = [one for one in spec["endpoints"] if one.get("models") != []]
    by_all = any("models" not in one for one in spec["endpoints"])
    served = {model["name"] for one in spec["endpoints"] for model in one.get("models", ())}
    spec["models"] = [name for name in spec["models"] if by_all or name in served]
