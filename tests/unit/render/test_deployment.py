"""The router's Pods: what is asked for is in them, what must not change about them does not."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from factories import LOCAL, OFFICIAL, document, endpoint, policy, pool, snapshot
from poolkeeper.api import labels
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.router_spec import Resources
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.render.deployment import MAX_GRACE_S, grace_s
from poolkeeper.render.desired import desired
from poolkeeper.render.resources import workers


def at(tree: object, *path: str | int) -> object:
    for step in path:
        if isinstance(step, int):
            assert isinstance(tree, list)
            tree = tree[step]
        else:
            assert isinstance(tree, Mapping)
            tree = tree[step]
    return tree


def deployment(of: Snapshot) -> object:
    return next(one for one in desired(of, document(of)) if one["kind"] == "Deployment")


def pod(given: EndpointPool | Snapshot, *path: str | int) -> object:
    of = given if isinstance(given, Snapshot) else snapshot(given)
    return at(deployment(of), "spec", "template", *path)


def volume(given: EndpointPool, name: str) -> object:
    volumes = pod(given, "spec", "volumes")
    assert isinstance(volumes, list)
    return next((one for one in volumes if one["name"] == name), None)


def test_keys_are_optional_files_named_after_their_endpoints() -> None:
    found = volume(
        pool([OFFICIAL, endpoint("backup", credentialsRef={"name": "deepseek", "key": "other"}), LOCAL]), "credentials"
    )

    assert at(found, "projected", "defaultMode") == 0o440
    assert at(found, "projected", "sources") == [
        {"secret": {"name": "deepseek", "optional": True, "items": [{"key": "other", "path": "backup"}]}},
        {"secret": {"name": "deepseek", "optional": True, "items": [{"key": "api-key", "path": "official"}]}},
    ]


def test_a_pool_without_keys_mounts_none() -> None:
    assert volume(pool([LOCAL]), "credentials") is None


def test_client_keys_are_mounted_when_they_are_asked_for() -> None:
    clients = [{"name": "web", "keyRef": {"name": "clients", "key": "web"}}]

    assert volume(pool(access={"mode": "Open", "clients": clients}), "clients") is None
    assert at(volume(pool(access={"mode": "Keys", "clients": clients}), "clients"), "projected", "sources") == [
        {"secret": {"name": "clients", "optional": True, "items": [{"key": "web", "path": "web"}]}}
    ]


def test_the_document_and_the_mounted_files_go_by_the_same_names() -> None:
    ca = {"caRef": {"name": "ca", "key": "root.pem"}}
    given = pool([OFFICIAL | {"tls": ca}])
    found = document(snapshot(given)).endpoints[0]
    assert found.credential is not None
    assert found.tls is not None

    assert (
        at(volume(given, "credentials"), "projected", "sources", 0, "secret", "items", 0, "path")
        == found.credential.file
    )
    assert at(volume(given, "ca"), "projected", "sources", 0, "configMap", "items", 0, "path") == found.tls.ca_file


RESTARTS: dict[str, tuple[Snapshot, bool]] = {
    "another model does not": (snapshot(pool(models=["other"])), False),
    "another weight does not": (snapshot(pool([OFFICIAL | {"weight": 7}, LOCAL])), False),
    "another first-token time-out does not": (replace(snapshot(), policy=policy(timeouts={"firstToken": "7s"})), False),
    "fine tuning of the request time-out does not": (
        replace(snapshot(), policy=policy(timeouts={"request": "601s"})),
        False,
    ),
    "a newer generation does not": (replace(snapshot(), generation=9), False),
    "another authority does": (replace(snapshot(), ca_digest="abc"), True),
    "another key to mount does": (
        snapshot(pool([OFFICIAL | {"credentialsRef": {"name": "x", "key": "y"}}, LOCAL])),
        True,
    ),
    "another image does": (replace(snapshot(), settings=replace(snapshot().settings, router_image="new")), True),
}


@pytest.mark.parametrize(("changed", "want_restart"), RESTARTS.values(), ids=RESTARTS.keys())
def test_pods_are_replaced_only_for_what_a_router_cannot_take_over(changed: Snapshot, want_restart: bool) -> None:
    assert (pod(changed) != pod(snapshot())) is want_restart


GRACE = {
    "the default": (600_000, 660),
    "a short one": (30_000, 60),
    "a long one": (3_600_000, MAX_GRACE_S),
    "none": (0, MAX_GRACE_S),
}


@pytest.mark.parametrize(("request_ms", "want_s"), GRACE.values(), ids=GRACE.keys())
def test_a_pod_ends_after_its_longest_request(request_ms: int, want_s: int) -> None:
    assert grace_s(request_ms) == want_s


def test_a_pod_drains_before_it_ends_and_within_its_grace_period() -> None:
    short = replace(snapshot(), policy=policy(timeouts={"request": "30s"}))

    assert pod(short, "spec", "terminationGracePeriodSeconds") == 60
    assert pod(short, "spec", "containers", 0, "lifecycle", "preStop") == {
        "httpGet": {"path": "/drain?settle=5&idle=10&limit=50", "port": "admin"}
    }


WORKERS: dict[str, tuple[dict[str, dict[str, str]], int]] = {
    "nothing said": ({}, 1),
    "a part of a CPU": ({"requests": {"cpu": "250m"}}, 1),
    "more than one": ({"requests": {"cpu": "1500m"}}, 2),
    "the limit counts": ({"requests": {"cpu": "1"}, "limits": {"cpu": "4"}}, 4),
    "memory says nothing": ({"limits": {"memory": "1Gi"}}, 1),
}


@pytest.mark.parametrize(("given", "want"), WORKERS.values(), ids=WORKERS.keys())
def test_workers(given: dict[str, dict[str, str]], want: int) -> None:
    assert workers(Resources.model_validate(given)) == want


class TestTemplate:
    def test_what_is_allowed_gets_into_the_pods(self) -> None:
        template = {
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}],
            "priorityClassName": "high",
            "affinity": {"nodeAffinity": {}},
            "annotations": {"example.com/scrape": "yes"},
            "labels": {"team": "llm"},
        }
        given = pool(router={"template": template})

        assert pod(given, "spec", "nodeSelector") == {"disk": "ssd"}
        assert pod(given, "spec", "tolerations") == [{"key": "gpu", "operator": "Exists"}]
        assert pod(given, "spec", "priorityClassName") == "high"
        assert pod(given, "spec", "affinity") == {"nodeAffinity": {}}
        assert pod(given, "metadata", "annotations") == {"example.com/scrape": "yes"}
        assert at(pod(given, "metadata", "labels"), "team") == "llm"

    def test_ours_win(self) -> None:
        given = replace(snapshot(), ca_digest="abc")

        assert pod(given, "metadata", "annotations", labels.CONFIG_HASH) == "abc"
        assert pod(given, "metadata", "labels", labels.POOL) == "chat"

    def test_a_spread_of_its_own_replaces_ours(self) -> None:
        zones = [{"topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}]
        given = pool(router={"template": {"topologySpread": zones}})

        assert pod(given, "spec", "topologySpreadConstraints") == [
            {
                "topologyKey": "topology.kubernetes.io/zone",
                "maxSkew": 1,
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {labels.POOL: "chat", labels.COMPONENT: "router"}},
            }
        ]


def test_children_carry_our_labels_only_and_their_owner() -> None:
    of = snapshot()
    for child in desired(of, document(of)):
        owner = at(child, "metadata", "ownerReferences", 0)

        assert at(owner, "uid") == of.uid
        assert (at(owner, "controller"), at(owner, "blockOwnerDeletion")) == (True, False)
        assert at(child, "metadata", "labels") == {
            labels.POOL: "chat",
            labels.COMPONENT: "router",
            labels.NAME: "poolkeeper-router",
            labels.PART_OF: "poolkeeper",
            labels.MANAGED_BY: "poolkeeper",
        }
