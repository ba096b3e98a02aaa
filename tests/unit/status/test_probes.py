"""What probes find, as people read it."""

from dataclasses import replace
from datetime import datetime, timedelta

from factories import (
    EARLIER,
    LOCAL,
    NOW,
    OFFICIAL,
    condition,
    document,
    pool,
    seen,
    serving,
    snapshot,
    state,
    status_update,
)
from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.status.evaluate import StatusUpdate
from unit.plan.test_probe import result, unasked

PROBED = serving(snapshot(pool([OFFICIAL, LOCAL], probe={})))
PLAIN = snapshot(pool([OFFICIAL, LOCAL], probe={}))


def after(*runs: tuple[datetime, dict[str, str]], of: Snapshot = PROBED, now: datetime = NOW) -> StatusUpdate:
    """Judged with the results of these runs at hand."""
    results = tuple(result(PLAIN, at, **why) for at, why in runs)
    return status_update(replace(of, live=replace(of.live, probes=results)), now)


def degraded(of: StatusUpdate) -> tuple[str, Reason | str, str]:
    found = condition(of.status, ConditionType.Degraded)
    return found.status, found.reason, found.message


SLOW = {"official": "SlowFirstToken"}
EARLIER_RUN = NOW - timedelta(minutes=15)


def test_a_grey_failure_is_reported_with_its_reason_and_what_is_done() -> None:
    said = after((EARLIER_RUN, SLOW), (NOW, SLOW))
    status, reason, message = degraded(said)

    assert (status, reason) == ("True", Reason.GreyFailure)
    assert "official: probes find SlowFirstToken since" in message
    assert "it gets 10 % of its weight" in message
    assert [(one.name, one.health, one.reason) for one in said.status.endpoints] == [
        ("official", "Healthy", "SlowFirstToken"),
        ("local", "Healthy", ""),
    ]


def test_what_probes_alone_keep_out_is_a_grey_failure_and_no_failed_check() -> None:
    """Routers that take the advice report it as Unhealthy, in the probes' own word."""
    dead = {"official": "KeepAliveOnly"}
    shown = state(document(PLAIN), seen("official", health="Unhealthy", reason="KeepAliveOnly"), seen("local", tier=1))
    said = after((EARLIER_RUN, dead), (NOW, dead), of=serving(PLAIN, shown, shown))
    failing = state(document(PLAIN), seen("official", health="Unhealthy", reason="HealthCheckFailed"))

    assert degraded(said)[:2] == ("True", Reason.GreyFailure)
    assert degraded(said)[2].endswith("it is excluded")
    assert degraded(after((EARLIER_RUN, dead), (NOW, dead), of=serving(PLAIN, failing)))[1] == Reason.EndpointsUnhealthy


def test_one_slow_run_is_no_failure() -> None:
    said = after((EARLIER_RUN, {}), (NOW, SLOW))

    assert degraded(said)[:2] == ("False", Reason.AllEndpointsHealthy)
    assert said.status.last_probe is not None
    assert said.status.last_probe.outcome == "GreyFailure"


def test_a_refused_key_and_an_empty_account_have_reasons_of_their_own() -> None:
    assert degraded(after((NOW, {"official": "CredentialsRejected"})))[1] == Reason.CredentialsRejected
    assert degraded(after((NOW, {"official": "BalanceExhausted"})))[1] == Reason.BalanceExhausted


def test_a_failure_makes_one_event_and_its_end_another() -> None:
    before = after((EARLIER_RUN, SLOW), (NOW, SLOW))
    known = replace(PROBED, previous=before.status)
    later = NOW + timedelta(minutes=15)
    still = after((later, SLOW), of=known, now=NOW)
    well = after((later, {}), (later + timedelta(minutes=15), {}), of=known, now=NOW)

    assert [event.reason for event in before.events if event.reason == Reason.GreyFailure] == [Reason.GreyFailure]
    assert [event.reason for event in still.events] == []
    assert [event.reason for event in well.events] == ["ProbesPass"]


def test_what_is_older_than_three_runs_is_no_longer_known() -> None:
    at = NOW - timedelta(hours=2)
    said = after((at - timedelta(minutes=15), SLOW), (at, SLOW))

    assert degraded(said)[:2] == ("Unknown", Reason.ProbeDataStale)
    assert said.status.endpoints[0].reason == ""


def test_what_others_are_asked_later_makes_no_probe_status_younger() -> None:
    at = NOW - timedelta(hours=2)
    runs = (result(PLAIN, at - timedelta(minutes=15), **SLOW), result(PLAIN, at, **SLOW))
    probes = (*runs, unasked(result(PLAIN, NOW), "official"))
    said = status_update(replace(PROBED, live=replace(PROBED.live, probes=probes)))

    assert degraded(said)[:2] == ("False", Reason.AllEndpointsHealthy)
    assert said.status.endpoints[0].reason == ""


def test_a_probe_that_never_comes_is_reported() -> None:
    since = replace(PROBED, live=replace(PROBED.live, probing_since=EARLIER - timedelta(hours=1)))

    status, reason, message = degraded(status_update(since))
    assert (status, reason) == ("Unknown", Reason.ProbeDataStale)
    assert "no probe has finished" in message


def test_a_probe_that_is_new_or_suspended_is_not_awaited() -> None:
    new = replace(PROBED, live=replace(PROBED.live, probing_since=NOW))
    suspended = serving(snapshot(pool([OFFICIAL, LOCAL], probe={"suspend": True})))
    old = replace(suspended, live=replace(suspended.live, probing_since=EARLIER - timedelta(days=9)))

    assert degraded(status_update(new))[1] == degraded(status_update(old))[1] == Reason.AllEndpointsHealthy


def test_the_memory_goes_with_spec_probe() -> None:
    before = after((NOW, {})).status
    without = replace(serving(snapshot()), previous=before)

    assert before.last_probe is not None
    assert status_update(without).status.last_probe is None


def test_the_memory_stays_while_the_spec_cannot_be_read() -> None:
    before = after((EARLIER_RUN, SLOW), (NOW, SLOW)).status

    assert status_update(replace(PROBED, pool=None, previous=before)).status.last_probe == before.last_probe


def test_the_status_is_read_back_as_it_was_written() -> None:
    written = after((EARLIER_RUN, SLOW), (NOW, SLOW)).status

    assert EndpointPoolStatus.model_validate(written.model_dump(mode="json", by_alias=True)) == written


def test_what_a_human_must_fix_comes_first_though_only_probes_know_it() -> None:
    failing = state(document(PLAIN), seen("official", health="Unhealthy", reason="ServerError"), seen("local", tier=1))
    said = after((NOW, {"local": "BalanceExhausted"}), of=serving(PLAIN, failing))

    assert degraded(said)[:2] == ("True", Reason.BalanceExhausted)
    assert "official" in degraded(said)[2]
