"""Failback by hand: what the document says of it, from what people said and what routers report."""

from dataclasses import replace

import pytest

from factories import document, policy, serving, snapshot, state
from poolkeeper.api import labels
from poolkeeper.api.router_state import FailbackState, HeldTier, RouterState
from poolkeeper.plan.snapshot import Snapshot

NOON = "2026-11-22T12:00:00Z"


def manual(said: str | None = None) -> Snapshot:
    annotations = {labels.FAILED_BACK_AT: said} if said is not None else {}
    return replace(snapshot(annotations=annotations), policy=policy(failback={"mode": "Manual"}))


def holding(of: Snapshot, tier: int, told_at: str = "", model: str = "deepseek-flash") -> RouterState:
    held = FailbackState(told_at=told_at, held=(HeldTier(model=model, tier=tier),))
    return state(document(of)).model_copy(update={"failback": held})


@pytest.mark.parametrize(("said", "want"), [(None, ""), (NOON, NOON), ("now\nthen", ""), ("9" * 65, "")])
def test_the_document_says_when_people_said_it(said: str | None, want: str) -> None:
    assert document(manual(said)).policy.failback.told_at == want


def test_under_automatic_it_says_nothing_of_it() -> None:
    of = snapshot(annotations={labels.FAILED_BACK_AT: NOON})

    assert document(of) == document(snapshot())


def test_the_document_passes_on_the_lowest_tier_that_is_held() -> None:
    of = manual()

    (held,) = document(serving(of, holding(of, 1), holding(of, 2), state(document(of)))).policy.failback.held

    assert (held.model, held.tier) == ("deepseek-flash", 2)


def test_what_was_held_before_it_was_said_is_free() -> None:
    of = manual(NOON)

    assert document(serving(of, holding(of, 1, told_at=""))).policy.failback.held == ()
    assert document(serving(of, holding(of, 1, told_at=NOON))).policy.failback.held != ()


def test_a_model_that_the_pool_has_no_more_is_not_held() -> None:
    of = manual()

    assert document(serving(of, holding(of, 1, model="gone"))).policy.failback.held == ()
