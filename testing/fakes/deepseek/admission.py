"""The in-flight limit: who holds a slot, and a queue in order of arrival.

What befalls a request that gets no slot is for the caller to decide.
"""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class Admission:
    limit: int | None = None
    _holders: set[int] = field(default_factory=set)
    _waiting: dict[int, asyncio.Future[None]] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        return len(self._holders)

    def try_enter(self, holder: int) -> bool:
        if self._full():
            return False
        self._holders.add(holder)
        return True

    def leave(self, holder: int) -> None:
        """Gives back the slot or the place in the queue; nothing to do for one that has neither."""
        self._holders.discard(holder)
        turn = self._waiting.pop(holder, None)
        if turn is not None:
            turn.cancel()
        self._wake()

    def set_limit(self, limit: int | None) -> None:
        self.limit = limit
        self._wake()

    def wait(self, holder: int) -> asyncio.Future[None]:
        """Done when the slot is this holder's."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[holder] = turn
        return turn

    def _full(self) -> bool:
        return self.limit is not None and len(self._holders) >= self.limit

    def _wake(self) -> None:
        while self._waiting and not self._full():
            holder = next(iter(self._waiting))
            self._holders.add(holder)
            self._waiting.pop(holder).set_result(None)
