"""The latest look at the pools, kept while newer ones fail: an old picture that says how old it is beats none."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from poolkeeper.dashboard.facts import PoolFacts
from poolkeeper.dashboard.history import History
from poolkeeper.dashboard.pool_view import pool_doc
from poolkeeper.dashboard.view_model import Document
from poolkeeper.errors import PoolkeeperError

Look = Callable[[], tuple[PoolFacts, ...]]
STALE_AFTER = timedelta(seconds=15)
"""A look that takes longer than this hangs, whatever becomes of it."""


@dataclass(frozen=True)
class LatestView:
    """trouble: why the last look failed; "": it did not."""

    source: str
    seen_at: datetime
    pools: tuple[PoolFacts, ...] = ()
    history: History = field(default_factory=History)
    trouble: str = ""

    def first(self, look: Look, now: Callable[[], datetime]) -> "LatestView":
        """An error at the start is reported at once."""
        pools = look()
        at = now()
        return LatestView(self.source, at, pools, self.history.after(pools, at))

    def after(self, look: Look, now: Callable[[], datetime]) -> "LatestView":
        try:
            return self.first(look, now)
        except PoolkeeperError as error:
            return replace(self, trouble=str(error))

    def document(self, now: datetime) -> Document:
        return Document(
            source=self.source,
            now=now,
            seen_at=self.seen_at,
            is_stale=bool(self.trouble) or now - self.seen_at > STALE_AFTER,
            trouble=self.trouble,
            pools=tuple(pool_doc(pool, self.history.of(pool.name), now) for pool in self.pools),
        )
