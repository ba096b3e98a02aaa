"""The known outages of a document: as most routers report, seldom renewed, never lost because reports are missing."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import MODELS, NOW, cut_off, document, partly_cut_off, seen, serving, snapshot, state, trying, waiting
from poolkeeper.api.router_state import EndpointState
from poolkeeper.api.startup_hints import News, OutageDoc, OutagesDoc
from poolkeeper.plan.known_outages import PACE, RENEWAL, outages
from poolkeeper.plan.snapshot import Snapshot

PRO, FLASH = MODELS
FINGERPRINT = "fp"
WELL = seen("official")
OUT = cut_off("official")
SECOND = timedelta(seconds=1)


def saying(*views: EndpointState, published: OutagesDoc | None = None, at: datetime = NOW) -> Snapshot:
    """A pool with one router a view, each of the endpoint that its document has."""
    of = snapshot()
    known = [view.model_copy(update={"fingerprint": FINGERPRINT}) for view in views]
    found = serving(of, *(state(document(of), view) for view in known), at=at)
    return replace(found, live=replace(found.live, news=News(outages=published)))


def parts(found: OutagesDoc | None) -> list[tuple[str, str]]:
    return [(one.model, one.reason) for one in found.endpoints] if found else []


def published_at(at: datetime, *models: str) -> OutagesDoc:
    return OutagesDoc(
        told_at_ms=round(at.timestamp()) * 1000,
        endpoints=tuple(
            OutageDoc(endpoint="official", fingerprint=FINGERPRINT, model=model, reason="Connect") for model in models
        ),
    )


BOTH = [(FLASH, "ServerError"), (PRO, "ServerError")]
REFUSED = seen("official", health="Unhealthy", reason="CredentialsRejected")


@pytest.mark.parametrize(
    ("views", "want"),
    [
        pytest.param([WELL, WELL], [], id="all well"),
        pytest.param([OUT], BOTH, id="the only router"),
        pytest.param([OUT, WELL], BOTH, id="half of them"),
        pytest.param([OUT, WELL, WELL], [], id="one of three"),
        pytest.param([OUT, OUT, WELL], BOTH, id="two of three"),
        pytest.param([partly_cut_off("official", PRO)], [(PRO, "Unknown")], id="one model, nobody says why"),
        pytest.param([trying("official"), OUT], BOTH, id="a half-open request in flight is no answer yet"),
        pytest.param([waiting("official")], [], id="its checks pass, and it waits for a request"),
        pytest.param([REFUSED], [("", "CredentialsRejected")], id="a refused key"),
        pytest.param(
            [seen("official", health="Unhealthy", reason="BalanceExhausted")], [("", "BalanceExhausted")], id="no money"
        ),
        pytest.param([seen("official", health="Unhealthy", reason="Busy")], [], id="a pause of seconds"),
        pytest.param([seen("official", health="Unknown")], [], id="nobody asked it yet"),
    ],
)
def test_what_is_out(views: list[EndpointState], want: list[tuple[str, str]]) -> None:
    assert parts(outages(saying(*views), NOW)) == want


def test_a_reason_that_is_no_word_is_not_passed_on() -> None:
    assert parts(outages(saying(cut_off("official", cause="<b>oops")), NOW)) == [(FLASH, "Unknown"), (PRO, "Unknown")]


def test_a_router_that_does_not_say_which_endpoint_it_means_says_nothing() -> None:
    of = snapshot()

    assert outages(serving(of, state(document(of), OUT)), NOW) is None


def test_nothing_is_published_while_nothing_ever_was_out() -> None:
    assert document(saying(WELL)).outages is None


def test_without_fresh_reports_what_was_published_stands() -> None:
    published = published_at(NOW - timedelta(hours=1), PRO)

    assert outages(saying(WELL, published=published, at=NOW - timedelta(minutes=1)), NOW) == published


@pytest.mark.parametrize(
    ("view", "models", "age", "want"),
    [
        pytest.param(WELL, MODELS, PACE - SECOND, "as before", id="back too soon to say so"),
        pytest.param(WELL, MODELS, PACE, "anew", id="back"),
        pytest.param(OUT, (), PACE - SECOND, "as before", id="out again too soon to say so"),
        pytest.param(OUT, (), PACE, "anew", id="out again"),
        pytest.param(OUT, MODELS, RENEWAL - SECOND, "as before", id="still out"),
        pytest.param(OUT, MODELS, RENEWAL, "anew", id="still out, and the entry is old"),
        pytest.param(WELL, (), timedelta(days=9), "as before", id="still well"),
        pytest.param(WELL, MODELS, -timedelta(hours=1), "anew", id="written with a clock that was wrong"),
    ],
)
def test_when_it_is_published_again(view: EndpointState, models: tuple[str, ...], age: timedelta, want: str) -> None:
    published = published_at(NOW - age, *models)

    found = outages(saying(view, published=published), NOW)

    assert (found == published) == (want == "as before")
    assert found is not None
    assert found.told_at_ms in (published.told_at_ms, round(NOW.timestamp()) * 1000)


def test_a_new_time_of_the_next_half_open_request_changes_no_document() -> None:
    before = outages(saying(OUT), NOW)
    later = [model.model_copy(update={"retry_at": NOW}) for model in OUT.models]

    view = OUT.model_copy(update={"models": tuple(later), "since": NOW})

    assert outages(saying(view, published=before), NOW + 5 * SECOND) == before


def _reported_over(looks: Iterable[tuple[int, EndpointState]]) -> list[datetime]:
    """When each new entry was written, over a row of looks, each so many seconds after the one before."""
    now, published, changes = NOW, None, []
    for after_s, view in looks:
        now += after_s * SECOND
        found = outages(saying(view, published=published, at=now), now)
        if found != published:
            changes.append(now)
        published = found
    return changes


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.sampled_from([WELL, OUT, trying("official"), REFUSED])), max_size=40))
def test_however_it_flaps_it_is_published_once_a_minute_at_most(looks: list[tuple[int, EndpointState]]) -> None:
    changes = _reported_over(looks)

    assert all(after - before >= PACE for before, after in itertools.pairwise(changes))
