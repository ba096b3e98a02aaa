"""From what a look has found to what the page shows of a pool."""

import pytest

from factories import EARLIER, NOW, cut_off, seen
from poolkeeper.api.reasons import GOOD, REASONS, ConditionType
from poolkeeper.api.router_state import EndpointState, RouterState
from poolkeeper.api.status import Condition, EndpointPoolStatus, EndpointStatus
from poolkeeper.dashboard.facts import EndpointWords, PoolFacts, Told
from poolkeeper.dashboard.history import PoolHistory
from poolkeeper.dashboard.pool_view import pool_doc
from poolkeeper.dashboard.view_model import PoolDoc

BAD: dict[str, object] = {"health": "Unhealthy", "breaker": "Open", "reason": "Busy"}


def condition(kind: str, status: str | None = None, reason: str | None = None) -> Condition:
    known = ConditionType[kind]
    return Condition.model_validate(
        {
            "type": kind,
            "status": status or GOOD[known],
            "reason": reason or REASONS[known][0].value,
            "message": f"{kind} in a sentence",
            "lastTransitionTime": EARLIER,
        }
    )


def conditions(**wrong: tuple[str, str]) -> tuple[Condition, ...]:
    return tuple(condition(kind.value, *wrong.get(kind.value, (None, None))) for kind in ConditionType)


def endpoint(name: str, **fields: object) -> EndpointStatus:
    well = {"name": name, "tier": 0, "health": "Healthy", "breaker": "Closed", "lastTransitionTime": EARLIER}
    return EndpointStatus.model_validate({**well, **fields})


def shown(
    *endpoints: EndpointStatus,
    wrong: dict[str, tuple[str, str]] | None = None,
    routers: dict[str, tuple[EndpointState, ...]] | None = None,
    words: dict[str, EndpointWords] | None = None,
    history: PoolHistory | None = None,
    **more: object,
) -> PoolDoc:
    states = {name: RouterState.model_validate({"endpoints": views, **more}) for name, views in (routers or {}).items()}
    status = EndpointPoolStatus(conditions=conditions(**(wrong or {})), endpoints=endpoints, active_tier=0)
    facts = PoolFacts("default/chat", status, states, words=words or {}, notes=("a note",))
    return pool_doc(facts, history or PoolHistory(), NOW)


@pytest.mark.parametrize(
    ("wrong", "want"),
    [
        ({}, "Well"),
        ({"Degraded": ("True", "BreakerOpen")}, "Look"),
        ({"FailoverActive": ("True", "PrimaryBreakerOpen")}, "Look"),
        ({"Accepted": ("False", "InvalidSpec"), "Ready": ("False", "InvalidSpec")}, "Look"),
        ({"Available": ("False", "NoEndpointsAvailable")}, "Down"),
        ({"Available": ("Unknown", "NoDataYet"), "Degraded": ("True", "BreakerOpen")}, "Unknown"),
    ],
)
def test_how_bad_it_is(wrong: dict[str, tuple[str, str]], want: str) -> None:
    assert shown(endpoint("a"), wrong=wrong).level == want


def test_a_pool_that_nobody_has_looked_at_is_unknown() -> None:
    assert pool_doc(PoolFacts("default/chat", EndpointPoolStatus()), PoolHistory(), NOW).level == "Unknown"


def test_the_worst_trouble_comes_first_and_ready_repeats_nothing() -> None:
    wrong = {
        "Programmed": ("False", "ConfigRejected"),
        "Ready": ("False", "ConfigRejected"),
        "Degraded": ("True", "BreakerOpen"),
        "Available": ("False", "NoEndpointsAvailable"),
    }
    found = shown(endpoint("a"), wrong=wrong)

    assert [one.type for one in found.troubles] == ["Available", "Degraded", "Programmed"]
    assert len(found.conditions) == len(ConditionType)


def test_ready_alone_is_a_trouble_of_its_own() -> None:
    found = shown(endpoint("a"), wrong={"Ready": ("Unknown", "Pending")})

    assert [(one.type, one.reason) for one in found.troubles] == [("Ready", "Pending")]


def test_a_trouble_says_since_when_and_where_its_runbook_is() -> None:
    (found,) = shown(endpoint("a"), wrong={"Degraded": ("True", "BreakerOpen")}).troubles

    assert (found.since, found.runbook, found.message) == (EARLIER, "BreakerOpen", "Degraded in a sentence")


def test_endpoints_stand_by_tier_and_an_open_breaker_takes_one_out() -> None:
    found = shown(endpoint("z"), endpoint("m", tier=1), endpoint("a", **BAD))

    assert [(one.name, one.is_usable) for one in found.endpoints] == [("a", False), ("z", True), ("m", True)]
    assert [(one.tier, one.is_active, one.usable, one.endpoints) for one in found.tiers] == [
        (0, True, 1, 2),
        (1, False, 1, 1),
    ]


