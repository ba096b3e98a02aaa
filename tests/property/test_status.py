"""What holds for every probe status."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from factories import LOCAL, MODELS, NOW, OFFICIAL, endpoint, pool, serving, snapshot, status_update
from poolkeeper.api import labels
from poolkeeper.api.base import Problem
from poolkeeper.api.reasons import REASONS, ConditionType, Reason
from poolkeeper.api.router_state import RouterState
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.errors import Refused
from poolkeeper.plan.snapshot import LiveDeployment, LivePod, RouterReport, Snapshot
from poolkeeper.status.evaluate import same_meaning

CANARY = "sk-canary-3f9a"
REASON_WORDS = (
    *(
        "Healthy",
        "NoDataYet",
        "SecretNotFound",
        "CredentialsRejected",
        "BalanceExhausted",
        "RateLimited",
        "Busy",
        "Connect",
    ),
    *("BreakerOpen", "BreakerHalfOpen", "Draining", "", f"Error: {CANARY} is wrong", CANARY),
)
BREAKERS = st.sampled_from(["Closed", "Open", "HalfOpen"])
POOLS = (
    pool(),
    pool(
        [OFFICIAL, LOCAL, endpoint("third", tier=2, mode="Draining"), endpoint("off", mode="Disabled")], minAvailable=2
    ),
    pool([endpoint("only", weight=0)], router={"replicas": 0}),
    pool(failoverPolicyRef={"name": "absent"}),
)
ANNOTATIONS: tuple[dict[str, str], ...] = (
    {},
    {labels.PAUSED: "true"},
    {labels.FAILOVER_TO: "1"},
    {labels.FAILOVER_TO: "9"},
)
REFUSALS = (
    None,
    Refused("exceeded quota", "ApplyForbidden"),
    Refused("taken", "ApplyConflict"),
    Refused("?", "Whatever"),
)


@st.composite
def endpoint_states(draw: st.DrawFn, name: str) -> dict[str, object]:
    return {
        "name": name,
        "health": draw(st.sampled_from(["Healthy", "Unhealthy", "Unknown"])),
        "breaker": draw(BREAKERS),
        "reason": draw(st.sampled_from(REASON_WORDS)),
        "since": NOW - timedelta(seconds=draw(st.integers(-5, 500))) if draw(st.booleans()) else None,
        "models": [
            {"name": model, "breaker": draw(BREAKERS), "reason": draw(st.sampled_from(REASON_WORDS))}
            for model in MODELS
        ],
        "lastError": {"class": draw(st.sampled_from(REASON_WORDS))},
        "inFlight": draw(st.integers(0, 50)),
    }


@st.composite
def reports(draw: st.DrawFn, pod: str, of: Snapshot) -> RouterReport:
    if draw(st.integers(0, 4)) == 0:
        return RouterReport(pod, None, None, "cannot connect")
    known = [one.name for one in of.pool.spec.endpoints] if of.pool else []
    seen: Sequence[str] = draw(st.lists(st.sampled_from([*known, "gone"]), unique=True))
    fields = {
        "generation": draw(st.integers(0, 3)),
        "configHash": draw(st.sampled_from(["", "0", of.live.document_hash])),
        "ready": True,
        "activeTier": draw(st.none() | st.integers(0, 9)),
        "endpoints": [draw(endpoint_states(name)) for name in seen],
        "config": {"refused": {"generation": draw(st.integers(0, 3)), "message": "endpoints[0]: wrong"}}
        if draw(st.integers(0, 4)) == 0
        else {},
    }
    at = NOW - timedelta(seconds=draw(st.sampled_from([0, 3, 15, 16, 600])))
    return RouterReport(pod, RouterState.model_validate(fields), at)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    declared = draw(st.sampled_from(POOLS))
    base = snapshot(pool()) if declared.spec.failover_policy_ref else snapshot(declared)
    of = replace(serving(base), pool=declared, annotations=draw(st.sampled_from(ANNOTATIONS)), reports=())
    if draw(st.integers(0, 5)) == 0:
        of = replace(of, pool=None, problems=(Problem("spec", "is missing"),))
    if draw(st.booleans()):
        of = replace(of, services=frozenset())
    pods = tuple(
        LivePod(f"pod-{index}", "10.0.0.1", draw(st.booleans()), draw(st.booleans()), 1)
        for index in range(draw(st.integers(0, 3)))
    )
    counts = st.integers(0, 3)
    deployment = LiveDeployment(draw(counts), draw(counts), draw(counts), draw(st.booleans())) if pods else None
    asked = [pod.name for pod in pods if draw(st.integers(0, 4)) > 0]
    return replace(
        of,
        live=replace(of.live, pods=pods, deployment=deployment),
        reports=tuple(draw(reports(name, of)) for name in asked),
    )


refusals = st.sampled_from(REFUSALS)


@given(snapshots(), refusals)
def test_looking_again_says_and_tells_nothing_new(of: Snapshot, refused: Refused | None) -> None:
    first = status_update(of, refused=refused)

    again = status_update(replace(of, previous=first.status), refused=refused)

    assert same_meaning(again.status, first.status)
    assert again.status == first.status
    assert again.events == ()


@given(snapshots(), refusals)
def test_an_operator_that_starts_takes_nothing_back(of: Snapshot, refused: Refused | None) -> None:
    """Until it has asked the routers, nothing is written that they alone can know."""
    said = status_update(of, refused=refused).status

    started = status_update(replace(of, previous=said, reports=()), refused=refused)

    assert started.events == ()
    if any(pod.ready and not pod.terminating for pod in of.live.pods) and not rejected(said):
        assert same_meaning(started.status, said)


def rejected(status: EndpointPoolStatus) -> bool:
    return any(one.reason == Reason.ConfigRejected for one in status.conditions)


@given(snapshots(), snapshots(), refusals)
def test_every_word_is_one_of_the_api(before: Snapshot, of: Snapshot, refused: Refused | None) -> None:
    status = status_update(replace(of, previous=status_update(before).status), refused=refused).status

    allowed = {kind.value: reasons for kind, reasons in REASONS.items()}
    assert [one.type for one in status.conditions] == list(ConditionType)
    for one in status.conditions:
        assert one.reason in allowed[one.type], one
        assert one.observed_generation == of.generation
        assert one.last_transition_time <= NOW


@given(snapshots(), snapshots(), refusals)
def test_no_text_from_outside_gets_through(before: Snapshot, of: Snapshot, refused: Refused | None) -> None:
    found = status_update(replace(of, previous=status_update(before).status), refused=refused)

    assert CANARY not in found.status.model_dump_json()
    assert all(CANARY not in event.message for event in found.events)


@given(snapshots(), refusals)
def test_ready_is_true_exactly_when_its_needs_are(of: Snapshot, refused: Refused | None) -> None:
    status = {one.type: one.status for one in status_update(of, refused=refused).status.conditions}

    needs = [status[ConditionType.Accepted], status[ConditionType.ResolvedRefs], status[ConditionType.Programmed]]
    assert (status[ConditionType.Ready] == "True") is (needs == ["True"] * 3)


@given(snapshots())
def test_nobody_is_called_healthy_whom_no_router_reports(of: Snapshot) -> None:
    silent = replace(of, reports=tuple(RouterReport(pod.name, None, None, "cannot connect") for pod in of.live.pods))

    status = status_update(silent).status

    assert status.healthy_endpoints == 0
    assert {one.health for one in status.endpoints} <= {"Unknown"}
    assert next(one for one in status.conditions if one.type == ConditionType.Available).status != "True"
