"""The only now() in the project: everything else takes time as an argument, so that a test can turn it."""

from datetime import UTC, datetime


def now() -> datetime:
    """Wall-clock time, aware, in UTC, whole seconds (the resolution of Kubernetes' metav1.Time)."""
    return datetime.now(UTC).replace(microsecond=0)
