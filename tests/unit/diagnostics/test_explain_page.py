"""What a person on call reads of one endpoint: from facts to lines."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from factories import NOW
from poolkeeper.api.probe_result import EndpointProbe, ProbePhases, ProbeResult
from poolkeeper.api.reasons import ProbeReason
from poolkeeper.api.router_state import RouterState
from poolkeeper.api.status import EndpointPoolStatus, EndpointStatus, LastProbe, ProbedEndpoint, ProbeRun
from poolkeeper.diagnostics.advice import advice, comes_back
from poolkeeper.diagnostics.endpoint_facts import Facts, Seen, facts_of
from poolkeeper.diagnostics.explain_page import page
from poolkeeper.status.fault_words import FAULTS, page_of
from testing.router_lua import runtime


def breaking_classes() -> list[str]:
    """The classes of outcomes that the router's breakers count."""
    classes = runtime().eval(b'require("core.error.outcome").CLASSES')
    return sorted(name.decode() for name, does in classes.items() if does[b"counts"])


KEY = "Secret deepseek, key api-key"
WELL = {"name": "official", "tier": 0, "health": "Healthy", "breaker": "Closed", "lastTransitionTime": NOW}


def facts(
    reason: str = "",
    health: str = "Healthy",
    breaker: str = "Closed",
    probed: ProbedEndpoint | None = None,
    last: EndpointProbe | None = None,
    router: dict[str, object] | None = None,
    transitions: tuple[dict[str, object], ...] = (),
    notes: tuple[str, ...] = (),
) -> Facts:
    endpoint = EndpointStatus.model_validate({**WELL, "reason": reason, "health": health, "breaker": breaker})
    remembered = LastProbe(time=NOW, outcome="Passed", endpoints=(probed,)) if probed else None
    state = {"endpoints": [{"name": "official", **router}], "transitions": list(transitions)} if router else None
    seen = Seen(
        keys={"official": [KEY]},
        routers={"chat-router-a": RouterState.model_validate(state)} if state else {},
        result=ProbeResult(pool="p", began=NOW, ended=NOW - timedelta(seconds=90), endpoints=(last,)) if last else None,
        notes=notes,
    )
    return facts_of("team/chat", EndpointPoolStatus(endpoints=(endpoint,), last_probe=remembered), endpoint, seen)


def lines(found: Facts) -> list[str]:
    console = Console(width=300, no_color=True)
    with console.capture() as capture:
        console.print(page(found, NOW))
    return [" ".join(line.split()) for line in capture.get().splitlines() if line.strip()]


def probed_as(state: str, reason: str = "", *runs: ProbeRun) -> ProbedEndpoint:
    return ProbedEndpoint.model_validate(
        {"name": "official", "verdict": state, "reason": reason, "since": NOW - timedelta(minutes=12), "runs": runs}
    )


SLOW = facts(
    reason="SlowFirstToken",
    probed=probed_as(
        "Grey", "SlowFirstToken", ProbeRun(reason="SlowFirstToken", bad=1, asked=1), ProbeRun(reason="", bad=0, asked=1)
    ),
    last=EndpointProbe(
        name="official",
        why="SlowFirstToken",
        bad=1,
        asked=1,
        phases=ProbePhases(dns=1, tcp=20, headers=300, first=9000, end=9500, status=200),
    ),
)
REFUSED = facts(reason="CredentialsRejected", health="Unhealthy")
OPEN = facts(
    reason="ServerError",
    health="Unhealthy",
    breaker="Open",
    router={
        "health": "Unhealthy",
        "breaker": "Open",
        "reason": "BreakerOpen",
        "weight": 0,
        "errorRatePercent": 62.5,
        "retryAt": NOW + timedelta(seconds=42),
        "models": [{"name": "m", "breaker": "Open", "reason": "ServerError"}],
    },
    transitions=(
        {
            "sequence": 2,
            "at": NOW,
            "endpoint": "official",
            "model": "m",
            "from": "Closed",
            "to": "Open",
            "reason": "ServerError",
        },
        {"sequence": 1, "at": NOW, "endpoint": "other", "model": "m", "from": "Closed", "to": "Open", "reason": "Busy"},
    ),
)


