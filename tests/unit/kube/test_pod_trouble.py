"""Why a Pod does not run, as its own status says it; the same words as long as the cause is the same."""

import pytest

from poolkeeper.kube.json_fields import Json
from poolkeeper.kube.pod_trouble import restarts, trouble
from poolkeeper.plan.snapshot import PodTrouble

IMAGE = "registry.example/router:v9"
AT = "2026-11-29T02:05:00Z"


def container(name: str = "router", state: Json | None = None, last: Json | None = None, **more: object) -> Json:
    return {"name": name, "image": IMAGE, "ready": False, "state": state or {}, "lastState": last or {}, **more}


def pod(*containers: Json, unscheduled: str = "", phase: str = "Pending", **status: object) -> Json:
    scheduled: Json = {"type": "PodScheduled", "status": "True"}
    if unscheduled:
        scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": unscheduled}
    spec = {"containers": [{"name": "router", "resources": {"limits": {"memory": "64Mi"}}}, {"name": "mesh"}]}
    return {
        "spec": spec,
        "status": {"phase": phase, "conditions": [scheduled], "containerStatuses": list(containers), **status},
    }


def waiting(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason, "message": message}}


def terminated(reason: str, code: int) -> Json:
    return {"terminated": {"reason": reason, "exitCode": code, "finishedAt": AT}}


RUNS: Json = {"running": {"startedAt": AT}}
NO_ROOM = "0/3 nodes are available: 3 Insufficient memory."


@pytest.mark.parametrize(
    ("body", "want"),
    [
        (pod(unscheduled=f"{NO_ROOM} preemption: 0/3 nodes are"), PodTrouble("Unschedulable", NO_ROOM)),
        (pod(container(state=waiting("ErrImagePull", "try 1: 404"))), PodTrouble("NoImage", IMAGE)),
        (pod(container(state=waiting("ImagePullBackOff", "Back-off 20s"))), PodTrouble("NoImage", IMAGE)),
        (
            pod(container(state=waiting("CrashLoopBackOff", "back-off 40s"), last=terminated("OOMKilled", 137))),
            PodTrouble("OutOfMemory", "64Mi"),
        ),
        (pod(container(state=terminated("OOMKilled", 137))), PodTrouble("OutOfMemory", "64Mi")),
        (pod(container(state=RUNS, last=terminated("Error", 1))), PodTrouble("Ended", "exit code 1")),
        (pod(container(state=waiting("CrashLoopBackOff", "back-off 20s"))), PodTrouble("Ended", "CrashLoopBackOff")),
        (pod(container("mesh", terminated("OOMKilled", 137))), PodTrouble("OutOfMemory", "")),
        (
            pod(container(state=waiting("CreateContainerConfigError", 'secret "x"\n not found'))),
            PodTrouble("NotCreated", 'secret "x"  not found'),
        ),
        (pod(container(state=waiting("RunContainerError"))), PodTrouble("NotCreated", "RunContainerError")),
        (
            pod(container(ready=True), initContainerStatuses=[container("init", waiting("ImagePullBackOff"))]),
            PodTrouble("NoImage", IMAGE),
        ),
    ],
    ids=[
        "no node",
        "the first try to pull",
        "a later try to pull",
        "out of memory, and waits",
        "out of memory, just now",
        "runs again, and is not ready",
        "nobody knows how it ended",
        "a container of somebody else's, without a limit",
        "a configuration that is missing",
        "no words but the reason",
        "an init container",
    ],
)
def test_what_keeps_a_pod_from_running(body: Json, want: PodTrouble) -> None:
    assert trouble(body) == want


@pytest.mark.parametrize(
    "body",
    [
        pod(container(state=waiting("ContainerCreating"))),
        pod(container(state=RUNS)),
        pod(container(state=RUNS, ready=True, last=terminated("OOMKilled", 137)), phase="Running"),
        pod(container("init", terminated("Completed", 0), ready=True), container(state=waiting("PodInitializing"))),
        pod(container(state=terminated("Error", 137)), phase="Failed", reason="Evicted"),
        {},
        {"status": {"containerStatuses": [None, {"state": []}], "conditions": "none"}},
    ],
    ids=["starts", "runs, not ready yet", "ready again", "an init container that is done", "over", "empty", "odd"],
)
def test_no_trouble(body: Json) -> None:
    assert trouble(body) is None


def test_words_of_others_are_bounded() -> None:
    found = trouble(pod(unscheduled="x" * 5000))

    assert found and len(found.detail) == 200


def test_a_restart_tells_when_and_why_and_how_often() -> None:
    body = pod(
        container(state=RUNS, ready=True, last=terminated("OOMKilled", 137), restartCount=3),
        container("mesh", RUNS, ready=True, restartCount=0),
        container("odd", RUNS, last={"terminated": {"finishedAt": "yesterday"}}, restartCount=1),
    )

    assert [(one.at.isoformat(), one.why, one.times) for one in restarts(body)] == [
        ("2026-11-29T02:05:00+00:00", PodTrouble("OutOfMemory", "64Mi"), 3)
    ]
