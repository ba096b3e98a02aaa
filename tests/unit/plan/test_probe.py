"""The document of a probe, and the weight adjustment for routers."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

import pytest

from factories import LOCAL, NOW, OFFICIAL, document, endpoint, pool, snapshot
from poolkeeper.api.probe_document import Amount
from poolkeeper.api.probe_result import EndpointProbe, ProbeResult
from poolkeeper.plan.probe import short
from poolkeeper.plan.resolve import Plan, resolve
from poolkeeper.plan.snapshot import Live, Snapshot
from poolkeeper.probing.schedule import firings
from poolkeeper.render.desired import desired

PRICED = OFFICIAL | {"pricing": {"currency": "USD", "inputPerMillion": "0.15", "outputPerMillion": "0.60"}}
PROBED = snapshot(pool([PRICED, LOCAL], probe={}))


def result(of: Snapshot, at: datetime, **why: str) -> ProbeResult:
    """Every endpoint asked once; why: name -> what was wrong."""
    endpoints = (
        EndpointProbe(
            name=one.name, fp=short(one.fingerprint), why=why.get(one.name, ""), bad=int(one.name in why), asked=1
        )
        for one in document(of).endpoints
    )
    cost = (Amount(currency="USD", amount="0.01"),)
    return ProbeResult(pool="default/chat", began=at, ended=at, cost=cost, endpoints=tuple(endpoints))


def unasked(of: ProbeResult, name: str) -> ProbeResult:
    """The same run, which says nothing of this endpoint."""
    endpoints = (one.model_copy(update={"asked": 0}) if one.name == name else one for one in of.endpoints)
    return of.model_copy(update={"endpoints": tuple(endpoints)})


def probed(of: Snapshot, *results: ProbeResult) -> Plan:
    return resolve(replace(of, live=Live(probes=results)), NOW)


def twice(**why: str) -> Plan:
    return probed(PROBED, result(PROBED, NOW - timedelta(minutes=15), **why), result(PROBED, NOW, **why))


def test_without_spec_probe_there_is_none() -> None:
    plan = resolve(snapshot(), NOW)

    assert (plan.probe, plan.last_probe) == (None, None)


def test_the_probe_goes_where_the_router_goes() -> None:
    plan = resolve(PROBED, NOW)

    assert plan.probe is not None and plan.document is not None
    assert [(one.name, one.host, one.credential, one.models) for one in plan.probe.endpoints] == [
        (one.name, one.host, one.credential, one.models) for one in plan.document.endpoints
    ]
    assert (plan.probe.first_token_ms, plan.probe.daily_budget, plan.probe.spent) == (5000, "0.50", None)
    assert plan.probe.endpoints[0].pricing is not None


def test_what_is_disabled_or_serves_no_model_is_not_asked() -> None:
    off = endpoint("off", mode="Disabled")
    other = endpoint("other", models=[{"name": "deepseek-flash"}])
    plan = resolve(snapshot(pool([OFFICIAL, off, other], probe={})), NOW)

    assert plan.probe is not None
    assert [one.name for one in plan.probe.endpoints] == ["official", "other"]


def test_a_default_plan_asks_an_endpoint_at_most_a_hundred_times_a_day() -> None:
    plan = resolve(PROBED, NOW)
    assert plan.probe is not None
    day = list(takewhile(lambda at: at <= NOW + timedelta(days=1), firings(plan.probe.schedule, NOW)))

    assert len(day) * plan.probe.requests_per_run <= 100


def test_the_next_run_gets_what_this_day_has_cost() -> None:
    plan = twice()

    assert plan.probe is not None and plan.probe.spent is not None
    assert (plan.probe.spent.as_of, plan.probe.spent.amounts[0].amount) == (NOW, "0.020000")


def test_before_any_result_runs_count_from_when_probing_began() -> None:
    """An operator that went away at once must not leave a budget behind that is new at each run."""
    plan = resolve(replace(PROBED, live=Live(probing_since=NOW)), NOW)

    assert plan.probe is not None and plan.probe.spent is not None
    assert (plan.probe.spent.day, plan.probe.spent.as_of, plan.probe.spent.amounts) == (NOW.date(), NOW, ())


@pytest.mark.parametrize(
    ("reason", "want_percent"),
    [
        ("SlowFirstToken", 10),
        ("KeepAliveOnly", 0),
        ("TruncatedStream", 10),
        ("EmptyAnswer", 0),
        ("BalanceExhausted", 0),
    ],
)
def test_routers_are_advised_until_three_runs_from_now(reason: str, want_percent: int) -> None:
    plan = twice(official=reason)

    assert plan.document is not None
    official, local = plan.document.endpoints
    assert local.advice is None
    assert official.advice is not None
    assert (official.advice.weight_percent, official.advice.reason) == (want_percent, reason)
    assert official.advice.until_ms == round((NOW + timedelta(minutes=55)).timestamp() * 1000)


def test_advice_is_as_old_as_the_last_run_that_said_anything_of_its_endpoint() -> None:
    """Others are asked on and on; of this one the budget, the time or its rate limit left nothing to say."""
    dead, times = {"official": "EmptyAnswer"}, [NOW - timedelta(minutes=15 * number) for number in range(4, -1, -1)]
    runs = [result(PROBED, at, **dead) for at in times[:2]] + [
        unasked(result(PROBED, at), "official") for at in times[2:]
    ]
    plan = probed(PROBED, *runs)

    assert plan.document is not None
    assert plan.document.endpoints[0].advice is not None
    assert plan.document.endpoints[0].advice.until_ms == round((NOW + timedelta(minutes=10)).timestamp() * 1000)


@pytest.mark.parametrize("reason", ["", "CertificateExpiring", "WrongModel", "Busy"])
def test_nothing_is_advised_where_less_traffic_is_no_cure(reason: str) -> None:
    plan = twice(official=reason) if reason else twice()

    assert plan.document is not None
    assert {one.advice for one in plan.document.endpoints} == {None}


def test_good_runs_do_not_change_the_routers_document() -> None:
    before, after = resolve(PROBED, NOW).document, twice().document

    assert before is not None and after is not None
    assert before.hash == after.hash


def test_an_endpoint_that_moved_is_not_advised_against() -> None:
    bad = result(PROBED, NOW, official="CredentialsRejected")
    moved = snapshot(pool([OFFICIAL | {"url": "https://other.example.com/v1"}, LOCAL], probe={}))
    plan = probed(moved, bad)

    assert plan.document is not None
    assert {one.advice for one in plan.document.endpoints} == {None}


def test_the_pod_needs_nothing_of_the_cluster() -> None:
    plan = resolve(PROBED, NOW)
    assert plan.document is not None
    (cronjob,) = (one for one in desired(PROBED, plan.document, plan.probe) if one["kind"] == "CronJob")
    written = json.dumps(cronjob)

    assert '"automountServiceAccountToken": false' in written
    assert "serviceAccountName" not in written
    assert '"concurrencyPolicy": "Forbid"' in written
    assert '"runAsNonRoot": true' in written and '"readOnlyRootFilesystem": true' in written


def test_the_objects_of_a_probe_come_and_go_with_it() -> None:
    plan, without = resolve(PROBED, NOW), resolve(snapshot(), NOW)
    assert plan.document is not None and without.document is not None

    kinds = [str(one["kind"]) for one in desired(PROBED, plan.document, plan.probe)]
    assert kinds[-2:] == ["ConfigMap", "CronJob"]
    assert "CronJob" not in {one["kind"] for one in desired(snapshot(), without.document, without.probe)}
