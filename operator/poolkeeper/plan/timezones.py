"""Time zones for routers, which have no database of them: each zone's offsets from UTC, for ten years ahead.

From the first of January of this year, so that a document changes once a year by this, not every day; and ten years, so
that a router whose operator is gone never notices. What governments decide meanwhile comes with a newer database.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from poolkeeper.api.base import Problem
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.router_document import Offset, TimeZoneDoc
from poolkeeper.plan.windows import windows

YEARS = 10
_DAY = timedelta(days=1)


def time_zones(spec: EndpointPoolSpec, now: datetime) -> tuple[TimeZoneDoc, ...]:
    """Those that the pool's windows name."""
    names = sorted({str(window.time_zone) for _, window in windows(spec)})
    return tuple(TimeZoneDoc(name=name, offsets=offsets(name, now.year)) for name in names)


def unknown_zones(spec: EndpointPoolSpec) -> Iterator[Problem]:
    """Names of the right form that no zone has."""
    for path, window in windows(spec):
        if _zone(window.time_zone) is None:
            text = f"seen {str(window.time_zone)!r}, which the time zone database does not have; wanted a name such as "
            yield Problem(f"{path}.timeZone", text + "Europe/Berlin")


@lru_cache(maxsize=1024)
def offsets(name: str, year: int) -> tuple[Offset, ...]:
    zone = _zone(name)
    if zone is None:
        raise AssertionError(f"time zone {name} is not known, which hold_of() refuses")
    day, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + YEARS, 1, 1, tzinfo=UTC)
    found = [_offset(day, zone)]
    while day < end:
        if _offset_s(day + _DAY, zone) != found[-1].offset_s:
            found.append(_offset(_change(day, zone), zone))
        day += _DAY
    return tuple(found)


def _change(day: datetime, zone: ZoneInfo) -> datetime:
    """The minute within the day that starts here at which the offset becomes another one."""
    before, (low, high) = _offset_s(day, zone), (0, 24 * 60)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_s(day + timedelta(minutes=middle), zone) == before else (low, middle)
    return day + timedelta(minutes=high)


def _offset(at: datetime, zone: ZoneInfo) -> Offset:
    return Offset(since_s=int(at.timestamp()), offset_s=_offset_s(at, zone))


def _offset_s(at: datetime, zone: ZoneInfo) -> int:
    ahead = at.astimezone(zone).utcoffset()
    return int(ahead.total_seconds()) if ahead else 0


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such file, a name that is none, a folder of the database
        return None
