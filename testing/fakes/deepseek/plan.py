"""Which scenario a request meets: always one, a script by request number, a mix by chance, or a timeline.

`choose` is pure: number, elapsed time and seed in, a leg out; so the same plan plays the same way every time.
"""

import random
from dataclasses import dataclass, field
from enum import StrEnum

from testing.fakes.deepseek import jsonin
from testing.fakes.deepseek.ask import GENERATING, Surface
from testing.fakes.deepseek.params import Params, overlay
from testing.fakes.deepseek.scenarios import SCENARIOS


class Kind(StrEnum):
    ALWAYS = "scenario"
    SCRIPT = "script"
    MIX = "mix"
    TIMELINE = "timeline"


EXTENT = {Kind.SCRIPT: "requests", Kind.MIX: "weight", Kind.TIMELINE: "for_ms"}
"""What says how long, or how often, a leg of each kind is played."""


@dataclass(frozen=True, slots=True)
class Leg:
    scenario: str
    params: Params
    extent: float | None = None
    """Requests, weight or milliseconds; None = the last leg, for ever."""


@dataclass(frozen=True, slots=True)
class Plan:
    kind: Kind
    legs: tuple[Leg, ...]
    repeat: bool = False
    seed: int = 0
    surfaces: frozenset[Surface] = field(default=frozenset(GENERATING))

    def choose(self, number: int, elapsed_ms: float) -> Leg:
        if self.kind is Kind.ALWAYS:
            return self.legs[0]
        if self.kind is Kind.MIX:
            weights = [leg.extent or 0.0 for leg in self.legs]
            return random.Random(f"{self.seed}:{number}").choices(self.legs, weights)[0]
        return self._leg_at(float(number) if self.kind is Kind.SCRIPT else elapsed_ms)

    def _leg_at(self, position: float) -> Leg:
        length = sum(leg.extent or 0.0 for leg in self.legs)
        if self.repeat and length:
            position %= length
        for leg in self.legs:
            if leg.extent is None or position < leg.extent:
                return leg
            position -= leg.extent
        return self.legs[-1]

    def next_change_ms(self, elapsed_ms: float) -> float | None:
        """When a timeline's next leg starts, counted from the plan's start."""
        if self.kind is not Kind.TIMELINE:
            return None
        length = sum(leg.extent or 0.0 for leg in self.legs)
        start = elapsed_ms // length * length if self.repeat and length else 0.0
        for leg in self.legs:
            if leg.extent is None:
                return None
            start += leg.extent
            if start > elapsed_ms:
                return start
        return None


def single(scenario: str, base: Params, params: dict[str, object] | None = None) -> Plan:
    return Plan(Kind.ALWAYS, (_leg({"scenario": scenario, "params": params or {}}, None, base, "plan"),))


def parse(value: object, base: Params) -> Plan:
    """A plan as the control API takes it: an object with exactly one of scenario, script, mix, timeline."""
    fields = jsonin.obj(value, "plan")
    given = [kind for kind in Kind if kind in fields]
    if len(given) != 1:
        raise jsonin.ShapeError(f"plan: {len(given)} of scenario, script, mix, timeline, wanted exactly one")
    kind = given[0]
    common = ("surfaces",)
    surfaces = _surfaces(fields.get("surfaces"))
    if kind is Kind.ALWAYS:
        jsonin.known_keys(fields, ("scenario", "params", *common), "plan")
        leg: dict[str, object] = {name: fields[name] for name in ("scenario", "params") if name in fields}
        return Plan(kind, (_leg(leg, None, base, "plan"),), surfaces=surfaces)
    jsonin.known_keys(fields, (kind, "repeat", "seed", *common), "plan")
    items = jsonin.array(fields[kind], kind)
    if not items:
        raise jsonin.ShapeError(f"{kind}: no legs, wanted at least one")
    legs = tuple(
        _leg(jsonin.obj(item, f"{kind}[{index}]"), EXTENT[kind], base, f"{kind}[{index}]")
        for index, item in enumerate(items)
    )
    if kind is not Kind.TIMELINE and any(leg.scenario == "refuse" for leg in legs):
        raise jsonin.ShapeError(f"{kind}: refuse is for connections, not requests: play it alone or in a timeline")
    if kind is Kind.MIX and not sum(leg.extent or 0.0 for leg in legs):
        raise jsonin.ShapeError("mix: all weights are 0")
    return Plan(
        kind,
        legs,
        repeat=jsonin.boolean(fields.get("repeat", False), "repeat"),
        seed=jsonin.integer(fields.get("seed", 0), "seed"),
        surfaces=surfaces,
    )


def leg(scenario: str, params: dict[str, object], base: Params) -> Leg:
    return _leg({"scenario": scenario, "params": params}, None, base, "request")


def _leg(fields: dict[str, object], extent: str | None, base: Params, where: str) -> Leg:
    jsonin.known_keys(fields, ("scenario", "params", *([extent] if extent else [])), where)
    name = jsonin.string(fields.get("scenario"), f"{where}.scenario")
    if name not in SCENARIOS:
        raise jsonin.ShapeError(f"{where}: unknown scenario {name!r}, known: {', '.join(sorted(SCENARIOS))}")
    own = overlay(base, SCENARIOS[name].defaults, f"{where}.defaults")
    params = overlay(own, jsonin.obj(fields.get("params", {}), f"{where}.params"), f"{where}.params")
    length = fields.get(extent) if extent else None
    if length is None:
        return Leg(name, params, 1.0 if extent == EXTENT[Kind.MIX] else None)
    size = jsonin.number(length, f"{where}.{extent}")
    if size < 0:
        raise jsonin.ShapeError(f"{where}.{extent}: {size}, wanted 0 or more")
    return Leg(name, params, size)


def _surfaces(value: object) -> frozenset[Surface]:
    if value is None:
        return frozenset(GENERATING)
    if value == "all":
        return frozenset(Surface)
    try:
        return frozenset(Surface(name) for name in jsonin.strings(value, "surfaces"))
    except ValueError as error:
        raise jsonin.ShapeError(f"surfaces: {error}, known: all, {', '.join(Surface)}") from error
