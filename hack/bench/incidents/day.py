"""The day: which provider fails, how, and from which hour to which: one list, to be read like a log of incidents.

Two scales: a day's hours are squeezed into DAY_S seconds, a request's seconds into tenths, so that an outage is as long
for a request as it is in life, compared with its time-outs. Limits of all gateways are scaled like requests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HOURS = 24.0
SCALE = 10.0
"""Of requests: a first token after 800 ms takes 80 ms here, a 30 s limit is 3 s."""

OFFICIAL, SECOND, WEAKEST, BACKUP = "official", "second", "weakest", "backup"


@dataclass(frozen=True)
class Provider:
    """tier: 0 first. capacity: requests at once that it takes; more are refused. prices in USD per million tokens."""

    name: str
    tier: int
    capacity: int
    input_price: float
    output_price: float


PROVIDERS = (
    Provider(OFFICIAL, 0, 64, 0.15, 0.60),
    Provider(SECOND, 0, 64, 0.20, 0.80),
    Provider(WEAKEST, 0, 32, 0.25, 0.90),
    Provider(BACKUP, 1, 12, 0.00, 0.00),
)
"""The backup is your own small server: it takes 12 requests at once, and it must survive."""


@dataclass(frozen=True)
class Incident:
    """play: a plan of the scripted provider, without an end."""

    title: str
    start_h: float
    end_h: float
    who: Sequence[str]
    play: Mapping[str, object] = field(default_factory=dict)
    flap_h: float = 0.0
    """Down and up again, each for so long."""


def _is(scenario: str, **params: object) -> Mapping[str, object]:
    return {"scenario": scenario, "params": params}


def _at_times(scenario: str, percent: int, **params: object) -> Mapping[str, object]:
    return {
        "mix": [
            {"scenario": scenario, "params": params, "weight": percent},
            {"scenario": "ok", "weight": 100 - percent},
        ]
    }


EVERYBODY = (OFFICIAL, SECOND, WEAKEST, BACKUP)
INCIDENTS = (
    Incident("the official API 15 times slower", 2, 5, (OFFICIAL,), _is("slow15x")),
    Incident("15 % errors on the weakest", 5.5, 8, (WEAKEST,), _at_times("error500", 15)),
    Incident("the network stutters", 8.5, 8.8, EVERYBODY, _is("slow_first_token", first_token_ms=300)),
    Incident("the official API refuses connections", 9, 10.5, (OFFICIAL,), _is("refuse", drop=True)),
    Incident("busy: the official API answers 503", 11, 12, (OFFICIAL,), _is("busy503")),
    Incident("busy: the second sends keep-alives only", 11, 12, (SECOND,), _is("keepalive_forever")),
    Incident("the second flaps for 13 hours", 10.5, 23.5, (SECOND,), _is("refuse", drop=True), flap_h=0.5),
    Incident("the official API cuts one stream in three", 13, 15, (OFFICIAL,), _at_times("cut", 33, after_chunks=3)),
    Incident("everything is dark", 15.5, 15.75, EVERYBODY, _is("refuse", drop=True)),
    Incident("everybody answers 503", 15.75, 16, EVERYBODY, _is("busy503")),
    Incident("the official balance is exhausted", 16.5, 18.5, (OFFICIAL,), _is("insufficient_balance")),
    Incident("all but the backup are dark", 19, 19.5, (OFFICIAL, SECOND, WEAKEST), _is("refuse", drop=True)),
)
SURGE = (20.5, 22.0, 3.0)
"""Three times the traffic, from hour to hour."""
QUIET = (0.0, 2.0)
"""Nothing has happened yet."""
WEAK = (5.5, 8.0)
"""When an attempt at the weakest may fail at once: what failing over within a tier adds shows in it."""
OUTAGE = (15.75, 16.0)
"""When everybody answers, and nobody well: how many attempts a gateway makes can be counted."""
DARK = (15.5, 16.0)
"""When no endpoint is alive; what is asked then cannot be answered by any gateway."""
UNCOUNTED = (DARK[0] - 0.05, DARK[1] + 0.25)
"""Before the dark: what is under way when it begins. Behind it: providers are back, nobody can know yet."""


@dataclass(frozen=True)
class Change:
    at_s: float
    who: str
    play: Mapping[str, object]


def changes(day_s: float) -> Sequence[Change]:
    """What every provider plays from when on, in order. A provider has one incident at a time; flapping gives way."""
    found: list[Change] = []
    for provider in PROVIDERS:
        cuts = sorted({0.0, *(hour for one in _of(provider.name) for hour in _changes(one))})
        for hour, following in zip(cuts, [*cuts[1:], HOURS], strict=True):
            play = _at(provider.name, (hour + following) / 2)
            found.append(Change(hour / HOURS * day_s, provider.name, play))
    return sorted(found, key=lambda change: change.at_s)


def _of(provider: str) -> list[Incident]:
    return [one for one in INCIDENTS if provider in one.who]


def _changes(one: Incident) -> list[float]:
    if not one.flap_h:
        return [one.start_h, one.end_h]
    count = round((one.end_h - one.start_h) / one.flap_h)
    return [one.start_h + number * one.flap_h for number in range(count + 1)]


def _at(provider: str, hour: float) -> Mapping[str, object]:
    steady = next((one for one in _of(provider) if not one.flap_h and one.start_h <= hour < one.end_h), None)
    if steady:
        return steady.play
    for one in _of(provider):
        if one.flap_h and one.start_h <= hour < one.end_h and int((hour - one.start_h) / one.flap_h) % 2 == 0:
            return one.play
    return _is("ok")


def is_in(span: tuple[float, float], at_s: float, day_s: float) -> bool:
    """span: from hour, to hour."""
    return span[0] <= at_s / day_s * HOURS < span[1]


def is_dark(at_s: float, day_s: float) -> bool:
    """Was no endpoint alive then, or only just again?"""
    return is_in(UNCOUNTED, at_s, day_s)
