"""What is read of a cold standby's Deployment, and how it is scaled."""

import asyncio

from poolkeeper.kube.live_scale import SCALED_OBJECTS, live_scales
from poolkeeper.kube.scaler import REFUSED_FOR_S, Scaler
from poolkeeper.plan.snapshot import LiveScale
from poolkeeper.status.cold_standby import ScaleOrder
from unit.kube.memory_api import MemoryApi
from unit.kube.things import KEY

DEPLOYMENT = "/apis/apps/v1/namespaces/team/deployments/llama"
SCALE = f"{DEPLOYMENT}/scale"
HPAS = "/apis/autoscaling/v2/namespaces/team/horizontalpodautoscalers"
KEDAS = SCALED_OBJECTS.format("team")
NO = {"message": "forbidden", "reason": "Forbidden"}


def api(replicas: object = 0, ready: object = 0) -> MemoryApi:
    found = MemoryApi()
    metadata = {"name": "llama", "namespace": "team", "resourceVersion": "7"}
    body = {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}}
    found.put(DEPLOYMENT, {**body, "status": {"readyReplicas": ready}})
    found.put(SCALE, {"kind": "Scale", "metadata": {"name": "llama"}, "spec": {"replicas": replicas}})
    return found


def read(found: MemoryApi, refusals: dict[str, str] | None = None) -> LiveScale:
    return asyncio.run(live_scales(found, "team", ["llama"], refusals or {}))["llama"]


def test_its_replicas_and_the_version_that_was_seen() -> None:
    found = read(api(replicas=2, ready=1))

    assert (found.replicas, found.ready_replicas) == (2, 1)
    assert found.version


def test_left_out_replicas_are_one_and_nonsense_is_none() -> None:
    assert read(api(replicas=None)).replicas == 1
    assert read(api(replicas="many", ready=[])) == LiveScale(0, 0, read(api()).version)


def test_what_does_not_exist_is_not_in_it_and_nothing_is_read_without_a_standby() -> None:
    empty = MemoryApi()

    assert asyncio.run(live_scales(empty, "team", ["llama"], {})) == {}
    empty.calls.clear()
    assert asyncio.run(live_scales(empty, "team", [], {})) == {}
    assert empty.calls == []


def test_autoscalers_are_named() -> None:
    target = {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "llama"}}}
    by_hpa, by_keda, by_none = api(), api(), api()
    by_hpa.put(f"{HPAS}/theirs", {"metadata": {"name": "theirs"}, **target})
    by_keda.put(f"{KEDAS}/theirs", {"metadata": {"name": "theirs"}, "spec": {"scaleTargetRef": {"name": "llama"}}})
    by_none.put(
        f"{HPAS}/a", {"metadata": {"name": "a"}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "b"}}}
    )
    by_none.put(
        f"{HPAS}/b", {"metadata": {"name": "b"}, "spec": {"scaleTargetRef": {"kind": "Rollout", "name": "llama"}}}
    )

    assert read(by_hpa).autoscaler == "HorizontalPodAutoscaler theirs"
    assert read(by_keda).autoscaler == "KEDA's ScaledObject theirs"
    assert read(by_none).autoscaler == ""


def test_a_scale_that_may_not_be_read_is_known_before_it_is_needed() -> None:
    found = api()
    found.refuse("GET", SCALE, 403, NO)
    found.refuse("GET", KEDAS, 403, NO)

    assert "403" in read(found).refusal


def test_a_scaling_names_what_was_seen() -> None:
    found = api()

    asyncio.run(Scaler(found).scale(KEY, [ScaleOrder("llama", 2, "7")]))

    assert found.writes == [("PATCH", SCALE)]
    assert found.bodies == [{"metadata": {"resourceVersion": "7"}, "spec": {"replicas": 2}}]


def test_a_refusal_is_reported_and_after_a_while_tried_again() -> None:
    found, now_s = api(), 0.0
    scaler = Scaler(found, lambda: now_s)
    found.refuse("PATCH", SCALE, 403, NO)

    asyncio.run(scaler.scale(KEY, [ScaleOrder("llama", 1, "7")]))
    assert "forbidden" in read(found, dict(scaler.refusals(KEY))).refusal

    now_s = REFUSED_FOR_S
    assert scaler.refusals(KEY) == {}


def test_a_conflict_is_no_refusal() -> None:
    found = api()
    scaler = Scaler(found)
    found.refuse("PATCH", SCALE, 409, {"message": "the object has been modified", "reason": "Conflict"})

    asyncio.run(scaler.scale(KEY, [ScaleOrder("llama", 1, "7")]))

    assert scaler.refusals(KEY) == {}
