"""The rules of the queue, with a turned clock and no chance."""

import pytest

from poolkeeper.handlers.work_queue import (
    FIRST_BACKOFF_S,
    JITTER,
    LONGEST_BACKOFF_S,
    LONGEST_WOKEN_BACKOFF_S,
    WorkQueue,
)


@pytest.fixture
def queue() -> WorkQueue[str]:
    return WorkQueue(chance=lambda: 0.0)


def test_a_key_is_taken_when_it_is_due_and_not_before(queue: WorkQueue[str]) -> None:
    queue.add("a", 10)

    assert queue.take(9.9) is None
    assert queue.take(10) == "a"
    assert queue.take(10) is None


def test_a_key_woken_twice_waits_once_for_the_earlier(queue: WorkQueue[str]) -> None:
    queue.add("a", 10)
    queue.add("a", 5)
    queue.add("a", 20)

    assert queue.next_due_s() == 5
    assert queue.take(5) == "a"
    assert queue.next_due_s() is None


def test_who_is_due_longest_comes_first(queue: WorkQueue[str]) -> None:
    queue.add("late", 3)
    queue.add("early", 1)
    queue.add("middle", 2)

    assert [queue.take(5) for _ in range(3)] == ["early", "middle", "late"]


def test_a_key_is_worked_on_by_one_at_a_time(queue: WorkQueue[str]) -> None:
    queue.add("a", 0)
    assert queue.take(0) == "a"
    queue.add("a", 0)

    assert queue.take(1) is None


def test_a_key_woken_while_it_is_worked_on_comes_back_at_once(queue: WorkQueue[str]) -> None:
    queue.add("a", 0)
    queue.take(0)
    queue.add("a", 0)
    queue.succeeded("a", 3, again_in_s=600)

    assert queue.take(3) == "a"


def test_success_comes_back_for_a_resync(queue: WorkQueue[str]) -> None:
    queue.add("a", 0)
    queue.take(0)
    queue.succeeded("a", 3, again_in_s=600)

    assert queue.next_due_s() == 603


def test_failures_back_off_to_a_limit(queue: WorkQueue[str]) -> None:
    delays = []
    for _ in range(12):
        queue.add("a", 0)
        queue.take(LONGEST_WOKEN_BACKOFF_S)
        delays.append(queue.failed("a", 0))
        queue.add("a", 0)  # another event

    assert delays[:3] == [FIRST_BACKOFF_S, 2 * FIRST_BACKOFF_S, 4 * FIRST_BACKOFF_S]
    assert delays[-1] == LONGEST_BACKOFF_S


def test_the_back_off_of_one_key_is_not_anothers(queue: WorkQueue[str]) -> None:
    for key in ("a", "b"):
        queue.add(key, 0)
        queue.take(0)
    queue.failed("a", 0)

    assert queue.failed("b", 0) == FIRST_BACKOFF_S


def test_a_success_ends_the_back_off(queue: WorkQueue[str]) -> None:
    for _ in range(3):
        queue.add("a", 0)
        queue.take(LONGEST_WOKEN_BACKOFF_S)
        queue.failed("a", 0)
        queue.add("a", 0)
    queue.take(LONGEST_WOKEN_BACKOFF_S)
    queue.succeeded("a", 0, again_in_s=0)
    queue.take(0)

    assert queue.failed("a", 0) == FIRST_BACKOFF_S


def test_the_servers_own_word_counts_instead_of_the_back_off(queue: WorkQueue[str]) -> None:
    queue.add("a", 0)
    queue.take(0)

    assert queue.failed("a", 0, after_s=17) == 17
    assert queue.next_due_s() == 17


def test_delays_are_stretched_by_chance_and_never_shortened() -> None:
    queue: WorkQueue[str] = WorkQueue(chance=lambda: 0.999)
    queue.add("a", 0)
    queue.take(0)

    delay_s = queue.failed("a", 0, after_s=10)

    assert 10 < delay_s <= 10 * (1 + JITTER)


def test_a_forgotten_key_does_not_come_back(queue: WorkQueue[str]) -> None:
    queue.add("a", 0)
    queue.take(0)
    queue.forget("a", 1)

    assert queue.next_due_s() is None


def test_a_forgotten_key_that_was_woken_again_is_looked_at_once_more(queue: WorkQueue[str]) -> None:
    queue.add("a", 0)
    queue.take(0)
    queue.add("a", 0)
    queue.forget("a", 1)

    assert queue.take(1) == "a"


def test_depth_counts_what_is_due_and_age_also_what_is_worked_on(queue: WorkQueue[str]) -> None:
    queue.add("working", 0)
    queue.take(2)
    queue.add("due", 4)
    queue.add("later", 100)

    assert queue.depth(10) == 1
    assert queue.oldest_s(10) == 8
    assert WorkQueue[str](chance=lambda: 0).oldest_s(10) == 0


def test_a_back_off_outlives_being_woken_again(queue: WorkQueue[str]) -> None:
    """A failing turn often causes its own events: a deleted pool whose children are removed."""
    turns, now_s = 0, 0.0
    queue.add("ghost", 0)
    while now_s < 90:
        if queue.take(now_s) is not None:
            turns += 1
            queue.add("ghost", now_s)
            queue.failed("ghost", now_s)
        queue.add("ghost", now_s)
        now_s += 0.01

    assert turns <= 90 / LONGEST_WOKEN_BACKOFF_S + 5


def test_being_woken_shortens_a_long_back_off(queue: WorkQueue[str]) -> None:
    for _ in range(12):
        queue.add("a", 0)
        queue.take(10**6)
        queue.failed("a", 0)
    queue.add("a", 1)

    assert queue.next_due_s() == LONGEST_WOKEN_BACKOFF_S


def test_the_servers_own_word_outlives_being_woken(queue: WorkQueue[str]) -> None:
    queue.add("a", 0)
    queue.take(0)
    queue.failed("a", 0, after_s=17)
    queue.add("a", 1)

    assert queue.next_due_s() == 17
