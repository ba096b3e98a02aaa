"""What the administrator gives to the objects of all pools."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from factories import OFFICIAL, SETTINGS, document, pool, snapshot
from poolkeeper.api.installation import Children, Installation
from poolkeeper.plan.probe import probe_doc
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.desired import desired

PROBED = pool([OFFICIAL], probe={"schedule": "@hourly"})
OWN = {"poolkeeper.dev/pool": "stolen", "app.kubernetes.io/name": "stolen"}


def objects(children: Mapping[str, object], of: Any = PROBED) -> tuple[Manifest, ...]:
    wished = Installation.read({"children": children}).children
    seen: Snapshot = replace(snapshot(of), settings=replace(SETTINGS, children=wished))
    made = document(seen)
    return desired(seen, made, probe_doc(seen, of.spec, made.endpoints, None))


def metadata(part: Any) -> Iterator[dict[str, Any]]:
    """Of an object and of everything in it that has its own."""
    if isinstance(part, dict):
        if isinstance(part.get("metadata"), dict):
            yield part["metadata"]
        for inner in part.values():
            yield from metadata(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from metadata(inner)


def pods(of: tuple[Manifest, ...]) -> list[dict[str, Any]]:
    found: Any = {str(one["kind"]): one for one in of}
    return [
        found["Deployment"]["spec"]["template"]["spec"],
        found["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"],
    ]


def test_labels_and_annotations_are_on_every_object_and_every_pod() -> None:
    made = objects({"labels": {"team": "chat", **OWN}, "annotations": {"example.com/cost": "7", **OWN}})

    every = [found for one in made for found in metadata(one)]
    assert len(every) == len(made) + 3  # and the Pods of the Deployment, the Job and its Pod
    for found in every:
        assert found["labels"]["team"] == "chat"
        assert found["annotations"]["example.com/cost"] == "7"
        assert found["labels"]["poolkeeper.dev/pool"] == "chat"
        assert found["labels"]["app.kubernetes.io/name"] != "stolen"
        assert "poolkeeper.dev/pool" not in found["annotations"]


def test_what_the_pool_says_goes_before_it() -> None:
    of = pool(
        [OFFICIAL],
        probe={},
        router={"template": {"labels": {"team": "own"}}, "service": {"labels": {"team": "own"}}},
    )
    made = {str(one["kind"]): one for one in objects({"labels": {"team": "all"}}, of)}

    labelled: Any = (made["Service"]["metadata"], made["Deployment"]["spec"])
    assert labelled[0]["labels"]["team"] == labelled[1]["template"]["metadata"]["labels"]["team"] == "own"


@pytest.mark.parametrize("fixed", [True, False])
def test_the_user_may_be_left_to_the_cluster(fixed: bool) -> None:
    for spec in pods(objects({"fixedUser": fixed})):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert ({"runAsUser", "runAsGroup", "fsGroup"} <= spec["securityContext"].keys()) is fixed


def test_secrets_to_pull_by_are_on_every_pod_and_nowhere_without() -> None:
    assert all(
        spec["imagePullSecrets"] == [{"name": "x"}] for spec in pods(objects({"imagePullSecrets": [{"name": "x"}]}))
    )
    assert all("imagePullSecrets" not in spec for spec in pods(objects({})))


def test_resources_are_the_pool_s_or_the_installation_s() -> None:
    given = {"routerResources": {"limits": {"cpu": "3"}}, "probeResources": {"limits": {"cpu": "2"}}}
    of = pool([OFFICIAL], probe={"resources": {"limits": {"cpu": "1"}}})

    assert [spec["containers"][0]["resources"] for spec in pods(objects(given))] == [
        {"limits": {"cpu": "3"}},
        {"limits": {"cpu": "2"}},
    ]
    assert pods(objects(given, of))[1]["containers"][0]["resources"] == {"limits": {"cpu": "1"}}
    assert Children().probe_resources.limits
