"""A snapshot holds what is declared, what it refers to and what is there; and no Secret is ever asked for."""

import asyncio

from poolkeeper.kube.gather import gather
from poolkeeper.kube.json_fields import Json, mapping
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Store
from poolkeeper.plan.snapshot import PoolKey, Settings, Snapshot
from unit.kube.memory_api import MemoryApi
from unit.kube.things import KEY, chain, child, owner, pod, policy, pool

SETTINGS = Settings(router_image="router:1")
CONFIGMAPS = "/api/v1/namespaces/team/configmaps"
SERVICES = "/api/v1/namespaces/team/services"


class Bed:
    def __init__(self) -> None:
        self.api = MemoryApi()
        self.store = Store()

    def see(self, *objects: Json) -> None:
        for body in objects:
            self.store.put(observe(body))

    def gather(self, key: PoolKey = KEY) -> Snapshot:
        snapshot = asyncio.run(gather(self.api, self.store, SETTINGS, key))
        assert snapshot is not None
        return snapshot


def with_endpoint(**fields: object) -> Json:
    body = pool()
    endpoint: Json = {"name": "own", "provider": "VLLM", **fields}
    body["spec"] = {**mapping(body, "spec"), "endpoints": [endpoint]}
    return body


def test_a_pool_that_is_gone_gives_nothing() -> None:
    assert asyncio.run(gather(MemoryApi(), Store(), SETTINGS, KEY)) is None


def test_the_policy_in_force_comes_with_its_generation() -> None:
    bed = Bed()
    bed.see(pool(policy="standard"), policy("standard"))

    snapshot = bed.gather()

    assert snapshot.policy is not None
    assert snapshot.policy_generation == 1


def test_a_policy_that_does_not_parse_comes_with_its_problems() -> None:
    bed = Bed()
    bed.see(pool(policy="standard"), {**policy("standard"), "spec": {"retry": {"maxAttempts": -1}}})

    snapshot = bed.gather()

    assert snapshot.policy is None
    assert snapshot.policy_problems
    assert snapshot.policy_generation == 0


def test_only_referenced_services_that_exist_are_in_it() -> None:
    bed = Bed()
    bed.see(with_endpoint(serviceRef={"name": "vllm", "port": 8000}))
    assert bed.gather().services == frozenset()

    bed.api.put(f"{SERVICES}/vllm", {"kind": "Service", "metadata": {"name": "vllm"}})

    assert bed.gather().services == {"vllm"}


def test_a_changed_authority_changes_the_digest_and_nothing_else_does() -> None:
    bed = Bed()
    bed.see(with_endpoint(url="https://vllm.example/v1", tls={"caRef": {"name": "ca", "key": "ca.crt"}}))
    bed.api.put(f"{CONFIGMAPS}/ca", {"data": {"ca.crt": "one", "other": "x"}, "metadata": {}})
    first = bed.gather()
    bed.api.put(f"{CONFIGMAPS}/ca", {"data": {"ca.crt": "one", "other": "y"}, "metadata": {}})
    same = bed.gather()
    bed.api.put(f"{CONFIGMAPS}/ca", {"data": {"ca.crt": "two", "other": "y"}, "metadata": {}})
    other = bed.gather()

    assert first.config_maps == {"ca": {"ca.crt", "other"}}
    assert first.ca_digest == same.ca_digest != other.ca_digest


def test_what_is_there_is_reported_as_it_is() -> None:
    bed = Bed()
    document = child()
    annotations = {"poolkeeper.dev/config-generation": "4", "poolkeeper.dev/config-hash": "abc"}
    document["metadata"] = {**mapping(document, "metadata"), "annotations": annotations}
    bed.see(pool(), document, child("Service", spec={"ports": [{"port": 80}]}), pod(), *chain())

    live = bed.gather().live

    assert (live.document_generation, live.document_hash) == (4, "abc")
    assert live.address == "http://chat-router.team.svc.cluster.local/v1"
    assert [found.name for found in live.pods] == ["chat-router-1"]
    assert live.deployment is not None


def test_a_child_of_a_former_pool_of_this_name_is_not_ours() -> None:
    bed = Bed()
    document = child()
    document["metadata"] = {**mapping(document, "metadata"), "ownerReferences": [owner(uid="former")]}
    bed.see(pool(), document)

    assert bed.gather().live.document_generation == 0


def test_no_secret_is_ever_asked_for() -> None:
    bed = Bed()
    bed.see(with_endpoint(url="https://vllm.example/v1", credentialsRef={"name": "vllm", "key": "api-key"}))

    bed.gather()

    assert not any("secrets" in path for _, path in bed.api.calls)


HOLIDAYS = [{"name": "cn", "configMapRef": {"name": "holidays", "key": "cn"}}]


def with_calendar() -> Json:
    body = with_endpoint(url="http://own.example.com/v1")
    return {**body, "spec": {**mapping(body, "spec"), "calendars": HOLIDAYS}}


def test_calendars_come_with_the_text_of_their_config_map() -> None:
    bed = Bed()
    bed.see(with_calendar())
    bed.api.put(f"{CONFIGMAPS}/holidays", {"data": {"cn": "2027-02-06", "de": "2027-05-01"}})

    assert bed.gather().calendars == {"cn": "2027-02-06"}


def test_a_calendar_without_its_config_map_or_its_key_has_no_text() -> None:
    bed = Bed()
    bed.see(with_calendar())
    assert bed.gather().calendars == {}

    bed.api.put(f"{CONFIGMAPS}/holidays", {"data": {"de": "2027-05-01"}})
    assert bed.gather().calendars == {}