def test_a_grey_endpoint() -> None:
    found = lines(SLOW)

    assert found[0] == "team/chat / official (tier 0)"
    meaning = ProbeReason.SlowFirstToken.meaning
    assert f"probe Grey for 12m, SlowFirstToken: {meaning}" in found
    assert "runs SlowFirstToken (1/1), good (newest first)" in found
    assert "last run SlowFirstToken, 1m ago" in found
    assert any(line.startswith("first token 8700 ms ━") for line in found)
    assert "recovers after two good runs in a row of the probe; run it now: `poolkeeper probe --now team/chat`" in found
    assert "runbook poolkeeper runbook SlowFirstToken" in found


def test_a_refused_key_names_the_secret_and_its_key() -> None:
    found = lines(REFUSED)

    assert f"do it refuses the API key: check {KEY}, and the API key at the provider" in found
    assert f"recovers about a minute after {KEY} has a new value" in found
    assert "runbook poolkeeper runbook CredentialsRejected" in found


def test_an_open_breaker_with_its_router_and_its_history() -> None:
    found = lines(OPEN)

    assert "router chat-router-a" in found
    assert "state Unhealthy, breaker open, BreakerOpen" in found
    assert "errors 62.5 % of the last requests" in found
    assert "model m: breaker open (ServerError)" in found
    shown = "m: answers with server errors: no more requests for a while (its breaker opened)"
    assert f"changes 0s ago: {shown} [chat-router-a]" in found
    assert "recovers when half-open requests succeed; the next one in 42 s" in found
    assert not any("Busy" in line for line in found)  # another endpoint's


def test_what_routers_and_probes_find_may_differ_and_both_is_reported() -> None:
    found = lines(facts(reason="ServerError", breaker="Open", probed=probed_as("Unhealthy", "CredentialsRejected")))

    assert [line.partition(":")[0] for line in found if line.startswith("do ")] == [
        "do it answers with server errors",
        "do it refuses the API key",
    ]
    assert [line for line in found if line.startswith("runbook ")] == [
        f"runbook poolkeeper runbook {reason}" for reason in ("ServerError", "CredentialsRejected", "BreakerOpen")
    ]


def test_all_is_well() -> None:
    assert lines(facts())[-1] == "do nothing: no problem is known"


def test_one_bad_run_is_reported_as_not_acted_on_yet() -> None:
    found = lines(
        facts(
            probed=probed_as("Healthy", "", ProbeRun(reason="SlowTokens", bad=1, asked=1)),
            last=EndpointProbe(name="official", why="SlowTokens", bad=1, asked=1, phases=ProbePhases(tcp=1)),
        )
    )

    assert "not yet only the last run found SlowTokens; it has no effect until another run finds it, too" in found


def test_what_could_not_be_looked_at_is_reported() -> None:
    assert "note routers cannot be asked" in lines(facts(notes=("routers cannot be asked",)))


@pytest.mark.parametrize(
    ("found", "want"),
    [
        (
            facts(reason="BalanceExhausted", health="Unhealthy"),
            "when the account has credit; next check within a few minutes",
        ),
        (facts(reason="RateLimited", health="Unhealthy"), "when the backoff that the provider set is over"),
        (facts(reason="ServerError", breaker="HalfOpen"), "when its half-open requests succeed"),
        (
            facts(reason="AwaitingTraffic", breaker="HalfOpen", health="Unknown"),
            "when the next request succeeds",
        ),
        (
            facts(reason="HealthCheckFailed", health="Unhealthy"),
            "when its health checks pass some times in a row",
        ),
        (facts(reason="OffSchedule", health="Unknown"), "in the next window of its schedule"),
        (
            facts(reason="NoAnswer", probed=probed_as("Unhealthy", "NoAnswer")),
            "after one good run of the probe; run it now: `poolkeeper probe --now team/chat`",
        ),
    ],
    ids=["no money", "backoff", "half-open", "waits", "checks", "schedule", "probes"],
)
def test_what_brings_it_back(found: Facts, want: str) -> None:
    assert comes_back(found, NOW) == (want,)


@pytest.mark.parametrize("reason", ProbeReason)
def test_every_reason_has_its_advice(reason: ProbeReason) -> None:
    assert reason in FAULTS, f"wanted what to do about {reason} in status/fault_words.py"
    assert "{" not in advice(reason, facts(reason=reason))


@pytest.mark.parametrize("word", breaking_classes())
def test_whatever_opens_a_breaker_has_its_advice_and_its_page(word: str) -> None:
    found = lines(facts(reason=word, health="Unhealthy", breaker="Open"))

    assert advice(word, facts()) != advice("SomethingNew", facts())
    assert [line for line in found if line.startswith("runbook")][:-1] == [
        f"runbook poolkeeper runbook {page_of(word)}"
    ]


