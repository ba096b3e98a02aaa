"""The status page reads like a sentence to the person on call: who serves, what does not, why, since when."""

from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.diagnostics.status_table import age, page
from poolkeeper.local.run_record import PoolMeta, PoolRecord

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def ago(seconds: int) -> datetime:
    return NOW - timedelta(seconds=seconds)


def condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, object]:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": ago(125)}


def endpoint(name: str, tier: int, health: str, breaker: str, reason: str = "") -> dict[str, object]:
    return {
        "name": name,
        "tier": tier,
        "health": health,
        "breaker": breaker,
        "reason": reason,
        "lastTransitionTime": ago(42),
    }


def printed(status: dict[str, object], columns: int = 200, is_wide: bool = False) -> str:
    console = Console(width=columns, no_color=True)
    record = PoolRecord(
        metadata=PoolMeta(name="chat", namespace="default"), status=EndpointPoolStatus.model_validate(status)
    )
    with console.capture() as capture:
        console.print(page([record], NOW, columns=columns, is_wide=is_wide))
    return capture.get()


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


FAILED_OVER: dict[str, object] = {
    "activeTier": 1,
    "summary": "1/2",
    "address": "http://127.0.0.1:8080/v1",
    "conditions": [
        condition("Ready", "True", "Ready"),
        condition("Available", "True", "MinimumEndpointsAvailable"),
        condition("FailoverActive", "True", "PrimaryBreakerOpen", "tier 1 serves: official is open after 3 failures"),
    ],
    "endpoints": [
        endpoint("own", 1, "Healthy", "Closed"),
        endpoint("official", 0, "Healthy", "Open", "Busy"),
    ],
}


def test_a_failed_over_pool() -> None:
    *found, trouble, to_do = rows(printed(FAILED_OVER))

    assert found == [
        ["POOL", "READY", "AVAILABLE", "HEALTHY", "TIER", "FAILOVER", "ADDRESS"],
        ["default/chat", "yes", "yes", "1/2", "1", "PrimaryBreakerOpen", "http://127.0.0.1:8080/v1"],
        ["ENDPOINT", "TIER", "HEALTH", "BREAKER", "SINCE", "WHY"],
        ["official", "0", "Healthy", "open", "42s", "Busy"],
        ["own", "1", "Healthy", "closed", "42s", "-"],
    ]
    want = "! FailoverActive=True PrimaryBreakerOpen for 2m: tier 1 serves: official is open after 3 failures"
    assert " ".join(trouble) == want
    want = "what to do: poolkeeper explain default/chat official; poolkeeper runbook PrimaryBreakerOpen"
    assert " ".join(to_do) == want


def test_the_first_line_is_the_pool_in_one_sentence_and_nothing_says_it_again() -> None:
    sentence = "official is overloaded since 2026-11-22T11:55:00Z (Busy); tier 1 (own) serves. To do: wait"
    output = FAILED_OVER | {
        "headline": sentence,
        "conditions": [
            condition("Degraded", "True", "BreakerOpen", f"{sentence} (seen by 2/2 replicas)"),
            condition("FailoverActive", "True", "PrimaryBreakerOpen", f"Tier 1 serves: {sentence.partition(';')[0]}"),
        ],
    }

    found = printed(output)

    assert found.count("official is overloaded") == 1
    assert "! Degraded=True BreakerOpen for 2m\n" in "\n".join(line.rstrip() for line in found.splitlines()) + "\n"


def test_since_when_is_the_outages_and_not_the_last_half_open_requests() -> None:
    half_open = endpoint("official", 0, "Unhealthy", "HalfOpen", "Busy") | {"outageSince": ago(600)}
    back = endpoint("own", 1, "Healthy", "Closed") | {"outageSince": ago(300), "recoveringSince": ago(3)}

    *_, first, second = rows(printed({"endpoints": [half_open, back]}))

    assert (first[4], first[5]) == ("10m", "Busy")
    assert (second[4], second[5]) == ("5m", "recovering")


def test_where_no_endpoint_is_out_a_page_is_what_there_is() -> None:
    rejected = FAILED_OVER | {
        "conditions": [condition("Programmed", "False", "ConfigRejected", "refused")],
        "endpoints": [endpoint("own", 1, "Healthy", "Closed")],
    }

    assert " ".join(rows(printed(rejected))[-1]) == "what to do: poolkeeper runbook ConfigRejected"


def test_regions_stand_beside_their_endpoints_where_there_are_any() -> None:
    far = {**endpoint("far", 1, "Healthy", "Closed"), "region": "ap-south"}

    *_, head, near, away = rows(printed({"endpoints": [endpoint("near", 0, "Healthy", "Closed"), far]}))

    assert head[:4] == ["ENDPOINT", "TIER", "REGION", "HEALTH"]
    assert (near[2], away[2]) == ("-", "ap-south")


def test_what_nobody_knows_yet_is_a_question_mark() -> None:
    assert rows(printed({}))[1] == ["default/chat", "?", "?", "-", "-", "?", "-"]


@pytest.mark.parametrize(
    ("seconds", "want"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (7200, "2h"), (90_000, "1d"), (-5, "0s")],
)
def test_age(seconds: int, want: str) -> None:
    assert age(ago(seconds), NOW) == want


@pytest.mark.parametrize("columns", [40, 60, 80, 99])
def test_on_a_narrow_terminal_the_address_is_one_line_that_can_be_copied(columns: int) -> None:
    address = "http://chat-router.some-long-namespace.svc.cluster.local/v1"
    text = printed(FAILED_OVER | {"address": address}, columns)

    assert "ADDRESS" not in text
    shown = "".join(line.rstrip() for line in text.splitlines())
    assert f"address: {address}" in shown or f"address:{address}" in shown
    assert columns < 70 or f"address: {address}" in text


def test_wide_shows_what_is_declared() -> None:
    status = FAILED_OVER | {
        "models": "a, b",
        "router": {"replicas": 2, "readyReplicas": 1},
        "effectivePolicy": {"name": "standard"},
    }

    head, row, *_ = printed(status, is_wide=True).splitlines()

    assert head.split()[-3:] == ["ROUTERS", "POLICY", "MODELS"]
    assert row.split("v1")[-1].split() == ["1/2", "standard", "a,", "b"]
