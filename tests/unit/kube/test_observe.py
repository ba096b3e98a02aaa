"""Of an object is kept what decisions use, and whatever is odd about it does not stop the watching."""

import json
from datetime import UTC, datetime

import pytest

from factories import document, snapshot
from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.api.startup_hints import AnsweredDoc, News, OutageDoc, OutagesDoc
from poolkeeper.kube.json_fields import Json, mapping
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import CHILD_KINDS, LINK_KINDS, Address, DeclaredPolicy, DeclaredPool, Document, Probing, Ref
from poolkeeper.plan.snapshot import LiveDeployment, LivePod
from unit.kube.things import UID, child, owner, pod, policy, pool


def test_a_valid_pool_is_parsed() -> None:
    fact = observe(pool()).fact

    assert isinstance(fact, DeclaredPool)
    found, problems = fact.read()
    assert found is not None
    assert problems == ()


def test_a_pool_that_does_not_parse_keeps_its_problems_and_its_status() -> None:
    body = pool()
    body["spec"] = {"models": []}
    body["status"] = {"summary": "1/1"}

    fact = observe(body).fact

    assert isinstance(fact, DeclaredPool)
    found, problems = fact.read()
    assert found is None
    assert problems
    assert fact.status is not None
    assert fact.status.summary == "1/1"


def test_of_annotations_only_ours_are_kept_and_an_edit_of_others_is_no_news() -> None:
    """A tool may keep a copy of the whole object there, or a megabyte of notes."""
    ours = {"poolkeeper.dev/paused": "true"}
    noted = observe(pool(annotations={**ours, "kubectl.kubernetes.io/last-applied-configuration": "x" * 200_000}))
    fact = noted.fact

    assert isinstance(fact, DeclaredPool)
    assert fact.annotations == ours
    assert noted == observe(pool(annotations=ours, managedFields=[{"manager": "other"}]))
    assert noted != observe(pool(annotations={}))


def test_a_policy_is_parsed() -> None:
    fact = observe(policy()).fact

    assert isinstance(fact, DeclaredPolicy)
    assert fact.read()[0] is not None


def test_a_configmap_tells_which_document_it_carries() -> None:
    body = child()
    annotations = {"poolkeeper.dev/config-generation": "7", "poolkeeper.dev/config-hash": "abc"}
    body["metadata"] = {**mapping(body, "metadata"), "annotations": annotations}

    assert observe(body).fact == Document(7, "abc")


def test_a_configmap_tells_the_news_of_its_document() -> None:
    out = OutagesDoc(told_at_ms=5, endpoints=(OutageDoc(endpoint="a", fingerprint="f", model="", reason="Connect"),))
    shown = News(outages=out, answered=(AnsweredDoc(endpoint="a", fingerprint="f", model="m", probed_at_ms=7),))
    router_json = document(snapshot()).model_copy(update=dict(shown)).model_dump_json(by_alias=True)

    assert observe({**child(), "data": {"router.json": router_json}}).fact == Document(0, "", shown)


@pytest.mark.parametrize("router_json", ["", "{", '{"outages": {"since": 1}}', '{"answered": [{}]}', "{}"])
def test_a_document_that_cannot_be_read_says_nothing_of_it(router_json: str) -> None:
    assert observe({**child(), "data": {"router.json": router_json}}).fact == Document(0, "")


def test_a_service_tells_its_address() -> None:
    assert observe(child("Service", spec={"ports": [{"port": 8080}]})).fact == Address("chat-router.team.svc", 8080)


def refused_pod(why: str) -> Json:
    said = f'pods "chat-router-5f-x" is forbidden: {why}'
    return {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": said}


@pytest.mark.parametrize(
    ("condition", "want"),
    [
        ({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}, "ProgressDeadlineExceeded"),
        ({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}, "FailedCreate"),
        (refused_pod("exceeded quota: team-a, requested: pods=1"), "FailedCreate, exceeded quota: team-a"),
        (
            refused_pod("failed quota: team-a: must specify limits.cpu for: router"),
            "FailedCreate, failed quota: team-a: must specify limits.cpu for: router",
        ),
        (
            refused_pod('violates PodSecurity "restricted:latest": hostPort (container "x")'),
            'FailedCreate, violates PodSecurity "restricted:latest"',
        ),
        (
            refused_pod(
                'admission webhook "policy.example.com" denied the request: no owner label on chat-router-5f-x'
            ),
            'FailedCreate, admission webhook "policy.example.com" denied the request',
        ),
        (refused_pod("of something else"), "FailedCreate"),
        ({"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}, ""),
    ],
)
def test_a_deployment_tells_how_far_it_is(condition: Json, want: str) -> None:
    status = {
        "replicas": 3,
        "readyReplicas": 2,
        "updatedReplicas": 1,
        "observedGeneration": 4,
        "conditions": [condition],
    }
    body = child("Deployment", status=status)
    body["metadata"] = {**mapping(body, "metadata"), "generation": 5}

    assert observe(body).fact == LiveDeployment(3, 2, 1, up_to_date=False, stuck_reason=want)


def test_a_pod_tells_where_it_is_and_what_it_was_poked_for() -> None:
    assert observe(pod("p", ip="10.0.0.9", ready=False, poked="3")).fact == LivePod("p", "10.0.0.9", False, False, 3)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "Pod"},
        {"kind": "Pod", "metadata": None, "status": []},
        {"kind": "ConfigMap", "metadata": {"annotations": {"poolkeeper.dev/config-generation": "-1"}}},
        {"kind": "Service", "spec": {"ports": "none"}},
        {"kind": "Deployment", "metadata": {"ownerReferences": [None, 3]}},
        {"kind": "EndpointPool", "metadata": {}, "spec": None},
        {"kind": "Unheard", "metadata": {"resourceVersion": "x"}},
    ],
)
def test_an_odd_object_is_just_odd(body: Json) -> None:
    assert observe(body).ref.kind == body["kind"]


