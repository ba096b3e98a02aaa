"""What a person has no permission to read is named, and the rest is shown."""

import asyncio

import pytest

from poolkeeper.errors import Refused
from poolkeeper.kube.client import RESOURCES
from poolkeeper.kube.pool_details import Insight, admin_path, candidates, logs, look
from unit.kube.memory_api import MemoryApi
from unit.kube.test_observe import FOUND, probe_pod
from unit.kube.things import KEY, pod

POOL = {
    "metadata": {"name": KEY.name, "namespace": KEY.namespace},
    "spec": {"endpoints": [{"name": "a", "credentialsRef": {"name": "s", "key": "k"}}, {"name": "own"}]},
}
STATE = {"pool": "team/chat", "endpoints": [{"name": "a", "health": "Healthy"}], "somethingNew": 1}


def cluster() -> MemoryApi:
    api = MemoryApi()
    api.put(RESOURCES["EndpointPool"].path(KEY.namespace, KEY.name), POOL)
    api.put(RESOURCES["Pod"].path(KEY.namespace, "p"), probe_pod(FOUND))
    api.put(admin_path(KEY, "p", "state"), STATE)
    return api


def looked(api: MemoryApi) -> Insight:
    return asyncio.run(look(api, KEY))


def test_keys_come_from_the_spec_and_the_result_from_the_probes_pod() -> None:
    found = looked(cluster())

    assert found.keys == {"a": ("Secret s, key k",)}
    assert found.result is not None
    assert found.notes == []


def test_routers_are_asked_through_the_api_server() -> None:
    assert admin_path(KEY, "p", "state") == "/api/v1/namespaces/team/pods/p%3A9180/proxy/state"
    assert looked(cluster()).routers["p"].endpoints[0].name == "a"


def test_what_may_not_be_looked_at_is_reported() -> None:
    api = cluster()
    api.refuse("GET", admin_path(KEY, "p", "state"), 403, {"message": "pods/proxy is forbidden"})
    found = looked(api)

    assert found.routers == {}
    assert found.result is not None
    assert "wants pods: list, pods/proxy: get" in found.notes[0]
    assert "forbidden" in found.notes[0]


def test_a_pool_without_pods_is_no_fault() -> None:
    found = looked(MemoryApi())

    assert (found.keys, found.routers, found.result, found.notes) == ({}, {}, None, [])


def test_each_router_is_asked_which_endpoints_a_request_would_find() -> None:
    api = cluster()
    api.put(admin_path(KEY, "p", "candidates"), {"text": '{"endpoints": []}'})
    query = {"model": "deepseek/r1 8b"}

    assert asyncio.run(candidates(api, KEY, query)) == {"p": '{"endpoints": []}'}
    assert asyncio.run(candidates(MemoryApi(), KEY, query)) == {}


def test_a_router_whose_log_cannot_be_read_hides_no_other_and_none_at_all_is_an_error() -> None:
    api = MemoryApi()
    paths = {name: RESOURCES["Pod"].path(KEY.namespace, name, "log") for name in ("p", "q")}
    for name, path in paths.items():
        api.put(RESOURCES["Pod"].path(KEY.namespace, name), pod(name))
        api.put(path, {"text": f"line of {name}"})
    api.refuse("GET", paths["q"], 400, {"message": "container router is waiting to start"})
    assert asyncio.run(logs(api, KEY)) == {"p": "line of p"}

    api.refuse("GET", paths["p"], 403, {"message": "pods/log is forbidden"})
    with pytest.raises(Refused, match="40"):
        asyncio.run(logs(api, KEY))
