"""The /_fake/ API: what the fake plays, what it saw, its counters. JSON in, JSON out, no key asked.

    GET  /_fake/scenario            the plan
    PUT  /_fake/scenario            {"scenario": NAME, "params": {}} | {"script": [{"scenario", "params", "requests"}]}
                                    | {"mix": [{..., "weight"}], "seed"} | {"timeline": [{..., "for_ms"}]};
                                    "repeat": true starts a script or timeline over; "surfaces": [...] or "all"
    GET  /_fake/scenarios           the table, and every dial with its default
    GET  /_fake/log?since=SEQ       requests after number SEQ, with the exact key they came with
    GET  /_fake/stats               totals, in_flight, max_in_flight, counts by scenario, outcome and status
    GET  /_fake/settings            what the provider checks by itself
    PUT  /_fake/settings            any of keys, models, any_model, max_inflight (null = none), overload
    PUT  /_fake/keys                {KEY: {"scenario": NAME, "params": {}}}: what requests with these keys meet instead
    POST /_fake/reset               back to how it was started, log and counters empty

A bad document changes nothing and gets 400 with {"error": what was seen, what was wanted}.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from urllib.parse import parse_qs, urlsplit

from testing.fakes.deepseek import bodies, http1, jsonin, plan
from testing.fakes.deepseek.params import FIELDS
from testing.fakes.deepseek.provider import OVERLOADS, Provider, Settings
from testing.fakes.deepseek.scenarios import SCENARIOS

PREFIX = "/_fake/"


def respond(provider: Provider, request: http1.Request) -> bytes:
    status, value = _answer(provider, request)
    body = bodies.dump(value)
    headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
    if not request.keep_alive:
        headers.append(("connection", "close"))
    return http1.response_head(status, tuple(headers)) + body


def _answer(provider: Provider, request: http1.Request) -> tuple[int, object]:
    action = _ACTIONS.get((request.method, request.path.removeprefix(PREFIX)))
    if action is None:
        known = ", ".join(f"{method} {PREFIX}{name}" for method, name in _ACTIONS)
        return 404, {"error": f"{request.method} {request.path}: unknown, known: {known}"}
    try:
        return 200, action(provider, request)
    except jsonin.ShapeError as error:
        return 400, {"error": str(error)}


def _get_plan(provider: Provider, request: http1.Request) -> object:
    legs = [{**asdict(leg), "params": _changed(leg, provider)} for leg in provider.plan.legs]
    return {
        "kind": provider.plan.kind,
        "legs": legs,
        "repeat": provider.plan.repeat,
        "seed": provider.plan.seed,
        "surfaces": sorted(provider.plan.surfaces),
        "age_ms": provider.plan_age_ms(),
        "current": provider.current().scenario,
    }


def _changed(leg: plan.Leg, provider: Provider) -> dict[str, object]:
    base = asdict(provider.base)
    return {name: value for name, value in asdict(leg.params).items() if value != base[name]}


def _put_plan(provider: Provider, request: http1.Request) -> object:
    provider.set_plan(plan.parse(jsonin.load(request.body), provider.base))
    return _get_plan(provider, request)


def _table(provider: Provider, request: http1.Request) -> object:
    scenarios = {name: {"help": row.help, "defaults": dict(row.defaults)} for name, row in SCENARIOS.items()}
    return {"scenarios": scenarios, "params": FIELDS}


def _log(provider: Provider, request: http1.Request) -> object:
    query = parse_qs(urlsplit(request.target).query)
    since = jsonin.integer(jsonin.scalar(query.get("since", ["0"])[-1]), "since")
    return {"entries": [asdict(entry) for entry in provider.log.since(since)]}


def _stats(provider: Provider, request: http1.Request) -> object:
    log = provider.log
    return {
        "name": provider.name,
        "total": log.total,
        "in_flight": log.in_flight,
        "max_in_flight": log.max_in_flight,
        "slots_taken": provider.admission.taken,
        "by_scenario": dict(log.by_scenario),
        "by_outcome": dict(log.by_outcome),
        "by_status": {str(status): count for status, count in log.by_status.items()},
        "last_seq": log.seq,
    }


def _get_settings(provider: Provider, request: http1.Request) -> object:
    return asdict(provider.settings)


def _put_settings(provider: Provider, request: http1.Request) -> object:
    provider.set_settings(_read_settings(jsonin.obj(jsonin.load(request.body), "settings"), provider.settings))
    return asdict(provider.settings)


def _read_settings(fields: dict[str, object], now: Settings) -> Settings:
    jsonin.known_keys(fields, tuple(asdict(now)), "settings")
    overload = jsonin.string(fields.get("overload", now.overload), "overload")
    if overload not in OVERLOADS:
        raise jsonin.ShapeError(f"overload: {overload!r}, wanted one of {', '.join(OVERLOADS)}")
    limit = fields.get("max_inflight", now.max_inflight)
    return replace(
        now,
        keys=jsonin.strings(fields.get("keys", list(now.keys)), "keys"),
        models=jsonin.strings(fields.get("models", list(now.models)), "models"),
        any_model=jsonin.boolean(fields.get("any_model", now.any_model), "any_model"),
        max_inflight=None if limit is None else jsonin.integer(limit, "max_inflight"),
        overload=overload,
    )


def _put_keys(provider: Provider, request: http1.Request) -> object:
    legs: dict[str, plan.Leg] = {}
    for key, wanted in jsonin.obj(jsonin.load(request.body), "keys").items():
        fields = jsonin.obj(wanted, key)
        jsonin.known_keys(fields, ("scenario", "params"), key)
        name = jsonin.string(fields.get("scenario", "ok"), "scenario")
        legs[key] = plan.leg(name, jsonin.obj(fields.get("params", {}), "params"), provider.base)
    provider.by_key = legs
    return {key: leg.scenario for key, leg in legs.items()}


def _reset(provider: Provider, request: http1.Request) -> object:
    provider.reset()
    return {}


_ACTIONS: dict[tuple[str, str], Callable[[Provider, http1.Request], object]] = {
    ("GET", "scenario"): _get_plan,
    ("PUT", "scenario"): _put_plan,
    ("GET", "scenarios"): _table,
    ("GET", "log"): _log,
    ("GET", "stats"): _stats,
    ("GET", "settings"): _get_settings,
    ("PUT", "settings"): _put_settings,
    ("PUT", "keys"): _put_keys,
    ("POST", "reset"): _reset,
}
