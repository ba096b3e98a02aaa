"""Which good probes the routers' document names: only those of a breaker that was open before, once a run."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from factories import (
    LOCAL,
    MODELS,
    NOW,
    OFFICIAL,
    cut_off,
    document,
    partly_cut_off,
    pool,
    seen,
    serving,
    snapshot,
    state,
    trying,
    waiting,
)
from poolkeeper.api.probe_result import EndpointProbe, ProbeResult
from poolkeeper.api.router_state import EndpointState
from poolkeeper.api.startup_hints import AnsweredDoc, News
from poolkeeper.plan.probe import short
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import Snapshot

PRO, FLASH = MODELS
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
PROBED = snapshot(pool([OFFICIAL, LOCAL], probe={}))
FINGERPRINT = document(PROBED).endpoints[0].fingerprint
BEGAN = NOW - MINUTE
WELL = seen("official")
OPEN = cut_off("official", since=BEGAN - MINUTE)


def run(*well: str, began: datetime = BEGAN, why: str = "", fingerprint: str = short(FINGERPRINT)) -> ProbeResult:
    found = EndpointProbe(name="official", fp=fingerprint, why=why, bad=int(bool(why)), asked=1, well=well)
    return ProbeResult(pool="default/chat", began=began, ended=began + 10 * SECOND, endpoints=(found,))


def saying(
    *views: EndpointState, probes: Sequence[ProbeResult] = (run(FLASH),), published: tuple[AnsweredDoc, ...] = ()
) -> Snapshot:
    """A pool with one router a view, each of the endpoint that its document has."""
    known = [view.model_copy(update={"fingerprint": FINGERPRINT}) for view in views]
    found = serving(PROBED, *(state(document(PROBED), view) for view in known))
    return replace(found, live=replace(found.live, probes=tuple(probes), news=News(answered=published)))


def of_flash(began: datetime = BEGAN, model: str = FLASH) -> AnsweredDoc:
    at_ms = round(began.timestamp() * 1000)
    return AnsweredDoc(endpoint="official", fingerprint=FINGERPRINT, model=model, probed_at_ms=at_ms)


def published_by(of: Snapshot, now: datetime = NOW) -> tuple[AnsweredDoc, ...]:
    found = resolve(of, now).document
    assert found is not None
    return found.answered


@pytest.mark.parametrize(
    ("views", "want"),
    [
        pytest.param([OPEN], True, id="open since before the probe began"),
        pytest.param([WELL, WELL, OPEN], True, id="at one router of three"),
        pytest.param([WELL], False, id="all well"),
        pytest.param([cut_off("official", since=BEGAN + SECOND)], False, id="open since the probe began"),
        pytest.param([trying("official")], False, id="half-open"),
        pytest.param([waiting("official")], False, id="half-open, and nobody has tried"),
        pytest.param([partly_cut_off("official", FLASH)], False, id="a router that does not say since when"),
    ],
)
def test_it_gets_what_is_open(views: list[EndpointState], want: bool) -> None:
    assert published_by(saying(*views)) == ((of_flash(),) if want else ())


@pytest.mark.parametrize(
    ("probes", "want"),
    [
        pytest.param([], (), id="no run"),
        pytest.param([run()], (), id="nothing was answered well"),
        pytest.param([run(PRO, FLASH)], (of_flash(), of_flash(model=PRO)), id="two models were"),
        pytest.param([run("another-model")], (), id="another model was"),
        pytest.param([run(FLASH, fingerprint="0123abcd")], (), id="another endpoint of this name was"),
        pytest.param([run(FLASH, began=BEGAN - 10 * SECOND), run()], (), id="the run before the last was"),
        pytest.param([run(FLASH, why="CertificateExpiring")], (of_flash(),), id="what less traffic would not fix"),
        pytest.param([run(FLASH, why="CredentialsRejected")], (), id="probes advise against it"),
    ],
)
def test_it_gets_what_the_latest_run_found_well(probes: list[ProbeResult], want: tuple[AnsweredDoc, ...]) -> None:
    assert published_by(saying(OPEN, probes=probes)) == want


@pytest.mark.parametrize(
    ("after", "want"),
    [(30 * MINUTE, True), (30 * MINUTE + SECOND, False), (-SECOND * 0.7, True), (-SECOND, False)],
    ids=["half an hour", "longer", "of the same second", "a clock that is ahead"],
)
def test_for_half_an_hour_it_is_news(after: timedelta, want: bool) -> None:
    of = saying(cut_off("official", since=NOW - 60 * MINUTE), probes=[run(FLASH, began=NOW - after)])

    assert bool(published_by(of)) is want


@pytest.mark.parametrize("view", [WELL, OPEN, trying("official")], ids=["well", "open", "tried"])
def test_what_was_published_stands_until_there_is_other_news(view: EndpointState) -> None:
    old = (of_flash(BEGAN - 60 * MINUTE),)

    assert published_by(saying(view, published=(of_flash(),))) == (of_flash(),)
    assert published_by(saying(WELL, published=old)) == old
    assert published_by(saying(OPEN, published=old)) == (of_flash(),)


def test_another_model_of_the_same_run_is_published_beside_the_first() -> None:
    of = saying(OPEN, probes=[run(PRO, FLASH)], published=(of_flash(),))

    assert published_by(of) == (of_flash(), of_flash(model=PRO))


def test_it_is_no_new_generation_and_nothing_in_a_document_where_all_is_well() -> None:
    calm, news = resolve(saying(WELL), NOW).document, resolve(saying(OPEN), NOW).document

    assert calm is not None and news is not None
    assert (news.generation, news.hash) == (calm.generation, calm.hash)
    assert "answered" not in calm.model_dump(by_alias=True)
    assert "answered" in news.model_dump(by_alias=True)


def test_a_whole_day_of_good_probes_moves_nothing_while_all_is_well() -> None:
    planned = {
        resolve(saying(WELL, probes=[run(PRO, FLASH, began=NOW - number * 15 * MINUTE)]), NOW).document
        for number in range(96)
    }

    assert len(planned) == 1
