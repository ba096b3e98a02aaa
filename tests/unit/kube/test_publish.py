"""What is new is published once, and each Event names its object."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.errors import Absent
from poolkeeper.kube.events import NOTE_LIMIT_BYTES, SAME_WITHIN, Recorder
from poolkeeper.kube.json_fields import Json, find, text
from poolkeeper.kube.observe import observe
from poolkeeper.kube.publish import INHERITED_S, Publisher
from poolkeeper.kube.store import Store
from poolkeeper.plan.snapshot import Live, LivePod, RouterReport, Settings, Snapshot
from poolkeeper.status.evaluate import StatusUpdate
from poolkeeper.status.events import PoolEvent
from unit.kube.memory_api import MemoryApi
from unit.kube.things import KEY, UID, pool

STATUS_PATH = "/apis/poolkeeper.dev/v1alpha1/namespaces/team/endpointpools/chat/status"
EVENTS = "/apis/events.k8s.io/v1/namespaces/team/events"
POOL = Snapshot(KEY, UID, 1, None, Settings("router:1", "1"))
OPENED = PoolEvent("Warning", "BreakerOpened", "official: breaker opened after Busy", "RouteAround")


@dataclass
class Bed:
    api: MemoryApi = field(default_factory=MemoryApi)
    at: datetime = datetime(2026, 11, 22, tzinfo=UTC)
    snapshot: Snapshot = POOL

    now_s: float = 1000.0

    def __post_init__(self) -> None:
        recorder = Recorder(self.api, "operator-0", lambda: self.at)
        self.publisher = Publisher(self.api, Store(), recorder, lambda: self.now_s)

    def publish(self, summary: str, *events: PoolEvent) -> None:
        update = StatusUpdate(EndpointPoolStatus(summary=summary), events)
        asyncio.run(self.publisher.publish(self.snapshot, update))

    @property
    def events(self) -> list[Json]:
        return [body for path, body in self.api.objects.items() if path.startswith(EVENTS)]


@pytest.fixture
def bed() -> Bed:
    return Bed()


def test_a_status_that_means_the_same_is_not_written(bed: Bed) -> None:
    bed.snapshot = replace(bed.snapshot, previous=EndpointPoolStatus(summary="1/1"))

    bed.publish("1/1")

    assert bed.api.calls == []


def test_a_new_status_is_written_to_this_very_pool(bed: Bed) -> None:
    bed.publish("1/2")

    written = bed.api.objects[STATUS_PATH]
    assert find(written, "status", "summary") == "1/2"
    assert find(written, "metadata", "uid") == UID


def with_routers(bed: Bed, *reported: str, generation: int = 1) -> Snapshot:
    """Two are ready; who of them has reported."""
    pods = tuple(LivePod(name, "10.0.0.1", ready=True, terminating=False, config_generation=1) for name in ("a", "b"))
    reports = tuple(RouterReport(pod.name, None, bed.at if pod.name in reported else None) for pod in pods)
    previous = EndpointPoolStatus(summary="2/2", observed_generation=generation)
    return replace(POOL, live=Live(pods=pods), reports=reports, previous=previous)


def test_a_process_that_has_just_begun_publishes_no_pool_as_unknown(bed: Bed) -> None:
    for reported in ((), ("a",)):
        bed.snapshot = with_routers(bed, *reported)
        bed.publish("0/2")
        assert bed.api.writes == []
    assert bed.publisher.again_s(KEY) == INHERITED_S

    bed.snapshot = with_routers(bed, "a", "b")
    bed.publish("1/2")
    assert bed.api.writes == [("PATCH", STATUS_PATH)]

    bed.snapshot = with_routers(bed)
    bed.publish("0/2")
    assert len(bed.api.writes) == 2, "once they have reported, their silence is news"


def test_routers_that_never_report_are_waited_for_a_while_only(bed: Bed) -> None:
    bed.snapshot = with_routers(bed)
    bed.publish("0/2")
    bed.now_s += INHERITED_S
    bed.publish("0/2")

    assert bed.api.writes == [("PATCH", STATUS_PATH)]


def test_a_spec_that_was_changed_meanwhile_is_published_at_once(bed: Bed) -> None:
    bed.snapshot = with_routers(bed, generation=0)
    bed.publish("0/2")

    assert bed.api.writes == [("PATCH", STATUS_PATH)]


def test_an_event_says_what_happened_to_whom_and_what_is_done(bed: Bed) -> None:
    bed.publish("1/2", OPENED)

    (event,) = bed.events
    assert text(event, "reason") == "BreakerOpened"
    assert text(event, "note") == "official: breaker opened after Busy"
    assert text(event, "regarding", "uid") == UID
    assert text(event, "reportingInstance") == "operator-0"


def test_the_same_event_again_is_counted_on_the_first(bed: Bed) -> None:
    bed.publish("1/2", OPENED)
    bed.publish("1/2", OPENED)
    bed.publish("1/2", OPENED)

    assert len(bed.events) == 1
    assert find(bed.api.bodies[-1], "series", "count") == 3


def test_the_same_event_much_later_is_news_again(bed: Bed) -> None:
    bed.publish("1/2", OPENED)
    bed.at += SAME_WITHIN + timedelta(seconds=1)

    bed.publish("1/2", OPENED)

    assert len(bed.events) == 2


def test_an_event_that_has_expired_is_reported_anew(bed: Bed) -> None:
    bed.publish("1/2", OPENED)
    for path in [path for path in bed.api.objects if path.startswith(EVENTS)]:
        bed.api.remove(path)

    bed.publish("1/2", OPENED)

    assert len(bed.events) == 1


def test_an_event_that_is_refused_does_not_matter(bed: Bed) -> None:
    bed.api.refuse("POST", EVENTS, 403, {"message": "forbidden"})

    bed.publish("1/2", OPENED)

    assert STATUS_PATH in bed.api.objects


def test_a_long_note_is_cut_between_letters(bed: Bed) -> None:
    bed.publish("1/2", replace(OPENED, message="é" * NOTE_LIMIT_BYTES))

    (event,) = bed.events
    assert text(event, "note") == "é" * (NOTE_LIMIT_BYTES // 2)


def test_a_pool_that_is_gone_is_forgotten_when_its_status_cannot_be_written() -> None:
    """Its end was not reported to us: a watch that had to list anew."""
    store = Store()
    store.put(observe(pool()))
    api = MemoryApi()
    api.gone.add(STATUS_PATH)
    publisher = Publisher(api, store, Recorder(api, "operator-0", lambda: datetime(2026, 11, 22, tzinfo=UTC)))

    with pytest.raises(Absent):
        asyncio.run(publisher.publish(POOL, StatusUpdate(EndpointPoolStatus(summary="1/2"), (OPENED,))))

    assert store.pool(KEY) is None
    assert [path for _, path in api.writes] == [STATUS_PATH]
