"""Is this process still doing its work? Decided from what was seen to move; that it answers at all proves nothing.

An API server that is gone, or refuses us, makes us useless, not dead: a restart would not help.
"""

from poolkeeper.handlers.watch.streams import Watching, in_words

QUEUE_STUCK_S = 180.0
"""No single reconcile takes so long: every call in it has a time-out."""


def problems(watching: Watching, oldest_s: float) -> tuple[str, ...]:
    """oldest_s: of the queue."""
    dead = in_words(watching.problems) if watching.is_dead else ()
    if oldest_s <= QUEUE_STUCK_S:
        return dead
    return (*dead, f"the queue's oldest key waits {oldest_s:.0f} s, at most {QUEUE_STUCK_S:.0f} s are normal")
