"""Is this process still doing its work? Decided from what was seen to move; that it answers at all proves nothing.

A watch is alive as long as it goes on trying: it is opened anew every minute even when nothing happens, and at once
when it breaks. An API server that is gone makes us useless, not dead: a restart would not help.
"""

from collections.abc import Mapping
from dataclasses import dataclass

WATCH_SILENT_S = 240.0
"""Four turns of watches.SERVER_TIMEOUT_S."""
QUEUE_STUCK_S = 180.0
"""No single reconcile takes so long: every call in it has a time-out."""


@dataclass(frozen=True)
class Pulse:
    """watches: kind -> when it last tried or told something. oldest_s: of the queue."""

    watches: Mapping[str, float]
    oldest_s: float


def problems(pulse: Pulse, now_s: float) -> tuple[str, ...]:
    silent = [
        f"the watch of {kind} has not moved for {now_s - at_s:.0f} s, at most {WATCH_SILENT_S:.0f} s are normal"
        for kind, at_s in sorted(pulse.watches.items())
        if now_s - at_s > WATCH_SILENT_S
    ]
    if pulse.oldest_s > QUEUE_STUCK_S:
        return (
            *silent,
            f"the queue's oldest key waits {pulse.oldest_s:.0f} s, at most {QUEUE_STUCK_S:.0f} s are normal",
        )
    return tuple(silent)