def nested(levels: int) -> Json:
    body: Json = {}
    for _ in range(levels):
        body = {"x": body}
    return body


ODD: dict[str, object] = {
    "half a character": "\ud800",
    "no number": float("nan"),
    "a number beyond reason": "9" * 5000,
    "digits of another script": "\N{ARABIC-INDIC DIGIT THREE}",
    "superscript": "\N{SUPERSCRIPT TWO}",
    "nested beyond reason": nested(900),
    "a list of nothing": [None, [], {}],
    "nothing": None,
    "a day": "2026-11-22",
    "a moment that is none": "2026-13-45T99:00:00Z",
}
PLACES = (
    ("spec",), ("status",), ("data",), ("spec", "endpoints"), ("spec", "ports"), ("status", "conditions"),
    ("status", "containerStatuses"), ("metadata", "resourceVersion"), ("metadata", "generation"),
    ("metadata", "creationTimestamp"), ("metadata", "deletionTimestamp"), ("metadata", "labels"),
    ("metadata", "annotations"), ("metadata", "annotations", "poolkeeper.dev/config-generation"),
    ("metadata", "annotations", "poolkeeper.dev/drain-official"), ("metadata", "ownerReferences"),
    ("metadata", "managedFields"), ("metadata", "labels", "poolkeeper.dev/pool"),
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_one_odd_object_is_known_to_be_there_and_hides_no_other(odd: object) -> None:
    for kind in (*CHILD_KINDS, *LINK_KINDS, "Pod", "EndpointPool", "FailoverPolicy"):
        for place in PLACES:
            body = json.loads(json.dumps({**child(), **pool(), "kind": kind}))
            parent = body
            for step in place[:-1]:
                parent = parent.setdefault(step, {})
            parent[place[-1]] = odd

            seen = observe(body)

            assert (seen.ref, seen.uid) == (Ref(kind, "team", "chat"), UID), place
            if isinstance(seen.fact, DeclaredPool | DeclaredPolicy):
                seen.fact.read()
            if isinstance(seen.fact, Probing):
                assert seen.fact.made_at is None or seen.fact.made_at.tzinfo


def test_the_digest_sees_every_edit_and_nothing_else() -> None:
    one = child("ConfigMap", data={"a": "1"})
    before = observe(one).digest
    metadata = mapping(one, "metadata")

    touched = {**one, "metadata": {**metadata, "resourceVersion": "9", "managedFields": [{}], "generation": 2}}
    relabelled = {**one, "metadata": {**metadata, "labels": {}}}

    assert observe({**touched, "status": {"x": 1}}).digest == before
    assert observe(relabelled).digest != before
    assert observe({**one, "data": {"a": "2"}}).digest != before


PROBE_LABELS = {"poolkeeper.dev/pool": "chat", "app.kubernetes.io/component": "probe"}
FOUND = '{"pool":"team/chat","began":"2026-11-22T08:00:00Z","ended":"2026-11-22T08:00:09Z"}'


def probe_pod(message: str, owned_by: str = "chat-probe-29123", kind: str = "Job") -> Json:
    state = {"terminated": {"exitCode": 0, "message": message}} if message else {"running": {}}
    metadata = {"name": "p", "namespace": "team", "uid": "u", "labels": PROBE_LABELS}
    return {
        "kind": "Pod",
        "metadata": {**metadata, "ownerReferences": [owner(owned_by, kind=kind)]},
        "status": {"containerStatuses": [{"name": "other"}, {"name": "probe", "state": state}]},
    }


def test_a_finished_probe_tells_what_it_found() -> None:
    fact = observe(probe_pod(FOUND)).fact

    assert isinstance(fact, ProbeResult)
    assert fact.ended == datetime(2026, 11, 22, 8, 0, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        probe_pod(""),
        probe_pod("no JSON"),
        probe_pod('{"pool":"team/chat"}'),
        probe_pod(FOUND, owned_by="other-job"),
        probe_pod(FOUND, kind="ReplicaSet"),
    ],
    ids=["it runs", "no result", "half a result", "somebody else's Job", "no Job"],
)
def test_what_is_no_result_of_a_probe_is_none(body: Json) -> None:
    assert observe(body).fact is None


def test_a_cronjob_tells_since_when_it_probes() -> None:
    made = {"name": "chat-probe", "namespace": "team", "creationTimestamp": "2026-11-22T08:00:00Z"}

    assert observe({"kind": "CronJob", "metadata": made}).fact == Probing(datetime(2026, 11, 22, 8, tzinfo=UTC))


def test_the_probes_configmap_carries_no_routers_document() -> None:
    body = child(data={"probe.json": "{}"})
    metadata = {**mapping(body, "metadata"), "labels": PROBE_LABELS}

    assert observe({**body, "metadata": metadata}).fact is None
