"""Who stands by remembers who changed, and says so in one go when it leads."""

from poolkeeper.handlers.standby import Standby
from poolkeeper.kube.store import Ref

A, B, C = (Ref("EndpointPool", "team", name) for name in "abc")


def test_who_changed_last_comes_first_and_each_once() -> None:
    woken: list[Ref] = []
    standby = Standby(woken.append, lambda ref: True)
    for ref in (A, B, C, B):
        standby.tell(ref)
    assert woken == []

    standby.end()

    assert woken == [B, C, A]


def test_once_it_leads_each_change_wakes_at_once() -> None:
    woken: list[Ref] = []
    standby = Standby(woken.append, lambda ref: True)
    standby.end()
    standby.tell(A)
    standby.tell(A)

    assert woken == [A, A]


def test_what_has_come_and_gone_is_forgotten() -> None:
    woken: list[Ref] = []
    there = {A, B}
    standby = Standby(woken.append, there.__contains__)
    standby.tell(A)
    standby.tell(B)
    there.remove(A)
    standby.tell(A)

    standby.end()

    assert woken == [B]
