"""Windows of the week: does one hold at a moment? As the routers' core/document/calendar.lua, but with zoneinfo."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from poolkeeper.api.endpoint import TimeWindow

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def holds(window: TimeWindow, at: datetime) -> bool:
    """A window over midnight belongs to the day it starts on."""
    local = at.astimezone(ZoneInfo(str(window.time_zone)))
    minute, start, end = local.hour * 60 + local.minute, window.from_.minutes, window.to.minutes
    if start < end:
        return start <= minute < end and DAYS[local.weekday()] in window.days
    if minute >= start:
        return DAYS[local.weekday()] in window.days
    return minute < end and DAYS[(local - timedelta(days=1)).weekday()] in window.days
