"""A support bundle of a cluster's pool has what helps, asks for no Secret, and carries no stranger's words."""

import asyncio

import pytest
import yaml

from poolkeeper.kube.client import RESOURCES
from poolkeeper.kube.json_fields import Json
from poolkeeper.kube.pool_details import admin_path
from poolkeeper.kube.support_bundle import CHILD_KINDS, collect
from unit.kube.memory_api import MemoryApi
from unit.kube.test_observe import FOUND, probe_pod
from unit.kube.things import KEY, child, policy, pool

CANARY = "sk-canary-7f3a"
APPLIED = {"kubectl.kubernetes.io/last-applied-configuration": CANARY, "somebody.example/note": CANARY}


def event(name: str, about: str) -> Json:
    return {"metadata": {"name": name}, "reason": "BreakerOpened", "note": f"of {about}", "regarding": {"name": about}}


@pytest.fixture
def api() -> MemoryApi:
    api = MemoryApi()
    paths = {kind: resource.path(KEY.namespace, KEY.name) for kind, resource in RESOURCES.items()}
    annotations = {**APPLIED, "poolkeeper.dev/paused": "true"}
    api.put(paths["EndpointPool"], pool(policy="standard", annotations=annotations, managedFields=[CANARY]))
    api.put(RESOURCES["FailoverPolicy"].path(KEY.namespace, "standard"), policy())
    api.put("/api/v1/namespaces/team/secrets/deepseek", {"kind": "Secret", "data": {"api-key": CANARY}})
    served = child(data={"router.json": '{"pool": "team/chat"}'}, binaryData={"x": CANARY})
    api.put(RESOURCES["ConfigMap"].path(KEY.namespace, "chat-router"), served)
    containers = [{"name": "router", "image": "router:1", "env": [{"name": "X", "value": CANARY}]}]
    api.put(
        RESOURCES["Deployment"].path(KEY.namespace, "chat-router"),
        child("Deployment", spec={"template": {"spec": {"containers": containers}}}),
    )
    api.put(RESOURCES["Pod"].path(KEY.namespace, "p"), {**probe_pod(FOUND), "spec": {"containers": [{"env": CANARY}]}})
    for number, about in enumerate(("chat", "chat-router-abc", "chat-probe-29", "chatter", "other")):
        api.put(RESOURCES["Event"].path(KEY.namespace, f"e{number}"), event(f"e{number}", about))
    api.put(admin_path(KEY, "p", "state"), {"text": '{"pool": "team/chat"}'})
    api.put(admin_path(KEY, "p", "metrics"), {"text": "poolkeeper_config_generation 3\n"})
    return api


def test_what_is_declared_there_said_and_happened(api: MemoryApi) -> None:
    files, notes = asyncio.run(collect(api, KEY))

    assert notes == []
    assert files.keys() == {
        "pool.yaml",
        "policy.yaml",
        *(f"objects/{kind}.yaml" for kind in CHILD_KINDS),
        "pods.yaml",
        "images.txt",
        "router.json",
        "events.yaml",
        "routers/p/state.json",
        "routers/p/metrics.txt",
        "kubernetes.json",
    }
    assert "https://api.deepseek.com/v1" in files["pool.yaml"]
    assert files["images.txt"] == "router: router:1\n"
    assert files["routers/p/metrics.txt"] == "poolkeeper_config_generation 3\n"


def test_no_secret_is_asked_for_and_no_key_or_strangers_word_is_in_it(api: MemoryApi) -> None:
    files, _ = asyncio.run(collect(api, KEY))

    assert [path for _, path in api.calls if "secrets" in path] == []
    assert [name for name, text in files.items() if CANARY in text] == []
    assert "poolkeeper.dev/paused" in files["pool.yaml"]


def test_only_events_of_the_pool_and_its_children(api: MemoryApi) -> None:
    files, _ = asyncio.run(collect(api, KEY))

    notes = [one["note"] for one in yaml.safe_load(files["events.yaml"])]
    assert notes == ["of chat", "of chat-router-abc", "of chat-probe-29"]


def test_what_may_not_be_seen_is_noted_and_the_rest_is_there(api: MemoryApi) -> None:
    api.refuse("GET", admin_path(KEY, "p", "state"), 403, {"message": "pods/proxy is forbidden"})
    api.refuse("GET", RESOURCES["Event"].path(KEY.namespace), 403, {"message": "events is forbidden"})
    files, notes = asyncio.run(collect(api, KEY))

    assert [note.partition(":")[0] for note in notes] == ["Events", "the routers' own pages (it wants pods"]
    assert {"pool.yaml", "pods.yaml", "router.json"} <= files.keys()
