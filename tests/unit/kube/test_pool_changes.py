"""What changed at a pool, from what the API server keeps: managers of fields, Pods by template, Events. No Secret."""

import asyncio
from datetime import UTC, datetime

from poolkeeper.kube.client import RESOURCES
from poolkeeper.kube.json_fields import Json
from poolkeeper.kube.pool_changes import pool_changes
from unit.kube.memory_api import MemoryApi
from unit.kube.things import KEY, pod, pool

EVENTS = RESOURCES["Event"].path(KEY.namespace)


def at(minute: int, second: int = 0) -> datetime:
    return datetime(2026, 11, 29, 2, minute, second, tzinfo=UTC)


def stamp(minute: int, second: int = 0) -> str:
    return at(minute, second).strftime("%Y-%m-%dT%H:%M:%SZ")


def managed(manager: str, minute: int, fields: Json, subresource: str = "") -> Json:
    return {"manager": manager, "time": stamp(minute), "subresource": subresource, "fieldsV1": fields}


def made(name: str, template: str, minute: int) -> Json:
    body = pod(name)
    metadata = {**body["metadata"], "creationTimestamp": stamp(minute)}  # type: ignore[dict-item] # a mapping
    labels = {**metadata["labels"], "pod-template-hash": template}  # type: ignore[dict-item] # a mapping
    return {**body, "metadata": {**metadata, "labels": labels}}


def event(name: str, minute: int, about: str = KEY.name, **fields: object) -> Json:
    regarding = {"kind": "EndpointPool", "name": about}
    what = {"reason": "Failover", "note": "tier 1 serves", "type": "Warning", "reportingController": "op"}
    return {
        "metadata": {"name": name},
        "eventTime": f"{stamp(minute)[:-1]}.000000Z",
        "regarding": regarding,
        **what,
        **fields,
    }


def told(api: MemoryApi) -> list[tuple[datetime, str, str, str]]:
    found, notes = asyncio.run(pool_changes(api, KEY))
    assert list(notes) == []
    return [(one.at, one.kind, one.message, one.by) for one in found]


def with_pool(*fields: Json) -> MemoryApi:
    api = MemoryApi()
    api.put(RESOURCES["EndpointPool"].path(KEY.namespace, KEY.name), pool(managedFields=list(fields)))
    return api


def test_who_wrote_the_spec_and_who_took_control_by_hand() -> None:
    by_hand: Json = {"f:metadata": {"f:annotations": {"f:poolkeeper.dev/drain-official": {}, "f:other": {}}}}
    api = with_pool(
        managed("argocd-controller", 1, {"f:spec": {"f:models": {}}}),
        managed("poolkeeper-cli", 2, by_hand),
        managed("poolkeeper", 3, {"f:status": {}}, "status"),
        managed("labeller", 4, {"f:metadata": {"f:labels": {}}}),
    )

    assert told(api) == [
        (at(1), "Spec", "the spec was written", "argocd-controller"),
        (at(2), "Spec", "manual control: drain-official", "poolkeeper-cli"),
    ]


def test_new_pods_of_a_new_template_are_a_roll_out_and_a_later_one_is_not() -> None:
    api = with_pool()
    for name, template, minute in (("a", "t1", 1), ("b", "t1", 2), ("c", "t2", 10), ("d", "t2", 30)):
        api.put(RESOURCES["Pod"].path(KEY.namespace, name), made(name, template, minute))

    assert [(when, kind, by) for when, kind, _, by in told(api)] == [
        (at(1), "RollOut", "a"),
        (at(10), "RollOut", "c"),
        (at(30), "RollOut", "d"),
    ]
    assert "template begin (t2)" in told(api)[1][2]
    assert "one router Pod more" in told(api)[2][2]


def test_a_container_that_was_started_again_says_why_it_had_ended() -> None:
    api = with_pool()
    body = made("a", "t1", 1)
    ended = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": stamp(9)}
    router = {"name": "router", "ready": True, "restartCount": 2, "lastState": {"terminated": ended}}
    status = {**body["status"], "containerStatuses": [router]}  # type: ignore[dict-item] # a mapping
    limits = {"containers": [{"name": "router", "resources": {"limits": {"memory": "64Mi"}}}]}
    api.put(RESOURCES["Pod"].path(KEY.namespace, "a"), {**body, "spec": limits, "status": status})

    assert told(api)[1] == (
        at(9),
        "Restart",
        "a router's container was ended for its memory (OOMKilled, limit 64Mi), and was started again (2 times in all)",
        "a",
    )


def test_its_own_events_with_how_often_and_no_others() -> None:
    api = with_pool()
    for name, body in (
        ("e1", event("e1", 5, series={"count": 3, "lastObservedTime": stamp(7)})),
        ("e2", event("e2", 6, about="chatter")),
        ("e3", event("e3", 4, eventTime=None)),
        ("e4", event("e4", 3, note="red \x1b[31m text")),
    ):
        api.put(f"{EVENTS}/{name}", body)

    assert told(api) == [
        (at(3), "Event", "Failover: red  [31m text", "op"),
        (at(5), "Event", "Failover: tier 1 serves (3 times)", "op"),
    ]


def test_what_may_not_be_read_is_told_and_the_rest_is_there() -> None:
    api = with_pool(managed("kubectl", 1, {"f:spec": {}}))
    api.refuse("GET", EVENTS, 403, {"message": "events is forbidden"})

    found, notes = asyncio.run(pool_changes(api, KEY))

    assert [one.kind for one in found] == ["Spec"]
    assert "it wants events of events.k8s.io: list" in notes[0]
    assert [path for _, path in api.calls if "secrets" in path] == []
