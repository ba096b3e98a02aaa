"""Since when is an endpoint out? One outage lasts from the first sign of it until the endpoint has been well for
failback.stabilization: half-open requests that fail and backoffs that end begin no new one.

             Bad                              Good                        Good, for long enough
   Well ────────────────> Out ──────────────────────> Recovering ──────────────────────────────> Well
                           ^                              │
                           └──────── Bad, Unproven ───────┘
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Evidence = Literal["Bad", "Good", "Unproven", "Silent", "Away"]
"""Unproven: nothing good and nothing bad has been seen since. Silent: no router reports. Away: it is not to serve."""


@dataclass(frozen=True)
class Outage:
    """well_since: since when it serves again, while that is not long enough to call the outage over."""

    since: datetime
    well_since: datetime | None = None


def outage(
    before: Outage | None, seen: Evidence, began: datetime, stabilization: timedelta, now: datetime
) -> Outage | None:
    """began: when the evidence says that a new outage began."""
    if seen == "Bad":
        return Outage(before.since if before else min(began, now))
    if seen == "Away" or before is None:
        return None
    if seen == "Unproven":
        return Outage(before.since)
    if seen == "Silent":
        return before
    well_since = before.well_since or now
    return Outage(before.since, well_since) if now - well_since < stabilization else None
