"""Whoever is concerned by a change is told, once the change is known, and nobody is told about nothing."""

from poolkeeper.handlers.enqueue import Inbox
from poolkeeper.kube.json_fields import Json, text
from poolkeeper.kube.store import Ref, Store
from unit.kube.things import child, pod, policy, pool

CHAT = Ref("EndpointPool", "team", "chat")
STANDARD = Ref("FailoverPolicy", "team", "standard")


class Bed:
    def __init__(self) -> None:
        self.store = Store()
        self.told: list[Ref] = []
        self.inbox = Inbox(self.store, self.told.append)

    def event(self, body: Json, gone: bool = False) -> list[Ref]:
        """As a watch tells it: found first, then changed. Returns who was told."""
        self.told.clear()
        kind = text(body, "kind")
        if not gone:
            self.inbox.found(kind, body)
        self.inbox.changed(kind, body, gone)
        return list(self.told)


def test_nobody_is_told_while_the_list_is_still_coming_in() -> None:
    bed = Bed()

    bed.inbox.found("EndpointPool", pool())

    assert bed.told == []
    assert bed.store.get(CHAT) is not None


def test_a_pool_is_told_of_itself_and_its_policy() -> None:
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


def test_what_is_gone_is_told_once() -> None:
    bed = Bed()
    bed.event(child("Service"))

    assert bed.event(child("Service"), gone=True) == [CHAT]
    assert bed.event(child("Service"), gone=True) == []


def test_a_child_that_lost_our_label_is_told_to_the_pool_it_belonged_to() -> None:
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


def test_what_the_sweep_finds_is_told_like_any_change() -> None:
    bed = Bed()
    bed.event(child("Service"))
    bed.told.clear()

    bed.inbox.missed(Ref("Service", "team", "chat-router"), None)
    bed.inbox.missed(Ref("ConfigMap", "team", "chat-router"), child("ConfigMap"))

    assert bed.told == [CHAT, CHAT]
