"""When a cron expression comes round next, in UTC. cronsim reads it as Debian's cron does; macros and `?` are ours."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice

from cronsim import CronSim, CronSimError

_MACROS: Mapping[str, str] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def wrong_with(schedule: str) -> str:
    """Why it never comes round, though it has the right form: "Bad month"; or ""."""
    try:
        CronSim(_fields(schedule), datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        return str(error)
    return ""


def firings(schedule: str, after: datetime) -> Iterator[datetime]:
    """From the first time later than `after`; none when there is no such day (the 30th of February)."""
    try:
        yield from CronSim(_fields(schedule), after)
    except CronSimError:
        return


def nth_firing(schedule: str, after: datetime, count: int) -> datetime | None:
    """The count-th time after that moment; None when it does not come."""
    return next(islice(firings(schedule, after), count - 1, None), None)


def _fields(schedule: str) -> str:
    return _MACROS.get(schedule, schedule).replace("?", "*")
