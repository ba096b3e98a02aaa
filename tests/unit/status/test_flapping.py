"""What goes back and forth is published at a pace and says so; anything else at once. No last change is lost."""

from datetime import UTC, datetime

import pytest

from poolkeeper.api.status import (
    Condition,
    EndpointPoolStatus,
    EndpointStatus,
    LastProbe,
    StandbyState,
    StandbyStatus,
)
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.status.evaluate import StatusUpdate
from poolkeeper.status.events import PoolEvent
from poolkeeper.status.flapping import MANY, WINDOW_S, Damping, Flapping, with_flapping

KEY = PoolKey("team", "chat")
PACE_S = 30.0
AT = datetime(2026, 11, 22, tzinfo=UTC)


def status(official: str = "Closed", other: str = "Closed", generation: int = 1) -> EndpointPoolStatus:
    degraded = "False" if official == other == "Closed" else "True"
    endpoints = [
        {"name": name, "tier": 0, "health": "Healthy", "breaker": breaker, "lastTransitionTime": AT}
        for name, breaker in (("official", official), ("other", other))
    ]
    condition = {
        "type": "Degraded",
        "status": degraded,
        "reason": "BreakerOpen",
        "message": "as seen",
        "observedGeneration": 1,
    }
    return EndpointPoolStatus(
        observed_generation=generation,
        conditions=(Condition.model_validate({**condition, "observedGeneration": 1, "lastTransitionTime": AT}),),
        endpoints=tuple(map(EndpointStatus.model_validate, endpoints)),
    )


class Story:
    """A pool that is looked at, and published when that is not held back; every changes_s the breaker turns."""

    def __init__(self) -> None:
        self.flapping = Flapping()
        self.at_s = 1000.0
        self.published: list[tuple[float, EndpointPoolStatus]] = []
        self.last = Damping()
        self.is_open = False
        self.events: list[PoolEvent] = []
        self.messages: set[str] = set()

    def look(self, now: EndpointPoolStatus, uid: str = "1") -> Damping:
        before = self.published[-1][1] if self.published else None
        self.last = self.flapping.look(KEY, uid, before, now, self.at_s, PACE_S)
        if not self.last.wait_s and before != now:
            self.published.append((self.at_s, now))
            update = with_flapping(StatusUpdate(now, ()), self.last)
            self.events += update.events
            self.messages.add(update.status.conditions[0].message)
            self.flapping.published(KEY, self.at_s)
        return self.last

    def flap(self, seconds: float, every_s: float = 3.0) -> None:
        until_s = self.at_s + seconds
        while self.at_s < until_s:
            self.at_s += every_s
            self.is_open = not self.is_open
            self.look(status("Open" if self.is_open else "Closed"))


def test_the_first_changes_are_published_at_once() -> None:
    story = Story()
    story.look(status())

    story.flap(3.0 * (MANY - 1))

    assert len(story.published) == MANY


def test_while_it_flaps_it_is_published_at_a_pace() -> None:
    story = Story()
    story.flap(3.0 * MANY)
    begun = len(story.published)

    story.flap(10 * PACE_S)

    assert len(story.published) - begun <= 10 + 1
    assert all(
        later[0] - earlier[0] >= PACE_S
        for earlier, later in zip(story.published[begun:], story.published[begun + 1 :], strict=False)
    )


def test_the_last_change_is_not_lost() -> None:
    story = Story()
    story.flap(60.0)
    story.look(status("Open"))
    held = story.last

    assert held.again_s is not None
    story.at_s += held.again_s
    story.look(status("Open"))

    assert story.published[-1][1] == status("Open")


def test_when_it_is_quiet_nothing_is_held_any_more() -> None:
    story = Story()
    story.flap(60.0)
    story.at_s += WINDOW_S

    assert story.look(status("Open")) == Damping()


@pytest.mark.parametrize(
    "now", [status("Open", other="Open"), status("Open", generation=2)], ids=["another endpoint", "a new spec"]
)
def test_what_does_not_flap_is_published_at_once(now: EndpointPoolStatus) -> None:
    story = Story()
    story.look(status())
    story.flap(61.0)
    story.at_s += 1.0

    assert story.look(now).wait_s == 0.0
    assert story.published[-1] == (story.at_s, now)


def test_a_pool_made_again_has_no_past() -> None:
    story = Story()
    story.flap(60.0)

    assert story.look(status(), uid="2") == Damping()


def test_it_is_said_once_and_in_words_that_stay() -> None:
    story = Story()
    story.flap(10 * PACE_S)

    assert [event.reason for event in story.events] == ["EndpointFlapping"]
    assert story.events[0].message.startswith("official: flapping, ")
    assert story.messages == {"as seen", "as seen; flapping: official (6 changes or more in 5 min)"}


def test_one_long_outage_does_not_flap_however_often_its_breaker_is_half_open() -> None:
    flapping = Flapping()
    published = status()
    flapping.look(KEY, "1", published, published, 1000.0, PACE_S)
    breakers = ["Open", *["HalfOpen", "Open"] * MANY, "HalfOpen", "Closed"]

    found = [
        flapping.look(KEY, "1", published, status(breaker), 1000.0 + 5 * number, PACE_S)
        for number, breaker in enumerate(breakers)
    ]

    assert {(one.wait_s, tuple(one.flapping)) for one in found} == {(0.0, ())}


def test_without_a_pace_each_change_is_published() -> None:
    flapping = Flapping()
    changes = [status("Open" if number % 2 else "Closed") for number in range(4 * MANY)]

    found = [flapping.look(KEY, "1", changes[0], now, 1000.0 + number, 0) for number, now in enumerate(changes)]

    assert set(map(repr, found)) == {repr(Damping())}


def test_a_run_of_the_probe_is_published_at_once_while_an_endpoint_flaps() -> None:
    """Its cost is counted when it is published: held back, it would be counted at every look."""
    story = Story()
    story.flap(60.0)
    story.at_s += 3.0
    last = LastProbe(time=AT, outcome="Passed")

    assert story.look(status("Open").model_copy(update={"last_probe": last})).wait_s == 0.0


@pytest.mark.parametrize("news", [("Asleep", 2), ("Draining", 0)], ids=["is to be woken", "gets no more requests"])
def test_what_a_standby_waits_for_is_published_at_once_while_its_primary_flaps(news: tuple[StandbyState, int]) -> None:
    """It is scaled, or drained, only after its status says so."""
    story = Story()
    story.flap(60.0)
    story.at_s += 3.0
    story.look(with_standby(status("Open"), "Asleep", 0))
    story.at_s += 3.0

    assert story.look(with_standby(status("Closed"), *news)).wait_s == 0.0


def with_standby(of: EndpointPoolStatus, state: StandbyState, replicas: int) -> EndpointPoolStatus:
    said = StandbyStatus(state=state, since=AT, deployment="llama", replicas=replicas)
    return of.model_copy(update={"endpoints": (of.endpoints[0], of.endpoints[1].model_copy(update={"standby": said}))})
