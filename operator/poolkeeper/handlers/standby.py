"""Whose turn it is once this process leads.

Until then it watches like the leader, and only remembers who has changed. So it takes over with everything known: it
reads no list then, and what has just changed does not wait behind all that is as it was.
"""

from collections.abc import Callable

from poolkeeper.kube.store import Ref


class Standby:
    """tell: whose turn it is, now. is_there: of what is gone nothing is left to do for one who has done nothing yet."""

    def __init__(self, tell: Callable[[Ref], None], is_there: Callable[[Ref], bool]) -> None:
        self._tell = tell
        self._is_there = is_there
        self._changed: dict[Ref, None] = {}
        self.is_over = False

    def tell(self, ref: Ref) -> None:
        if self.is_over:
            self._tell(ref)
            return
        self._changed.pop(ref, None)
        if self._is_there(ref):
            self._changed[ref] = None

    def end(self) -> None:
        """It leads from now on. Who changed last comes first: the others may be as the leader before has left them."""
        self.is_over = True
        changed, self._changed = self._changed, {}
        for ref in reversed(changed):
            self._tell(ref)
