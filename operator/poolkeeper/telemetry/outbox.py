"""Spans that wait for the collector: in batches, in order, and bounded while it does not take them."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from poolkeeper.telemetry.spans import Span

BATCH = 512
MOST = 20_000
TRIES = 10
"""Of one batch: one that the collector never takes must not hold up those behind it for ever."""

Routed = tuple[str, Span]
Take = Callable[[Sequence[Routed]], bool]


@dataclass
class Outbox:
    """dropped: spans that were given up so far."""

    waiting: deque[Routed] = field(default_factory=deque)
    tries: int = 0
    dropped: int = 0
    sent: int = 0

    def pass_on(self, spans: Iterable[Routed], take: Take) -> bool:
        """These, after those that wait. False: some were not taken, and wait; too many, and the oldest are given up."""
        is_taken = True
        for one in spans:
            self.waiting.append(one)
            if is_taken and len(self.waiting) >= BATCH:
                is_taken = self._flush(take)
            if len(self.waiting) > MOST:
                self.waiting.popleft()
                self.dropped += 1
        return is_taken and self._flush(take)

    def _flush(self, take: Take) -> bool:
        while self.waiting:
            batch = [self.waiting[place] for place in range(min(BATCH, len(self.waiting)))]
            if take(batch):
                self.sent += len(batch)
            else:
                self.tries += 1
                if self.tries < TRIES:
                    return False
                self.dropped += len(batch)
            self.tries = 0
            for _ in batch:
                self.waiting.popleft()
        return True