def test_a_word_that_nobody_knows_sends_to_the_log() -> None:
    assert "log" in advice("SomethingNew", facts())


@pytest.mark.parametrize("seconds", [-5, 0])
def test_a_half_open_request_that_is_due_is_now(seconds: int) -> None:
    at = NOW + timedelta(seconds=seconds)

    assert comes_back(facts(breaker="Open", router={"breaker": "Open", "retryAt": at}), NOW) == (
        "when half-open requests succeed; the next one now",
    )


def test_an_outage_is_shown_from_its_beginning_through_all_half_open_requests() -> None:
    fields = {"outageSince": NOW - timedelta(minutes=5), "recoveringSince": NOW - timedelta(seconds=9)}
    endpoint = EndpointStatus.model_validate({**WELL, **fields})
    status = EndpointPoolStatus(endpoints=(endpoint,), headline="official serves again")

    found = lines(facts_of("team/chat", status, endpoint, Seen({}, {})))

    assert "pool official serves again" in found
    assert "outage for 5m, since 2026-11-22T07:55:00Z; it serves again for 9s" in found
    assert found[-1] == "do wait: it serves again, and the outage is over when this lasts"


def test_failed_checks_are_explained_by_what_they_found() -> None:
    check = {"state": "Failing", "lastFailure": {"result": "CertificateInvalid", "at": NOW}}
    view = {"name": "official", "health": "Unhealthy", "reason": "HealthCheckFailed", "healthCheck": check}
    seen = Seen({}, {"r": RouterState.model_validate({"endpoints": [view]})})
    endpoint = EndpointStatus.model_validate({**WELL, "health": "Unhealthy", "reason": "HealthCheckFailed"})

    found = lines(facts_of("team/chat", EndpointPoolStatus(endpoints=(endpoint,)), endpoint, seen))

    why = "it fails its health checks, and has an invalid certificate"
    assert f"do {why}: renew the certificate, or set tls.caRef or tls.serverName" in found
    assert "runbook poolkeeper runbook CertificateInvalid" in found


def test_what_a_router_counted_and_what_its_checks_found() -> None:
    metrics = (
        'poolkeeper_attempts_total{endpoint="official",gen_ai_request_model="m"} 40\n'
        'poolkeeper_upstream_errors_total{endpoint="official",gen_ai_request_model="m",class="Busy"} 3\n'
        'gen_ai_server_time_to_first_token_seconds_bucket{endpoint="official",le="0.1"} 37\n'
        'gen_ai_server_time_to_first_token_seconds_bucket{endpoint="official",le="+Inf"} 37\n'
    )
    view = {"name": "official", "healthCheck": {"state": "Failing", "lastFailure": {"result": "BadStatus", "at": NOW}}}
    seen = Seen({}, {"r": RouterState.model_validate({"endpoints": [view]})}, metrics={"r": metrics})
    endpoint = EndpointStatus.model_validate(WELL)

    found = lines(facts_of("team/chat", EndpointPoolStatus(endpoints=(endpoint,)), endpoint, seen))

    assert "requests 40 since the router started, 3 failed; first token p50 50 ms, p99 99 ms" in found
    assert "check the last failed one found BadStatus, 0s ago" in found


def test_each_of_several_keys_is_named_by_its_secret() -> None:
    keys = [
        {"key": 1, "file": "official", "reason": "", "inFlight": 2},
        {
            "key": 2,
            "file": "official.0a",
            "reason": "RateLimited",
            "since": (NOW - timedelta(seconds=20)).isoformat(),
            "retryAt": (NOW + timedelta(seconds=40)).isoformat(),
        },
    ]
    changes = (
        {"sequence": 1, "at": NOW.isoformat(), "endpoint": "official", "key": 2, "to": "OutOfService", "reason": "X"},
    )
    found = facts(router={"keys": keys}, transitions=changes)
    text = lines(replace(found, keys=[KEY, "Secret other, key k"]))
    assert f"key 1 ({KEY}): in use, 2 in flight" in text
    assert "key 2 (Secret other, key k): left out for 20s, RateLimited, next try in 40 s" in text
    assert any("key 2: this API key is left out, the others serve (X)" in line for line in text)


def test_a_probe_names_the_key_that_it_found_bad() -> None:
    run = EndpointProbe(name="official", asked=2, keys=("", "CredentialsRejected"), phases=ProbePhases())
    text = lines(replace(facts(last=run), keys=[KEY, "Secret other, key k"]))
    assert "with key 2 (Secret other, key k): CredentialsRejected" in text
