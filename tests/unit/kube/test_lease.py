"""One holds the Lease, and nobody's clock is trusted but one's own."""

import asyncio
from datetime import UTC, datetime

import pytest

from poolkeeper.errors import RetryLater
from poolkeeper.kube.json_fields import Json, find, text
from poolkeeper.kube.lease import DURATION_S, RENEW_DEADLINE_S, RETRY_S, Lease, Seen, is_free
from unit.kube.memory_api import MemoryApi

PATH = "/apis/coordination.k8s.io/v1/namespaces/ops/leases/poolkeeper-operator"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def held(holder: str, renewed: str = "t1") -> Json:
    return {"spec": {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 15}}


@pytest.mark.parametrize(
    ("lease", "seen", "now_s", "want"),
    [
        pytest.param(None, None, 0, True, id="there is none"),
        pytest.param(held(""), None, 0, True, id="its holder gave it back"),
        pytest.param(held("me"), None, 0, True, id="it is ours"),
        pytest.param(held("other"), None, 999, False, id="never watched yet: it may be alive"),
        pytest.param(
            held("other"), Seen(("other", "t1"), 0), DURATION_S - 1, False, id="silent for less than its duration"
        ),
        pytest.param(
            held("other"), Seen(("other", "t1"), 0), DURATION_S + 1, True, id="silent for longer than its duration"
        ),
        pytest.param(held("other", "t2"), Seen(("other", "t1"), 0), DURATION_S + 1, False, id="renewed meanwhile"),
    ],
)
def test_who_may_take_it(lease: Json | None, seen: Seen | None, now_s: float, want: bool) -> None:
    assert is_free(lease, "me", seen, now_s) is want


class Bed:
    def __init__(self) -> None:
        self.api = MemoryApi()
        self.at_s = 0.0

    def lease(self, identity: str) -> Lease:
        return Lease(self.api, "ops", "poolkeeper-operator", identity, lambda: NOW, lambda: self.at_s, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.at_s += seconds
        await asyncio.sleep(0)

    @property
    def holder(self) -> str:
        return text(self.api.objects[PATH], "spec", "holderIdentity")


def test_a_free_lease_is_taken_and_given_back() -> None:
    bed = Bed()
    lease = bed.lease("me")

    asyncio.run(lease.acquire(lambda why: None))
    assert bed.holder == "me"
    asyncio.run(lease.release())

    assert bed.holder == ""


def test_a_renewal_that_was_cut_short_does_not_keep_the_lease_from_being_given_back() -> None:
    """It arrived, and its answer did not: the Lease is newer than its holder knows. The next one must not wait 15 s."""
    bed = Bed()
    lease = bed.lease("me")
    real = bed.api.replace

    async def conflicts(body: Json) -> Json:
        bed.api.replace = real  # type: ignore[method-assign]
        raise RetryLater("409: the object has been modified")

    async def story() -> None:
        await lease.acquire(lambda why: None)
        bed.api.replace = conflicts  # type: ignore[method-assign, assignment]
        await lease.release()

    asyncio.run(story())

    assert bed.holder == ""


def test_a_lease_that_another_has_taken_meanwhile_stays_theirs() -> None:
    bed = Bed()
    lease = bed.lease("me")

    async def conflicts(body: Json) -> Json:
        raise RetryLater("409: the object has been modified")

    async def story() -> None:
        await lease.acquire(lambda why: None)
        bed.api.put(PATH, held("other"))
        bed.api.replace = conflicts  # type: ignore[method-assign, assignment]
        await lease.release()

    asyncio.run(story())

    assert bed.holder == "other"


def test_who_had_better_not_have_it_does_not_take_it_though_it_is_free() -> None:
    bed = Bed()
    reasons = ["it cannot watch: Pod", "it cannot watch: Pod", ""]
    reported: list[str] = []

    asyncio.run(bed.lease("me").acquire(reported.append, lambda: reasons.pop(0)))

    assert reported == ["it cannot watch: Pod"]
    assert reasons == []
    assert bed.holder == "me"


def test_taking_over_counts_as_a_transition() -> None:
    bed = Bed()
    first = bed.lease("first")
    asyncio.run(first.acquire(lambda why: None))
    asyncio.run(first.release())

    asyncio.run(bed.lease("second").acquire(lambda why: None))

    assert find(bed.api.objects[PATH], "spec", "leaseTransitions") == 2


def test_a_lease_of_a_silent_holder_is_taken_after_its_duration() -> None:
    bed = Bed()
    bed.api.put(PATH, {"kind": "Lease", **held("other")})
    shown: list[str] = []

    asyncio.run(bed.lease("me").acquire(shown.append))

    assert shown == ["waiting for the Lease ops/poolkeeper-operator, held by other"]
    assert bed.holder == "me"
    assert DURATION_S < bed.at_s <= DURATION_S + 2 * RETRY_S


def test_every_write_names_the_version_that_was_read() -> None:
    """So that of two who try at once, one gets a conflict."""
    bed = Bed()
    lease = bed.api.put(PATH, {"kind": "Lease", **held("")})

    asyncio.run(bed.lease("me").acquire(lambda why: None))

    assert text(bed.api.bodies[-1], "metadata", "resourceVersion") == text(lease, "metadata", "resourceVersion")


def test_a_holder_that_is_replaced_says_by_whom() -> None:
    bed = Bed()
    lease = bed.lease("me")

    async def story() -> str:
        await lease.acquire(lambda why: None)
        bed.api.put(PATH, {"kind": "Lease", **held("other")})
        return await lease.hold()

    assert "was taken by other" in asyncio.run(story())


def test_a_holder_that_cannot_renew_stops_before_others_may_start() -> None:
    bed = Bed()
    lease = bed.lease("me")

    async def story() -> str:
        await lease.acquire(lambda why: None)
        bed.api.refuse("GET", PATH, 503, {"message": "gone"})
        return await lease.hold()

    lost = asyncio.run(story())

    assert "was not renewed for 10 s: " in lost
    assert not lost.endswith(": ")
    assert bed.at_s <= RENEW_DEADLINE_S < DURATION_S


def test_a_short_outage_is_ridden_out() -> None:
    bed = Bed()
    lease = bed.lease("me")

    async def story() -> bool:
        await lease.acquire(lambda why: None)
        bed.api.refuse("GET", PATH, 503, {"message": "gone"})
        holding = asyncio.create_task(lease.hold())
        while bed.at_s < RENEW_DEADLINE_S - 2 * RETRY_S:
            await asyncio.sleep(0)
        bed.api.refusals.clear()
        while bed.at_s < 3 * RENEW_DEADLINE_S:
            await asyncio.sleep(0)
        holding.cancel()
        return bed.holder == "me"

    assert asyncio.run(story())


def test_an_api_server_that_does_not_answer_is_a_cause_with_words() -> None:
    bed = Bed()
    lease = bed.lease("me")

    async def silent(*_: object) -> None:
        raise TimeoutError

    async def story() -> str:
        await lease.acquire(lambda why: None)
        bed.api.get = silent  # type: ignore[method-assign, assignment] # as asyncio.timeout ends it
        return await lease.hold()

    assert asyncio.run(story()).endswith("was not renewed for 10 s: no answer in time")
