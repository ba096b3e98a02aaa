"""Each field that users write changes something: a field that nothing reads is a promise that nothing keeps.

Each field in turn gets another value: the plan (with the routers' document) or the objects must then be different. What
the document has, the router's Lua must use.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from pydantic import BaseModel

from factories import NOW, snapshot
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.api.resource import Resource
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.plan.resolve import resolve
from poolkeeper.render.desired import desired
from testing.manifests import GOOD, SMALLEST, Manifest

LUA = Path(__file__).parents[3] / "router/lua"
SCHEMA = LUA / "core/document/config.lua"
CONFIG_MAPS = {
    "ca": frozenset({"ca.crt"}),
    "chat-samples": frozenset({"samples.jsonl"}),
    "holidays": frozenset({"cn"}),
}
CALENDARS = {"cn": "2027-02-05/2027-02-11"}
READ_ELSEWHERE = {
    "minAvailable": "status/conditions/available.py",
    "failoverPolicyRef.name": "kube/gather.py, local/manifests.py",
    "endpoints[].insecure": "api/validation_rules.py",
    "endpoints[].standby": "status/cold_standby.py, kube/gather.py; plan/cold_standby.py has what became of it",
    "calendars[].configMapRef.name": "kube/gather.py, local/manifests.py",
    "calendars[].configMapRef.key": "kube/gather.py, local/manifests.py",
}
"""Fields that change neither plan nor objects, and who reads them."""
READ_WITHOUT_LUA = {
    "ca_file": "render/volumes.py",
    "cache_bytes": "render/deployment.py",
    "source": "people who read router.json; routers of an earlier version want it",
}
"""Fields of the document that only the Pod is made by, and who reads them."""
SWITCHED_ON: Mapping[str, Mapping[str, object]] = {
    "balancing": {"affinity": {"mode": "Header"}},
    "queue": {"maxWait": "5s"},
    "hedging": {"mode": "On"},
    "contextRecovery": {"mode": "TrimOldest"},
}
"""Of a policy: what gives the fields beside it a meaning."""
OTHERS = (
    "7s", "3s", "9m", "2Gi", "8Mi", "0.25", "CNY", "deepseek-flash", "other", "02:00", "03:00", "Europe/Berlin",
    "@daily", "192.168.0.0/16", "https://other.example.com/v1", "http://other:3128", "3", "50m", "/other",
    "x-other", "2026-12-13",
)  # fmt: skip
"""Texts, of which every field of text takes one."""


def every_field_of_a_pool() -> Manifest:
    manifest = copy.deepcopy(SMALLEST["EndpointPool"])
    spec = cast(dict[str, Any], manifest["spec"])
    for case in (case for case in GOOD if case.case in ("every field of an endpoint", "every other field of a pool")):
        for path, value in case.set.items():
            if path == "spec.endpoints[0]":
                spec["endpoints"][0] = value
            else:
                spec[path.removeprefix("spec.")] = value
    return manifest


def every_field_of_a_policy() -> Manifest:
    return {**SMALLEST["FailoverPolicy"], "spec": SWITCHED_ON}


BASES: Mapping[type[Resource], Manifest] = {
    EndpointPool: every_field_of_a_pool(),
    FailoverPolicy: every_field_of_a_policy(),
}


def parsed(kind: type[Resource], spec: object) -> Resource | None:
    found = kind.parse({**BASES[kind], "metadata": {"name": "chat", "namespace": "default", "uid": "1"}, "spec": spec})
    return found if isinstance(found, kind) else None


def effect(of: Resource) -> object:
    pool, policy = (of if isinstance(of, kind) else parsed(kind, BASES[kind]["spec"]) for kind in BASES)
    assert isinstance(pool, EndpointPool)
    assert isinstance(policy, FailoverPolicy)
    there = replace(snapshot(pool), policy=policy, config_maps=CONFIG_MAPS, calendars=CALENDARS)
    plan = resolve(there, NOW)
    return plan, desired(there, plan.document, plan.probe) if plan.document else None


def leaves(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Paths and values, without containers of containers."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping) or not value:
        yield path, value
        return
    for step, part in value.items():
        yield from leaves(part, (*path, step))


def changed(spec: object, path: tuple[str | int, ...], value: object) -> object:
    result = copy.deepcopy(spec)
    at: Any = result
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return result


def other_values(kind: type[Resource], value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, list):
        yield value[:-1]
        yield from ([*value[:-1], other] for other in other_values(kind, value[-1])) if value else ()
    elif isinstance(value, int):
        yield from (value + 1, value - 1)
    else:
        yield from (3, True) if value is None else ()
        words = [words for words in _enumerations(kind.model_json_schema()) if value in words]
        yield from (word for group in words for word in group if word != value)
        yield from OTHERS


def _enumerations(schema: object) -> Iterator[list[object]]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("enum"), list):
            yield schema["enum"]
        for part in schema.values():
            yield from _enumerations(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _enumerations(part)


def name(path: tuple[str | int, ...]) -> str:
    return ".".join("[]" if isinstance(step, int) else step for step in path).replace(".[]", "[]")


@pytest.mark.parametrize("kind", BASES)
def test_another_value_of_a_field_changes_what_runs(kind: type[Resource]) -> None:
    base = parsed(kind, BASES[kind]["spec"])
    assert base is not None
    spec = cast(Any, base).spec.model_dump(mode="json", by_alias=True)
    before = effect(base)
    fields: dict[str, bool] = {}
    for path, value in leaves(spec):
        changes = (parsed(kind, changed(spec, path, other)) for other in other_values(kind, value))
        fields[name(path)] = fields.get(name(path)) or any(effect(one) != before for one in changes if one)

    without = {field for field, has_effect in fields.items() if not has_effect and not _is_set_elsewhere(field, fields)}
    unread = sorted(without - READ_ELSEWHERE.keys())
    assert not unread, (
        f"nothing reads {', '.join(unread)}: wanted plan/ or render/ to use it; for a router, as a field of "
        "api/router_document.py. A new optional field also needs a value in testing/manifests/good.yaml"
    )
    assert without == READ_ELSEWHERE.keys() & fields.keys(), "READ_ELSEWHERE has a field that plan or render reads"


def test_a_router_reads_each_field_of_its_document() -> None:
    lua = "".join(file.read_text() for file in LUA.rglob("*.lua") if file != SCHEMA)
    unread = {field for field in _fields(RouterDoc) if not re.search(rf"\.{field}\b", lua)}

    assert unread == READ_WITHOUT_LUA.keys(), (
        f"{', '.join(sorted(unread ^ READ_WITHOUT_LUA.keys()))} of router.json: wanted a reader in router/lua (beside "
        "core/document/config.lua), or no such field in api/router_document.py"
    )


def _fields(kind: object) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for field, info in kind.model_fields.items():
            yield field
            yield from _fields(info.annotation)
    for part in get_args(kind):
        yield from _fields(part)


def _is_set_elsewhere(field: str, fields: Mapping[str, bool]) -> bool:
    return any(other.startswith((f"{field}.", f"{field}[")) for other in fields)
