"""Every pool that a change concerns gets a turn, once the change is stored. An event without a change gives none."""

from collections.abc import Sequence

from poolkeeper.handlers.enqueue import Inbox
from poolkeeper.handlers.watch.answers import Listed, Place
from poolkeeper.kube.json_fields import Json
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Ref, Store
from unit.kube.things import child, pod, policy, pool

CHAT = Ref("EndpointPool", "team", "chat")
STANDARD = Ref("FailoverPolicy", "team", "standard")


class Bed:
    def __init__(self) -> None:
        self.store = Store()
        self.woken: list[Ref] = []
        self.inbox = Inbox(self.store, self.woken.append)

    def event(self, body: Json, gone: bool = False) -> list[Ref]:
        """Returns the pools that got a turn."""
        self.woken.clear()
        self.inbox.changed(observe(body), gone)
        return list(self.woken)

    def list(self, kind: str, *bodies: Json, version: int = 10, namespace: str = "") -> Sequence[Ref]:
        """As they are at this version of the list."""
        self.woken.clear()
        self.inbox.listed(Place(kind, namespace), Listed(tuple(map(observe, bodies)), str(version)))
        return tuple(self.woken)


def test_a_list_tells_all_that_is_new_in_it_once() -> None:
    bed = Bed()

    assert bed.list("EndpointPool", pool(), pool("other", uid="other")) == (CHAT, Ref("EndpointPool", "team", "other"))
    assert bed.list("EndpointPool", pool(), pool("other", uid="other")) == ()


def test_what_a_list_does_not_have_is_gone() -> None:
    bed = Bed()
    bed.event(child("Service"))
    bed.event(pod())

    assert bed.list("Service") == (CHAT,)
    assert bed.store.get(Ref("Service", "team", "chat-router")) is None
    assert bed.store.get(Ref("Pod", "team", "chat-router-1")) is not None


def test_what_came_after_the_list_was_made_stays() -> None:
    bed = Bed()
    bed.event(pod(version=11))

    assert bed.list("Pod", version=10) == ()
    assert bed.store.get(Ref("Pod", "team", "chat-router-1")) is not None


def test_a_list_of_one_namespace_says_nothing_of_another() -> None:
    bed = Bed()
    bed.event(pod())

    assert bed.list("Pod", namespace="other") == ()
    assert bed.list("Pod", namespace="team") == (CHAT,)


def test_a_list_counts_as_listed_once_the_store_has_it() -> None:
    store, listed = Store(), list[tuple[Place, bool]]()
    inbox = Inbox(store, lambda ref: None, lambda place: listed.append((place, store.get(CHAT) is not None)))

    inbox.listed(Place("EndpointPool", ""), Listed((observe(pool()),), "10"))

    assert listed == [(Place("EndpointPool", ""), True)]


def test_a_pool_is_woken_by_itself_and_its_policy() -> None:
    assert Bed().event(pool(policy="standard")) == [CHAT, STANDARD]


def test_a_pool_that_leaves_a_policy_tells_both_policies() -> None:
    bed = Bed()
    bed.event(pool(policy="standard"))

    assert bed.event(pool(policy="strict", version=2)) == [CHAT, STANDARD, Ref("FailoverPolicy", "team", "strict")]


def test_a_policy_tells_every_pool_that_uses_it() -> None:
    bed = Bed()
    bed.event(pool("chat", policy="standard"))
    bed.event(pool("other", uid="other"))

    assert bed.event(policy()) == [CHAT, STANDARD]


def test_a_child_and_a_pod_tell_their_pool() -> None:
    bed = Bed()

    assert bed.event(child("Service")) == [CHAT]
    assert bed.event(pod()) == [CHAT]


def test_an_event_that_changes_nothing_tells_nobody() -> None:
    bed = Bed()
    bed.event(pod(version=1))

    assert bed.event(pod(version=2)) == []


def test_what_is_gone_is_reported_once() -> None:
    bed = Bed()
    bed.event(child("Service"))

    assert bed.event(child("Service"), gone=True) == [CHAT]
    assert bed.event(child("Service"), gone=True) == []


def test_a_child_that_lost_our_label_wakes_the_pool_it_belonged_to() -> None:
    bed = Bed()
    bed.event(child("Service"))
    unlabelled = child("Service")
    unlabelled["metadata"] = {"name": "chat-router", "namespace": "team"}

    assert bed.event(unlabelled, gone=True) == [CHAT]


def test_a_policy_that_is_gone_still_tells_its_pools() -> None:
    bed = Bed()
    bed.event(pool(policy="standard"))
    bed.event(policy())

    assert bed.event(policy(), gone=True) == [CHAT, STANDARD]


def test_what_the_sweep_finds_is_reported_like_any_change() -> None:
    bed = Bed()
    bed.event(child("Service"))
    bed.woken.clear()

    bed.inbox.missed(Ref("Service", "team", "chat-router"), "", None)
    bed.inbox.missed(Ref("ConfigMap", "team", "chat-router"), "", child("ConfigMap"))

    assert bed.woken == [CHAT, CHAT]


def test_what_was_made_again_since_the_sweep_stays() -> None:
    bed = Bed()
    bed.event(pod())

    bed.inbox.missed(Ref("Pod", "team", "chat-router-1"), "the one before", None)

    assert bed.store.get(Ref("Pod", "team", "chat-router-1")) is not None


def test_an_edit_that_came_back_in_the_answer_to_our_own_write_is_news_when_the_watch_reports_it() -> None:
    """We write the status in the moment in which somebody edits the spec: its event is older than what we know."""
    bed = Bed()
    bed.event(pool(version=1))
    bed.store.wrote(observe(pool(version=3, generation=2)))

    assert bed.event(pool(version=2, generation=2)) == []
    assert bed.event(pool(version=3, generation=2)) == [CHAT]
    assert bed.event(pool(version=3, generation=2)) == []


def test_what_we_wrote_without_a_change_is_no_news() -> None:
    bed = Bed()
    bed.event(pool(version=3))
    bed.store.wrote(observe(pool(version=3)))

    assert bed.event(pool(version=3)) == []


def test_an_edit_of_a_policy_in_the_answer_to_our_own_write_reaches_its_pools() -> None:
    bed = Bed()
    bed.event(pool(policy="standard"))
    bed.event(policy(version=1))
    bed.store.wrote(observe(policy(version=5)))

    assert bed.event(policy(version=5)) == [CHAT, STANDARD]
