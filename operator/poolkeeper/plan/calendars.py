"""Named calendars: the dates of ConfigMaps as routers and probes want them, and what is wrong with them.

A line has a date, or the first and the last of several; what follows a # is for people. One line that cannot be read
makes the whole calendar unusable: a holiday that is left out costs money, and nobody would notice.
"""

import re
from collections.abc import Iterator

from poolkeeper.api.base import Problem
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.router_document import CalendarDoc
from poolkeeper.api.time_window import DateSpan
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.plan.tariffs import day_spans
from poolkeeper.plan.windows import windows

MOST_LINES = 1_000
MOST_DAYS = 10_000
SHOWN = 40
"""Characters of a line that cannot be read."""


def calendar_docs(snapshot: Snapshot) -> tuple[CalendarDoc, ...]:
    """In order of name. All can be read: hold_of() refuses others."""
    names = sorted(str(calendar.name) for calendar in snapshot.pool.spec.calendars) if snapshot.pool else ()
    return tuple(CalendarDoc(name=name, spans=day_spans(_spans(snapshot.calendars[name]))) for name in names)


def wrong_with(text: str) -> str:
    """What cannot be read in a calendar, in words; "" where all can be."""
    try:
        _spans(text)
    except ValueError as error:
        return str(error)
    return ""


def _spans(text: str) -> list[DateSpan]:
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise ValueError(f"seen {len(lines)} lines; wanted at most {MOST_LINES}")
    found = []
    for number, line in enumerate(lines, 1):
        said = line.partition("#")[0].strip()
        if said:
            found.append(_span(number, said))
    return found


def _span(number: int, said: str) -> DateSpan:
    why = not_a_date(said)
    if why:
        raise ValueError(f"line {number}: seen {said[:SHOWN]!r}{why}; wanted {DateSpan.WANTED.replace('quoted ', '')}")
    return DateSpan(said)


def not_a_date(said: str) -> str:
    """ "" for dates that exist; else why not, where that is not plain."""
    if not re.fullmatch(DateSpan.PATTERN, said):
        return ", which is none"
    try:
        first, last = DateSpan(said).days
    except ValueError as error:
        return f" ({error})"
    return "" if last - first < MOST_DAYS else f" (more than {MOST_DAYS} days)"


def problems_of_windows(spec: EndpointPoolSpec) -> Iterator[Problem]:
    """Dates that do not exist, and names of calendars that the pool does not have."""
    known = {str(calendar.name) for calendar in spec.calendars}
    for path, window in windows(spec):
        for field, dates in (("dates", window.dates), ("exceptDates", window.except_dates)):
            for said in dates:
                if why := not_a_date(said):
                    yield Problem(f"{path}.{field}", f"seen {str(said)!r}{why}; wanted {DateSpan.WANTED}")
        for field, names in (("calendars", window.calendars), ("exceptCalendars", window.except_calendars)):
            for name in names:
                if name not in known:
                    declared = ", ".join(sorted(known)) or "none"
                    yield Problem(f"{path}.{field}", f"seen {str(name)!r}; wanted a name of spec.calendars: {declared}")


def unused(spec: EndpointPoolSpec) -> Iterator[str]:
    """Names of calendars that no window uses."""
    used = {str(name) for _, window in windows(spec) for name in (*window.calendars, *window.except_calendars)}
    yield from (str(calendar.name) for calendar in spec.calendars if calendar.name not in used)
