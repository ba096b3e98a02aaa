"""How many pools at once get new router Pods because of what the operator itself changes: its router image, its
defaults, what it renders. Pure.

A change of a pool's own spec rolls at once: who made it looks at it. A new operator would roll all pools at once,
and nobody looks at each. So one pool in SHARE begins, at least one, and the next when one of these has all its new
routers ready and answers. A change that does not work stays with those few: their old routers serve, and no other pool
begins. A pool that was not well before takes nobody's turn.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from poolkeeper.plan.snapshot import PoolKey

SHARE = 20
LOOK_S = 5.0
LONGEST_LOOK_S = 300.0


@dataclass
class Rollouts:
    """pools: how many there are. is_well: does this pool run this template, on all its routers, and answer?"""

    pools: Callable[[], int]
    is_well: Callable[[PoolKey, str], bool]
    _begun: dict[PoolKey, str] = field(default_factory=dict)
    _waiting: set[PoolKey] = field(default_factory=set)

    @property
    def at_once(self) -> int:
        return max(1, self.pools() // SHARE)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def begun(self) -> tuple[PoolKey, ...]:
        """Those whose new routers are not all there."""
        return tuple(sorted(self._begun))

    def wait_s(self, key: PoolKey, before: str, template: str) -> float:
        """0: it may begin now; else look again after so long, which grows with the number of those that wait."""
        self._begun = {one: new for one, new in self._begun.items() if not self.is_well(one, new)}
        is_free = key in self._begun or len(self._begun) < self.at_once or not self.is_well(key, before)
        if is_free:
            self._waiting.discard(key)
            if self.is_well(key, before) or key in self._begun:
                self._begun[key] = template
            return 0.0
        self._waiting.add(key)
        return min(LONGEST_LOOK_S, LOOK_S * (1 + len(self._waiting) / self.at_once))

    def forget(self, key: PoolKey) -> None:
        self._begun.pop(key, None)
        self._waiting.discard(key)
