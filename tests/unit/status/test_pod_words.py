"""The line for the person on call when routers do not run: what is wrong with which Pod, and what to do about it."""

from dataclasses import replace

import pytest

from factories import pool as declared
from factories import serving, snapshot, status_update
from poolkeeper.plan.snapshot import LiveDeployment, LivePod, PodTrouble, Snapshot

WELL = serving(snapshot())
POD = "chat-router-0"
NO_ROOM = PodTrouble("Unschedulable", "0/1 nodes are available: 1 Insufficient memory.")


def with_pods(*pods: LivePod, stuck: str = "") -> Snapshot:
    deployment = LiveDeployment(len(pods), 0, len(pods), up_to_date=True, stuck_reason=stuck)
    return replace(WELL, live=replace(WELL.live, pods=pods, deployment=deployment))


def pod(trouble: PodTrouble | None, name: str = POD, *, ready: bool = False, ends: bool = False) -> LivePod:
    return LivePod(name, "", ready, ends, 0, trouble)


@pytest.mark.parametrize(
    ("given", "want", "do"),
    [
        (with_pods(pod(NO_ROOM)), f"{POD} fits on no node (0/1 nodes", "make room on the nodes"),
        (with_pods(pod(PodTrouble("NoImage", "r:v9"))), "cannot be pulled (r:v9)", "correct router.image of the chart"),
        (with_pods(pod(PodTrouble("OutOfMemory", "64Mi"))), "OOMKilled, limit 64Mi", "raise limits.memory of"),
        (with_pods(pod(PodTrouble("OutOfMemory"))), "its memory (OOMKilled)", "raise limits.memory of"),
        (with_pods(pod(PodTrouble("Ended", "exit code 1"))), "start (exit code 1)", f"logs --previous {POD}`"),
        (with_pods(pod(PodTrouble("NotCreated", 'secret "x" not found'))), 'secret "x" not found', "describe pod`"),
        (with_pods(stuck="FailedCreate, exceeded quota: team-a"), "exceeded quota: team-a", "raise the quota"),
        (with_pods(pod(None), stuck="ProgressDeadlineExceeded"), "does not progress: Progress", "describe pod`"),
        (with_pods(pod(NO_ROOM), stuck="ProgressDeadlineExceeded"), "fits on no node", "make room"),
        (with_pods(pod(NO_ROOM, ends=True), pod(None, "chat-router-1")), "0/2 router Pods are ready.", "describe"),
    ],
    ids=[
        "no node", "no image", "no memory", "a limit that is not known", "ends", "cannot be created", "a quota",
        "it takes too long, nobody knows why", "it takes too long, and why", "a Pod that goes is no trouble",
    ],
)  # fmt: skip
def test_the_headline_says_why_no_router_runs_and_what_to_do(given: Snapshot, want: str, do: str) -> None:
    headline = status_update(given).status.headline

    assert want in headline
    assert do in headline.partition("To do: ")[2]


def test_the_same_words_stand_in_every_condition_that_they_concern() -> None:
    told = {one.type: one.message for one in status_update(with_pods(pod(NO_ROOM))).status.conditions}

    assert all(f"{POD} fits on no node" in told[kind] for kind in ("Available", "Programmed", "Ready"))


def test_where_no_router_was_ever_made_it_says_what_is_missing_and_sends_nobody_to_look_for_pods() -> None:
    status = status_update(snapshot(declared(failoverPolicyRef={"name": "strict"}))).status

    assert status.headline.startswith("FailoverPolicy strict")
    assert status.headline.endswith("To do: create the FailoverPolicy, or correct failoverPolicyRef")
    assert {one.type: one.message for one in status.conditions}["Available"].startswith("no router is made yet")
