"""Windows of the week: does one hold at a moment? As the routers' core/document/calendar.lua, but with zoneinfo."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from poolkeeper.api.router_document import CalendarDoc
from poolkeeper.api.time_window import EPOCH, DateSpan, TimeWindow

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
Calendars = Mapping[str, CalendarDoc]
NO_CALENDARS: Calendars = {}


def by_name(calendars: Iterable[CalendarDoc]) -> Calendars:
    return {calendar.name: calendar for calendar in calendars}


def holds(window: TimeWindow, at: datetime, calendars: Calendars = NO_CALENDARS) -> bool:
    """A window over midnight belongs to the day it starts on."""
    local = at.astimezone(ZoneInfo(str(window.time_zone)))
    minute, start, end = local.hour * 60 + local.minute, window.from_.minutes, window.to.minutes
    if start < end:
        return start <= minute < end and _starts_on(window, local.date(), calendars)
    if minute >= start:
        return _starts_on(window, local.date(), calendars)
    return minute < end and _starts_on(window, local.date() - timedelta(days=1), calendars)


def _starts_on(window: TimeWindow, day: date, calendars: Calendars) -> bool:
    if DAYS[day.weekday()] not in window.days or _is_in(window.except_dates, window.except_calendars, day, calendars):
        return False
    is_any = not window.dates and not window.calendars
    return is_any or _is_in(window.dates, window.calendars, day, calendars)


def _is_in(dates: Iterable[DateSpan], names: Iterable[str], day: date, calendars: Calendars) -> bool:
    number = (day - EPOCH).days
    spans = [span.days for span in dates]
    for name in names:
        spans += [(span.first_day, span.last_day) for span in calendars[name].spans]
    return any(first <= number <= last for first, last in spans)
