"""A pool's turn comes once all of its namespace is known, whatever is missing of others."""

from poolkeeper.handlers.watch.answers import Place
from poolkeeper.handlers.watch.scopes import Scopes
from poolkeeper.kube.store import Ref

KINDS = ("EndpointPool", "Pod")
A, B = Ref("EndpointPool", "a", "chat"), Ref("EndpointPool", "b", "chat")


def test_nobody_has_a_turn_before_every_kind_is_listed() -> None:
    turns: list[Ref] = []
    scopes = Scopes(KINDS, (), turns.append)

    scopes.tell(A)
    scopes.has_listed(Place("EndpointPool", ""))
    assert turns == []

    scopes.has_listed(Place("Pod", ""))
    assert (turns, scopes.known) == ([A], ("",))

    scopes.tell(B)
    assert turns == [A, B]


def test_a_namespace_that_cannot_be_listed_holds_up_no_other() -> None:
    turns: list[Ref] = []
    scopes = Scopes(KINDS, ("a", "b"), turns.append)
    for ref in (A, B):
        scopes.tell(ref)
    for kind in KINDS:
        scopes.has_listed(Place(kind, "a"))

    assert (turns, scopes.known) == ([A], ("a",))


def test_who_waits_has_one_turn_however_often_it_was_woken() -> None:
    turns: list[Ref] = []
    scopes = Scopes(("Pod",), (), turns.append)
    scopes.tell(A)
    scopes.tell(A)
    scopes.has_listed(Place("Pod", ""))
    scopes.has_listed(Place("Pod", ""))

    assert turns == [A]


def test_what_is_in_no_watched_namespace_has_no_turn() -> None:
    turns: list[Ref] = []
    scopes = Scopes(("Pod",), ("a",), turns.append)
    scopes.has_listed(Place("Pod", "a"))
    scopes.tell(B)

    assert turns == []