def test_what_is_in_flight_is_summed_over_routers_and_a_limit_that_was_found_is_the_ceiling() -> None:
    view = seen("a").model_copy(update={"in_flight": 3, "max_connections": 25, "weight": 60.0})
    other = view.model_copy(update={"in_flight": 4, "limit": 10, "weight": 20.0})
    (found,) = shown(endpoint("a"), routers={"r": (view,), "s": (other,)}).endpoints

    assert (found.in_flight, found.limit, found.weight) == (7, 35, 40.0)


def test_without_a_router_there_are_no_figures() -> None:
    (found,) = shown(endpoint("a")).endpoints

    assert (found.weight, found.p50_ms, found.latest_ms, found.share_percent) == (None, None, None, None)


def test_requests_lately_and_who_got_them() -> None:
    def counted(a: int, b: int) -> dict[str, str]:
        series = 'poolkeeper_attempts_total{endpoint="%s",gen_ai_request_model="m"} %d\n'
        failed = 'poolkeeper_upstream_errors_total{endpoint="a",gen_ai_request_model="m",class="Busy"} %d\n'
        first = 'gen_ai_server_time_to_first_token_seconds_bucket{endpoint="b",gen_ai_request_model="m",le="%s"} %d\n'
        return {"r": series % ("a", a) + series % ("b", b) + failed % a + first % ("0.1", b) + first % ("+Inf", b)}

    history = PoolHistory().after(counted(100, 100), EARLIER).after(counted(101, 103), NOW)
    a, b = shown(endpoint("a", **BAD), endpoint("b", tier=1), history=history).endpoints

    assert (a.requests, a.failed, a.share_percent, a.p50_ms) == (1, 1, 25, None)
    assert (b.requests, b.failed, b.share_percent, b.p50_ms, b.p99_ms) == (3, 0, 75, 50, 99)


def test_an_endpoint_says_what_is_wrong_what_to_do_and_what_brings_it_back() -> None:
    words = EndpointWords((Told("Connect", "look at the port", "ConnectFailed"),), ("when half-open requests succeed",))
    (found,) = shown(endpoint("a", **BAD), words={"a": words}).endpoints

    assert [(one.word, one.advice, one.runbook) for one in found.told] == [
        ("Connect", "look at the port", "ConnectFailed")
    ]
    assert found.told[0].meaning == "None of its addresses accepts a connection."
    assert found.comes_back == ("when half-open requests succeed",)


def test_a_word_of_a_router_that_no_runbook_has_is_shown_without_one() -> None:
    words = EndpointWords((Told("Drained", "undrain it", "Drained"),))
    (found,) = shown(endpoint("a"), words={"a": words}).endpoints

    assert (found.told[0].runbook, found.told[0].meaning) == ("", "")


def test_each_router_that_sees_something_wrong_says_so_with_the_models_it_is_about() -> None:
    (found,) = shown(endpoint("a", **BAD), routers={"r": (cut_off("a"),), "s": (seen("a"),)}).endpoints

    assert [(view.router, view.breaker, view.reason) for view in found.views] == [("r", "Open", "")]
    assert {(one.name, one.breaker, one.reason) for one in found.views[0].models} == {
        ("deepseek-v4-pro", "Open", "ServerError"),
        ("deepseek-flash", "Open", "ServerError"),
    }


def test_one_that_only_has_a_backoff_is_well_and_its_router_says_until_when() -> None:
    in_backoff = seen("a", health="Unhealthy", reason="Busy").model_copy(update={"retry_at": NOW})
    (found,) = shown(endpoint("a"), routers={"r": (in_backoff,)}).endpoints

    assert found.is_usable
    assert [(view.reason, view.retry_at) for view in found.views] == [("Busy", NOW)]


def test_a_reason_that_is_no_word_is_not_passed_on() -> None:
    odd = seen("a", health="Unhealthy", reason="<b>quota of sk-1</b>")
    (found,) = shown(endpoint("a"), routers={"r": (odd,)}).endpoints

    assert found.views[0].reason == ""


def test_models_that_nobody_serves_are_named() -> None:
    assert shown(endpoint("a"), routers={"r": (seen("a"),)}, unservedModels=["m"]).unserved_models == ("m",)


@pytest.mark.parametrize(
    ("status", "want"),
    [("True", "needs attention"), ("False", "nothing to repair"), ("Unknown", "whether something is broken not known")],
)
def test_a_condition_is_reported_without_its_type_and_a_negation(status: str, want: str) -> None:
    found = shown(endpoint("a"), wrong={"Degraded": (status, "Pending")}).conditions

    assert [one.says for one in found if one.type == "Degraded"] == [want]


def test_every_condition_has_words() -> None:
    assert all("=" not in one.says and one.type not in one.says for one in shown(endpoint("a")).conditions)


def test_nobody_asked_is_not_usable() -> None:
    (found,) = shown(endpoint("a", health="Unknown", breaker="HalfOpen", reason="AwaitingTraffic")).endpoints

    assert not found.is_usable
