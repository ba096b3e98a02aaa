"""Every condition: what is seen, and what the message says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from factories import (
    EARLIER,
    LOCAL,
    NOW,
    OFFICIAL,
    SETTINGS,
    condition,
    cut_off,
    document,
    endpoint,
    partly_cut_off,
    policy,
    pool,
    seen,
    serving,
    snapshot,
    state,
    status_update,
    trying,
    waiting,
)
from poolkeeper.api import labels
from poolkeeper.api.base import Problem
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.api.reasons import ConditionStatus, ConditionType, Reason
from poolkeeper.api.router_state import ClientState, EndpointState, FailbackState, HeldTier, RouterState
from poolkeeper.errors import Refused
from poolkeeper.plan.snapshot import Live, LiveDeployment, PodTrouble, RouterReport, Snapshot

T = ConditionType
HOST_DOWN = cut_off("official", cause="Connect")
LOCAL_DOWN = cut_off("local", 1, cause="Busy")
LOCAL_WELL = seen("local", tier=1)


@dataclass(frozen=True)
class Case:
    given: Snapshot
    kind: ConditionType
    status: ConditionStatus
    reason: Reason
    says: str = ""
    refused: Refused | None = None


TWO_CLIENTS = [
    {"name": "batch", "keyRef": {"name": "clients", "key": "batch"}},
    {"name": "web", "keyRef": {"name": "clients", "key": "web"}},
]
KEYED = snapshot(pool(access={"mode": "Keys", "clients": TWO_CLIENTS}))


def without_keys_of(*clients: str) -> Snapshot:
    """One of two routers misses the keys of these clients."""
    return with_unusable_keys(*(ClientState(name=name) for name in clients))


def with_unusable_keys(*clients: ClientState) -> Snapshot:
    """One of two routers says so."""
    planned = document(KEYED)
    return serving(KEYED, state(planned), state(planned).model_copy(update={"clients_without_key": clients}))


def seen_as(*endpoints: EndpointState, active_tier: int | None = 0) -> Snapshot:
    """Both routers see the endpoints so."""
    planned = document(snapshot())
    one = state(planned, *endpoints, active_tier=active_tier)
    return serving(snapshot(), one, one)


def seen_whole(says: Mapping[str, object], failing_over: FailoverPolicy | None = None) -> Snapshot:
    """Both routers say this, too."""
    of = replace(snapshot(), policy=failing_over) if failing_over else snapshot()
    well = state(document(of)).model_dump(by_alias=True)
    one = RouterState.model_validate({**well, **says})
    return serving(of, one, one)


def refusing(generation: int, message: str) -> RouterState:
    well = state(document(snapshot()))
    config = {"refused": {"generation": generation, "message": message}}
    return RouterState.model_validate(well.model_dump(by_alias=True) | {"config": config})


def deployed(of: Snapshot, deployment: LiveDeployment | None) -> Snapshot:
    return replace(of, live=replace(of.live, deployment=deployment))


def silenced(of: Snapshot, error: str = "no answer in time") -> Snapshot:
    return replace(of, reports=tuple(RouterReport(pod.name, None, None, error) for pod in of.live.pods))


def troubled(of: Snapshot, *troubles: PodTrouble) -> Snapshot:
    """The first routers are not ready, and why."""
    pods = [replace(pod, ready=False, trouble=one) for pod, one in zip(of.live.pods, troubles, strict=False)]
    ready = len(of.live.pods) - len(pods)
    deployment = LiveDeployment(2, ready, 2, up_to_date=True)
    return replace(of, live=replace(of.live, pods=(*pods, *of.live.pods[len(pods) :]), deployment=deployment))


WELL = serving(snapshot())
TWO_KEYS = pool([OFFICIAL, endpoint("backup", credentialsRef={"name": "deepseek", "key": "other"})])
KEYLESS = seen("official", health="Unhealthy", reason="SecretNotFound")
PAUSED = replace(WELL, annotations={labels.PAUSED: "true"})
STAYS_BELOW = FailbackState(held=(HeldTier(model="deepseek-flash", tier=1),))
HELD = replace(snapshot(), annotations={labels.FAILOVER_TO: "1"})

CASES = {
    # Accepted
    "a valid spec is accepted": Case(WELL, T.Accepted, "True", Reason.Accepted, "Accepted"),
    "an invalid spec is not, and what served goes on": Case(
        replace(WELL, pool=None, problems=(Problem("spec.models", "is missing"),)),
        T.Accepted,
        "False",
        Reason.InvalidSpec,
        "spec.models: is missing. The last good configuration (generation 1) keeps serving",
    ),
    "an invalid first spec leaves nothing": Case(
        replace(snapshot(), pool=None, problems=(Problem("spec.models", "is missing"),)),
        T.Accepted,
        "False",
        Reason.InvalidSpec,
        "Nothing is rolled out yet",
    ),
    # ResolvedRefs
    "references that are there": Case(WELL, T.ResolvedRefs, "True", Reason.ResolvedRefs),
    "references of a spec that cannot be read": Case(
        replace(WELL, pool=None, problems=(Problem("spec", "is missing"),)), T.ResolvedRefs, "Unknown", Reason.Pending
    ),
    "a missing Service": Case(
        replace(WELL, services=frozenset()), T.ResolvedRefs, "False", Reason.ServiceNotFound, "Service vllm"
    ),
    "a missing policy": Case(
        replace(WELL, pool=pool(failoverPolicyRef={"name": "strict"})),
        T.ResolvedRefs,
        "False",
        Reason.PolicyNotFound,
        "FailoverPolicy strict",
    ),
    "a key file that routers miss, and no other of its Secret": Case(
        seen_as(KEYLESS, LOCAL_WELL),
        T.ResolvedRefs,
        "False",
        Reason.SecretNotFound,
        "Secret deepseek with key api-key does not exist, or it is no API key; endpoint official needs it, and the "
        "routers miss the file "
        "since 2026-11-22T07:40:00Z (2/2 replicas)",
    ),
    "a key file that routers miss, but another of its Secret is there": Case(
        serving(snapshot(TWO_KEYS), state(document(snapshot(TWO_KEYS)), KEYLESS, seen("backup"))),
        T.ResolvedRefs,
        "False",
        Reason.SecretKeyMissing,
        "Secret deepseek has no key api-key, or it is no API key; endpoint official needs it",
    ),
    "a client's key that a router misses, but another of its Secret is there": Case(
        without_keys_of("web"),
        T.ResolvedRefs,
        "False",
        Reason.SecretKeyMissing,
        "Secret clients has no key web, or it is no API key; client web needs it, and the routers miss the file (1/2",
    ),
    "a client's key that is another's, too": Case(
        with_unusable_keys(ClientState(name="web", problem="Shared", shared_with="batch")),
        T.ResolvedRefs,
        "False",
        Reason.ClientKeyUnusable,
        "the key of client web (Secret clients, key web) is the same as that of client batch, which has it",
    ),
    "a client's key that can be guessed": Case(
        with_unusable_keys(ClientState(name="web", problem="TooShort")),
        T.ResolvedRefs,
        "False",
        Reason.ClientKeyUnusable,
        "the key of client web (Secret clients, key web) is too short to be a secret; wanted at least 8 characters",
    ),
    "the keys of all clients of a Secret": Case(
        without_keys_of("web", "batch"),
        T.ResolvedRefs,
        "False",
        Reason.SecretNotFound,
        "Secret clients with key batch does not exist, or it is no API key; client batch needs it",
    ),
    # Programmed
    "all routers serve the planned document": Case(
        WELL, T.Programmed, "True", Reason.Programmed, "2/2 routers serve configuration generation 1"
    ),
    "one router serves an older one": Case(
        serving(snapshot(), state(document(snapshot())), state(document(snapshot(pool(models=["old"]))))),
        T.Programmed,
        "False",
        Reason.RolloutInProgress,
        "1/2 routers serve configuration generation",
    ),
    "no Deployment yet": Case(snapshot(), T.Programmed, "False", Reason.RolloutInProgress, "does not exist yet"),
    "Pods of an older template are still there": Case(
        deployed(WELL, LiveDeployment(3, 3, 2, up_to_date=True)),
        T.Programmed,
        "False",
        Reason.RolloutInProgress,
        "2/2 router Pods are up to date, 2/2 ready",
    ),
    "the Deployment controller has not looked yet": Case(
        deployed(WELL, LiveDeployment(2, 2, 2, up_to_date=False)), T.Programmed, "False", Reason.RolloutInProgress
    ),
    "a roll-out that is stuck says why": Case(
        deployed(WELL, LiveDeployment(2, 1, 2, up_to_date=True, stuck_reason="ProgressDeadlineExceeded")),
        T.Programmed,
        "False",
        Reason.RolloutInProgress,
        "1/2 ready; it does not progress: ProgressDeadlineExceeded",
    ),
    "a router Pod that cannot run says why": Case(
        troubled(WELL, PodTrouble("NoImage", "router:v9")),
        T.Programmed,
        "False",
        Reason.RolloutInProgress,
        "2/2 router Pods are up to date, 1/2 ready; chat-router-0 has an image that cannot be pulled (router:v9)",
    ),
    "several router Pods with one trouble are counted": Case(
        troubled(WELL, PodTrouble("Unschedulable", "no room"), PodTrouble("Unschedulable", "no room")),
        T.Programmed,
        "False",
        Reason.RolloutInProgress,
        "0/2 ready; chat-router-0 fits on no node (no room), the same with 1 more",
    ),
    "a router that does not report": Case(
        silenced(WELL),
        T.Programmed,
        "Unknown",
        Reason.RoutersSilent,
        "2/2 ready routers do not report on their admin port, so their configuration is unknown: "
        "chat-router-0: no answer in time; chat-router-1: no answer in time",
    ),
    "a document that a router refuses": Case(
        serving(snapshot(), refusing(1, "endpoints[0].port:\nwanted an integer"), state(document(snapshot()))),
        T.Programmed,
        "False",
        Reason.ConfigRejected,
        "1/2 routers rejected configuration generation 1: endpoints[0].port: wanted an integer. They keep serving",
    ),
    "a refusal of an older document is forgotten": Case(
        serving(snapshot(), refusing(0, "whatever")), T.Programmed, "False", Reason.RolloutInProgress
    ),
    "a write that is forbidden": Case(
        WELL,
        T.Programmed,
        "False",
        Reason.ApplyForbidden,
        "exceeded quota. The last good configuration (generation 1) keeps serving",
        Refused("exceeded quota", "ApplyForbidden"),
    ),
    "a write that another owner stands against": Case(
        WELL, T.Programmed, "False", Reason.ApplyConflict, "", Refused("is controlled by Helm", "ApplyConflict")
    ),
    "a refusal in a word that is none of ours": Case(
        WELL, T.Programmed, "False", Reason.ApplyForbidden, "", Refused("no", "Whatever")
    ),
    "a pause": Case(PAUSED, T.Programmed, "Unknown", Reason.ReconcilePaused, labels.PAUSED),
    "a spec that is not valid": Case(
        replace(WELL, pool=None, problems=(Problem("spec", "is missing"),)),
        T.Programmed,
        "Unknown",
        Reason.Pending,
        "The roll-out of changes is stopped (InvalidSpec). The last good configuration (generation 1) keeps serving",
    ),
    # Available
    "no router Pod can run, and why": Case(
        troubled(WELL, PodTrouble("OutOfMemory", "64Mi"), PodTrouble("OutOfMemory", "64Mi")),
        T.Available,
        "False",
        Reason.RouterNotReady,
        "0/2 router Pods are ready; chat-router-0 was ended for its memory (OOMKilled, limit 64Mi)",
    ),
    "no router Pod can be made, and why": Case(
        deployed(
            replace(WELL, live=replace(WELL.live, pods=())),
            LiveDeployment(0, 0, 0, up_to_date=True, stuck_reason="FailedCreate, exceeded quota: team-a"),
        ),
        T.Available,
        "False",
        Reason.RouterNotReady,
        "0/2 router Pods are ready; no more Pods can be made: FailedCreate, exceeded quota: team-a",
    ),
    "enough endpoints": Case(WELL, T.Available, "True", Reason.MinimumEndpointsAvailable, "2/2 endpoints take traffic"),
    "endpoints that nobody has asked yet": Case(
        seen_as(seen("official", health="Unknown"), seen("local", tier=1, health="Unknown")),
        T.Available,
        "Unknown",
        Reason.NoDataYet,
        "official: not known, it has answered no check and no request so far",
    ),
    "fewer than wanted": Case(
        serving(snapshot(pool(minAvailable=2)), state(document(snapshot(pool(minAvailable=2))), HOST_DOWN, LOCAL_WELL)),
        T.Available,
        "False",
        Reason.NoEndpointsAvailable,
        "1/2 endpoints take traffic, wanted at least 2; excluded: official (breaker open)",
    ),
    "no router is ready": Case(
        replace(WELL, live=replace(WELL.live, pods=())), T.Available, "False", Reason.RouterNotReady, "0/2 router Pods"
    ),
    "no router is wanted": Case(
        snapshot(pool(router={"replicas": 0})), T.Available, "False", Reason.RouterNotReady, "replicas is 0"
    ),
    "routers that never reported": Case(
        silenced(WELL, "cannot connect"),
        T.Available,
        "Unknown",
        Reason.NoDataYet,
        "but none has reported yet: cannot connect",
    ),
    "routers that have not reported for long": Case(
        serving(snapshot(), at=NOW - timedelta(seconds=16)), T.Available, "Unknown", Reason.ProbeDataStale, "15 s"
    ),
    "a drained endpoint takes no traffic": Case(
        serving(snapshot(pool([endpoint("a", mode="Draining")])), state(document(snapshot()), seen("a"))),
        T.Available,
        "False",
        Reason.NoEndpointsAvailable,
        "excluded: a (drained)",
    ),
    "an endpoint that waits for a request": Case(
        seen_as(waiting("official"), LOCAL_DOWN),
        T.Available,
        "Unknown",
        Reason.AwaitingTraffic,
        "official: not known, nobody has asked it since 2026-11-22T07:40:00Z",
    ),
    "an invalid spec, and no status from before: the routers' endpoints count": Case(
        replace(WELL, pool=None, problems=(Problem("spec.models", "is missing"),)),
        T.Available,
        "True",
        Reason.MinimumEndpointsAvailable,
        "2/2 endpoints take traffic",
    ),
    "the routers serve, and their Service does not exist": Case(
        replace(WELL, live=replace(WELL.live, address="")),
        T.Available,
        "False",
        Reason.RouterServiceMissing,
        "Service chat-router does not exist, so clients cannot reach the routers",
    ),
    "a half-open breaker takes no traffic to speak of": Case(
        serving(
            snapshot(pool(minAvailable=2)),
            state(document(snapshot(pool(minAvailable=2))), trying("official"), LOCAL_WELL),
        ),
        T.Available,
        "False",
        Reason.NoEndpointsAvailable,
        "excluded: official (breaker half-open)",
    ),
    "all fail their health checks": Case(
        seen_as(
            seen("official", health="Unhealthy", reason="HealthCheckFailed"),
            seen("local", 1, health="Unhealthy", reason="HealthCheckFailed"),
        ),
        T.Available,
        "False",
        Reason.NoEndpointsAvailable,
        "no other is left, so routers still send requests to those that fail health checks",
    ),
    # Degraded
    "nothing is wrong": Case(WELL, T.Degraded, "False", Reason.AllEndpointsHealthy),
    "an open breaker": Case(
        seen_as(HOST_DOWN, LOCAL_WELL, active_tier=1),
        T.Degraded,
        "True",
        Reason.BreakerOpen,
        "official accepts no connection since 2026-11-22T07:40:00Z (Connect); tier 1 (local) serves. To do: ",
    ),
    "open breakers and nobody to take over": Case(
        seen_as(HOST_DOWN, LOCAL_DOWN, active_tier=None),
        T.Degraded,
        "True",
        Reason.BreakerOpen,
        "local is overloaded since 2026-11-22T07:40:00Z (Busy); no endpoint is left: clients get the policy's fallback",
    ),
    "failing health checks": Case(
        seen_as(seen("official", health="Unhealthy", reason="HealthCheckFailed"), LOCAL_WELL),
        T.Degraded,
        "True",
        Reason.EndpointsUnhealthy,
        "official fails its health checks since 2026-11-22T07:40:00Z (HealthCheckFailed)",
    ),
    "failing health checks behind an open breaker": Case(
        seen_as(HOST_DOWN.model_copy(update={"reason": "HealthCheckFailed"}), LOCAL_WELL),
        T.Degraded,
        "True",
        Reason.BreakerOpen,
        "official fails its health checks since",
    ),
    "a breaker that only waits for a request": Case(
        seen_as(waiting("official"), LOCAL_WELL),
        T.Degraded,
        "True",
        Reason.BreakerOpen,
        "official may be back: nobody has asked it since 2026-11-22T07:40:00Z; tier 1 (local) stands by",
    ),
    "a half-open breaker": Case(
        seen_as(trying("official"), LOCAL_WELL),
        T.Degraded,
        "True",
        Reason.BreakerOpen,
        "official has failed too often and gets single requests since 2026-11-22T07:40:00Z",
    ),
    "a breaker of one model alone": Case(
        seen_as(partly_cut_off("official", "deepseek-flash"), LOCAL_WELL),
        T.Degraded,
        "True",
        Reason.BreakerOpen,
        "official has failed too often for deepseek-flash since 2026-11-22T07:40:00Z",
    ),
    "a refused key comes before an open breaker": Case(
        seen_as(
            seen("official", health="Unhealthy", reason="CredentialsRejected"),
            LOCAL_DOWN,
        ),
        T.Degraded,
        "True",
        Reason.CredentialsRejected,
        "official refuses the API key since 2026-11-22T07:40:00Z (CredentialsRejected); local is overloaded since",
    ),
    "a missing key is one that cannot be used": Case(
        seen_as(KEYLESS, LOCAL_WELL), T.Degraded, "True", Reason.SecretNotFound, "official has no API key"
    ),
    "an account without credit": Case(
        seen_as(seen("official", health="Unhealthy", reason="BalanceExhausted"), LOCAL_WELL),
        T.Degraded,
        "True",
        Reason.BalanceExhausted,
        "official says that the account has no credit",
    ),
    "an unhealthy endpoint": Case(
        seen_as(seen("official", health="Unhealthy", reason="Connect"), LOCAL_WELL),
        T.Degraded,
        "True",
        Reason.EndpointsUnhealthy,
        "official accepts no connection since 2026-11-22T07:40:00Z (Connect)",
    ),
    "a pause that moved traffic to another tier": Case(
        seen_as(seen("official", health="Unhealthy", reason="Busy"), LOCAL_WELL, active_tier=1),
        T.Degraded,
        "True",
        Reason.EndpointsUnhealthy,
        "official is overloaded since 2026-11-22T07:40:00Z (Busy); tier 1 (local) serves",
    ),
    "a pause that did not": Case(
        seen_as(seen("official", health="Unhealthy", reason="Busy"), LOCAL_WELL),
        T.Degraded,
        "False",
        Reason.AllEndpointsHealthy,
    ),
    "a disabled endpoint is nobody's worry": Case(
        serving(
            snapshot(pool([OFFICIAL | {"mode": "Disabled"}, LOCAL])),
            state(document(snapshot()), HOST_DOWN, LOCAL_WELL, active_tier=1),
        ),
        T.Degraded,
        "False",
        Reason.AllEndpointsHealthy,
    ),
    "nobody reports what is wrong": Case(silenced(WELL), T.Degraded, "Unknown", Reason.Pending),
    # FailoverActive
    "the first tier serves": Case(WELL, T.FailoverActive, "False", Reason.PrimaryServing, "Tier 0 serves"),
    "the first tier is cut off": Case(
        seen_as(HOST_DOWN, LOCAL_WELL, active_tier=1),
        T.FailoverActive,
        "True",
        Reason.PrimaryBreakerOpen,
        "Tier 1 serves (local) in place of tier 0: official accepts no connection since 2026-11-22T07:40:00Z (Connect)",
    ),
    "the first tier is unhealthy": Case(
        seen_as(seen("official", health="Unhealthy", reason="BalanceExhausted"), LOCAL_WELL, active_tier=1),
        T.FailoverActive,
        "True",
        Reason.PrimaryUnhealthy,
        "official says that the account has no credit",
    ),
    "the first tier is in backoff": Case(
        seen_as(seen("official", health="Unhealthy", reason="RateLimited"), LOCAL_WELL, active_tier=1),
        T.FailoverActive,
        "True",
        Reason.PrimaryRateLimited,
        "official limits the request rate since 2026-11-22T07:40:00Z (RateLimited)",
    ),
    "the first tier fails its health checks": Case(
        seen_as(seen("official", health="Unhealthy", reason="HealthCheckFailed"), LOCAL_WELL, active_tier=1),
        T.FailoverActive,
        "True",
        Reason.PrimaryUnhealthy,
        "official fails its health checks",
    ),
    "the first tier waits for a request: nobody knows that it serves": Case(
        seen_as(waiting("official"), LOCAL_WELL),
        T.FailoverActive,
        "True",
        Reason.PrimaryBreakerOpen,
        "official may be back: nobody has asked it since 2026-11-22T07:40:00Z",
    ),
    "the first tier waits for a request, and there is no other": Case(
        seen_as(waiting("official"), LOCAL_DOWN), T.FailoverActive, "False", Reason.PrimaryServing
    ),
    "nothing can serve": Case(
        seen_as(HOST_DOWN, LOCAL_DOWN, active_tier=None),
        T.FailoverActive,
        "True",
        Reason.ServingDegraded,
        "No tier can take requests",
    ),
    "a half-open request that is due is no service": Case(
        seen_as(HOST_DOWN, LOCAL_DOWN, active_tier=0),
        T.FailoverActive,
        "True",
        Reason.ServingDegraded,
        "No tier can take requests",
    ),
    "a half-open request that is due at a lower tier is none either": Case(
        seen_as(HOST_DOWN, LOCAL_WELL, active_tier=1), T.FailoverActive, "True", Reason.PrimaryBreakerOpen
    ),
    "the pool breaker is open": Case(
        seen_whole({"global": {"breaker": "Open"}}),
        T.FailoverActive,
        "True",
        Reason.GlobalBreakerOpen,
        "Most requests of this pool end without an answer",
    ),
    "a fallback model stands in for one that no endpoint can serve": Case(
        seen_whole({"unservedModels": ["deepseek-v4-pro"]}, policy(fallback={"degradedModel": "deepseek-flash"})),
        T.FailoverActive,
        "True",
        Reason.ServingDegraded,
        "No endpoint can serve deepseek-v4-pro: clients get deepseek-flash in its place",
    ),
    "a model that nobody can serve, and nothing in its place": Case(
        seen_whole({"unservedModels": ["deepseek-v4-pro"]}), T.FailoverActive, "False", Reason.PrimaryServing
    ),
    "a tier is held by hand": Case(
        serving(HELD, state(document(HELD), active_tier=1)),
        T.FailoverActive,
        "True",
        Reason.ManualHold,
        "The annotation poolkeeper.dev/failover-to holds tier 1; run `poolkeeper failback` to release it",
    ),
    "the first tier is well again, and failback is by hand": Case(
        serving(snapshot(), state(document(snapshot()), active_tier=1).model_copy(update={"failback": STAYS_BELOW})),
        T.FailoverActive,
        "True",
        Reason.ManualHold,
        "Tier 1 serves (local) in place of tier 0: failback.mode is Manual; run `poolkeeper failback` to release it",
    ),
    "a hold on the first tier is no failover": Case(
        serving(replace(snapshot(), annotations={labels.FAILOVER_TO: "0"})),
        T.FailoverActive,
        "False",
        Reason.PrimaryServing,
    ),
    "a first tier that is drained is not the first": Case(
        serving(snapshot(pool([OFFICIAL | {"mode": "Draining"}, LOCAL])), state(document(snapshot()), active_tier=1)),
        T.FailoverActive,
        "False",
        Reason.PrimaryServing,
    ),
    "an invalid spec, and no status from before: the routers' first tier serves": Case(
        replace(WELL, pool=None, problems=(Problem("spec.models", "is missing"),)),
        T.FailoverActive,
        "False",
        Reason.PrimaryServing,
    ),
    "nobody reports which tier serves": Case(silenced(WELL), T.FailoverActive, "Unknown", Reason.Pending),
    # Ready
    "all is well": Case(WELL, T.Ready, "True", Reason.Ready),
    "an outage of every provider is no matter of the roll-out": Case(
        seen_as(HOST_DOWN, LOCAL_DOWN, active_tier=None), T.Ready, "True", Reason.Ready
    ),
    "the first need that fails speaks": Case(
        replace(deployed(WELL, None), services=frozenset()), T.Ready, "False", Reason.ServiceNotFound, "Service vllm"
    ),
    "a pause holds it open": Case(PAUSED, T.Ready, "Unknown", Reason.ReconcilePaused),
    "without a cluster one router is all": Case(
        serving(
            replace(snapshot(pool([OFFICIAL])), settings=replace(SETTINGS, local=True)),
            state(document(replace(snapshot(pool([OFFICIAL])), settings=replace(SETTINGS, local=True)))),
        ),
        T.Ready,
        "True",
        Reason.Ready,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_condition(case: Case) -> None:
    found = condition(status_update(case.given, refused=case.refused).status, case.kind)

    assert (found.status, found.reason) == (case.status, case.reason)
    assert case.says in found.message
    assert found.observed_generation == case.given.generation


def test_a_tier_that_is_well_again_and_waits_says_so() -> None:
    out = seen_as(HOST_DOWN, LOCAL_WELL, active_tier=1)
    stabilizing = seen_as(seen("official"), LOCAL_WELL, active_tier=1)

    found = condition(status_update(replace(stabilizing, previous=status_update(out).status)).status, T.FailoverActive)

    assert (found.status, found.reason) == ("True", Reason.PrimaryRecovering)
    assert (
        "official serves again since 2026-11-22T08:00:00Z, after an outage since 2026-11-22T07:40:00Z" in found.message
    )


class TestTransitionTime:
    def test_it_is_now_when_nothing_was_said_before(self) -> None:
        assert condition(status_update(WELL).status, T.Ready).last_transition_time == NOW

    def test_it_stays_while_the_status_does(self) -> None:
        rolling_out = status_update(replace(WELL, live=Live()), now=EARLIER).status
        other_reason = replace(WELL, services=frozenset(), previous=rolling_out)

        assert condition(status_update(other_reason).status, T.Ready).last_transition_time == EARLIER

    def test_it_moves_when_the_status_flips(self) -> None:
        rolling_out = status_update(replace(WELL, live=Live()), now=EARLIER).status

        assert condition(status_update(replace(WELL, previous=rolling_out)).status, T.Ready).last_transition_time == NOW
