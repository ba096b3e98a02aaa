"""A time of the week, and the dates on which it counts; and calendars, which give dates a name."""

from datetime import date
from typing import Literal

from pydantic import Field

from poolkeeper.api.base import LIST_SET, ConfigMapKeyRef, Model
from poolkeeper.api.value_types import ShortName, Text

Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
EPOCH = date(1970, 1, 1)
_DATE = r"[0-9]{4}-[01][0-9]-[0-3][0-9]"


class DateText(Text):
    """Not each one is a day that exists: .day raises ValueError for others."""

    PATTERN = rf"^{_DATE}$"
    WANTED = 'a quoted date such as "2027-02-06"'
    MAX_LENGTH = 10

    @property
    def day(self) -> date:
        return date.fromisoformat(self)


class DateSpan(Text):
    """A date, or all dates from one to another, both included. .days raises ValueError where there are none."""

    PATTERN = rf"^{_DATE}(/{_DATE})?$"
    WANTED = 'a quoted date such as "2027-02-06", or the first and the last of several such as "2027-02-05/2027-02-11"'
    MAX_LENGTH = 21

    @property
    def days(self) -> tuple[int, int]:
        """The first and the last day, counted from 1970-01-01."""
        first, _, last = self.partition("/")
        begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
        if end < begin:
            raise ValueError(f"the last date, {end}, is before the first")
        return (begin - EPOCH).days, (end - EPOCH).days


class Calendar(Model):
    """Dates with a name, such as the public holidays of a country."""

    name: ShortName
    """The name that windows use (calendars, exceptCalendars); unique in the pool."""
    config_map_ref: ConfigMapKeyRef
    """ConfigMap with the dates: one line for each, "2027-02-06", or "2027-02-05/2027-02-11" for all from the first to
    the last. What follows a # is a comment. A changed ConfigMap is live within ten minutes. While it is missing or
    cannot be read, the last good configuration keeps serving."""


class ClockTime(Text):
    PATTERN = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
    WANTED = 'a time of day as a quoted HH:MM, such as "01:00"'
    MAX_LENGTH = 5

    @property
    def minutes(self) -> int:
        """Minutes since midnight."""
        return int(self[:2]) * 60 + int(self[3:])


class StartTime(ClockTime):
    PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class TimeZone(Text):
    PATTERN = r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$"
    WANTED = "an IANA time zone such as UTC or Asia/Shanghai"
    MAX_LENGTH = 64


class TimeWindow(Model):
    """A part of the week, by the clock on the wall of its time zone: in the night that clocks go forward, an hour of it
    is missing; in the night that they go back, an hour comes twice. When `from` is later than `to`, the window runs
    over midnight and belongs to the day it starts on."""

    days: tuple[Day, ...] = Field(
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), min_length=1, max_length=7, json_schema_extra=LIST_SET
    )
    """Days of the week on which the window starts. Default: every day."""
    from_: StartTime = Field(alias="from")
    """Start, HH:MM in timeZone, included. Quote it: YAML reads 01:00 as a number."""
    to: ClockTime
    """End, HH:MM in timeZone, excluded; "24:00" is midnight at the end of the day."""
    time_zone: TimeZone = TimeZone("UTC")
    """IANA time zone, such as UTC or Asia/Shanghai."""
    dates: tuple[DateSpan, ...] = Field((), max_length=64, json_schema_extra=LIST_SET)
    """Dates on which the window starts, in timeZone: "2026-12-24", or "2026-12-24/2026-12-31" from the first to the
    last. With days: both must hold. Default: every date."""
    calendars: tuple[ShortName, ...] = Field((), max_length=8, json_schema_extra=LIST_SET)
    """Names of spec.calendars; their dates count as dates."""
    except_dates: tuple[DateSpan, ...] = Field((), max_length=64, json_schema_extra=LIST_SET)
    """Dates on which the window does not start, written as dates are."""
    except_calendars: tuple[ShortName, ...] = Field((), max_length=8, json_schema_extra=LIST_SET)
    """Names of spec.calendars on whose dates the window does not start. Example: a provider's peak hours, which do not
    apply on public holidays."""
