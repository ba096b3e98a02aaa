"""Names of models that end soon or have ended, as endpoints[].models[].validUntil says.

A reminder and no more: nobody knows at which hour a provider really stops, and what it then answers is known
("Model Not Exist": the next endpoint).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from poolkeeper.api.base import Problem
from poolkeeper.api.endpoint import ModelMapping
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.time_window import DateText

NOTICE = timedelta(days=30)


@dataclass(frozen=True)
class EndingModel:
    """model: as clients name it. upstream_name: as the endpoint does; that is what ends."""

    endpoint: str
    model: str
    upstream_name: str
    valid_until: date
    has_ended: bool


def ending_models(spec: EndpointPoolSpec, now: datetime) -> tuple[EndingModel, ...]:
    """Of endpoints that are not Disabled, the first to end first."""
    return tuple(sorted(_ending(spec, now.astimezone(UTC).date()), key=lambda one: (one.valid_until, one.endpoint)))


def unknown_days(spec: EndpointPoolSpec) -> Iterator[Problem]:
    """Dates of the right form that no calendar has."""
    for index, endpoint in enumerate(spec.endpoints):
        for number, mapping in enumerate(endpoint.models):
            if mapping.valid_until is not None and _day(mapping) is None:
                path = f"spec.endpoints[{index}].models[{number}].validUntil"
                seen = str(mapping.valid_until)
                yield Problem(path, f"seen {seen!r}, a day that does not exist; wanted {DateText.WANTED}")


def _ending(spec: EndpointPoolSpec, today: date) -> Iterator[EndingModel]:
    for endpoint in spec.endpoints:
        for mapping in endpoint.models if endpoint.mode != "Disabled" else ():
            until = _day(mapping)
            if until is not None and until - today <= NOTICE:
                name = str(mapping.name)
                upstream = str(mapping.upstream_name or mapping.name)
                yield EndingModel(str(endpoint.name), name, upstream, until, until < today)


def _day(mapping: ModelMapping) -> date | None:
    """None where none is given, or one that does not exist."""
    try:
        return mapping.valid_until.day if mapping.valid_until is not None else None
    except ValueError:
        return None
