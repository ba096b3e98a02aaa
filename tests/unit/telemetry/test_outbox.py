"""Spans on their way to the collector: in order, each once, bounded while it does not take them."""

from collections.abc import Iterator, Sequence

import pytest

from poolkeeper.telemetry.outbox import BATCH, MOST, TRIES, Outbox, Routed
from poolkeeper.telemetry.spans import Span


def spans(count: int, first: int = 0) -> Iterator[Routed]:
    for number in range(first, first + count):
        yield "router", Span(str(number), "a" * 32, "b" * 16, "", 0, 1, is_call=False, is_error=False)


class Taker:
    def __init__(self) -> None:
        self.names: list[str] = []
        self.sizes: list[int] = []
        self.is_open = True

    def __call__(self, batch: Sequence[Routed]) -> bool:
        if self.is_open:
            self.sizes.append(len(batch))
            self.names += [span.name for _, span in batch]
        return self.is_open


@pytest.mark.parametrize("count", [0, 1, BATCH, BATCH + 1, MOST + BATCH + 3])
def test_all_are_sent_once_in_order_and_in_batches(count: int) -> None:
    outbox, taker = Outbox(), Taker()

    assert outbox.pass_on(spans(count), taker)

    assert taker.names == [str(number) for number in range(count)]
    assert max(taker.sizes, default=0) <= BATCH
    assert (outbox.sent, outbox.dropped, len(outbox.waiting)) == (count, 0, 0)


def test_what_is_not_taken_waits_and_the_oldest_are_given_up_for_newer_ones() -> None:
    outbox, taker = Outbox(), Taker()
    taker.is_open = False
    assert not outbox.pass_on(spans(MOST), taker)
    assert not outbox.pass_on(spans(5, first=MOST), taker)
    assert (outbox.dropped, len(outbox.waiting)) == (5, MOST)

    taker.is_open = True
    assert outbox.pass_on(spans(1, first=MOST + 5), taker)

    assert taker.names == [str(number) for number in range(5, MOST + 6)]


def test_a_batch_that_is_never_taken_does_not_hold_up_the_others() -> None:
    outbox, taken = Outbox(), list[str]()

    def take(batch: Sequence[Routed]) -> bool:
        if any(span.name == "0" for _, span in batch):
            return False
        taken.extend(span.name for _, span in batch)
        return True

    results = [outbox.pass_on(spans(BATCH + 2), take), *(outbox.pass_on((), take) for _ in range(TRIES - 1))]

    assert results == [False] * (TRIES - 1) + [True]
    assert taken == [str(BATCH), str(BATCH + 1)]
    assert outbox.dropped == BATCH
