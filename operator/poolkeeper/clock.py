"""The only clock in the project: everything else takes time as an argument, so that a test can turn it."""

from datetime import UTC, datetime


def now() -> datetime:
    """Wall-clock time, aware, in UTC, whole seconds (the resolution of Kubernetes' metav1.Time)."""
    return precise_now().replace(microsecond=0)


def precise_now() -> datetime:
    """The same in whole milliseconds, for events that differ only in their time: a second can see two runs end."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
