"""A probe out of turn is a Job like those of the CronJob, and its result is found in its Pod."""

import asyncio

import pytest

from poolkeeper.errors import UserError
from poolkeeper.kube.client import RESOURCES
from poolkeeper.kube.json_fields import Json, mapping, text
from poolkeeper.kube.probe_job import found, start
from unit.kube.memory_api import MemoryApi
from unit.kube.test_observe import FOUND, probe_pod
from unit.kube.things import KEY

TEMPLATE: Json = {"metadata": {"labels": {"poolkeeper.dev/pool": "chat"}}, "spec": {"backoffLimit": 0}}
CRONJOB: Json = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "chat-probe", "namespace": KEY.namespace, "uid": "uid-of-cronjob"},
    "spec": {"jobTemplate": TEMPLATE},
}


def test_a_job_is_made_from_the_cronjob_and_belongs_to_it() -> None:
    api = MemoryApi()
    api.put(RESOURCES["CronJob"].path(KEY.namespace, "chat-probe"), CRONJOB)
    name = asyncio.run(start(api, KEY, "1a2b3c"))

    made = api.objects[RESOURCES["Job"].path(KEY.namespace, name)]
    assert name == "chat-probe-now-1a2b3c"
    assert mapping(made, "spec") == TEMPLATE["spec"]
    assert mapping(made, "metadata", "labels") == {"poolkeeper.dev/pool": "chat"}
    owners = mapping(made, "metadata")["ownerReferences"]
    assert isinstance(owners, list)
    assert (text(owners[0], "kind"), text(owners[0], "uid")) == ("CronJob", "uid-of-cronjob")


def test_a_pool_without_a_probe_is_reported_as_such() -> None:
    with pytest.raises(UserError, match=r"no CronJob team/chat-probe: EndpointPool team/chat has no spec\.probe"):
        asyncio.run(start(MemoryApi(), KEY, "1a2b3c"))


@pytest.mark.parametrize(("message", "want"), [(FOUND, True), ("", False)], ids=["finished", "running"])
def test_the_result_is_in_the_jobs_pod(message: str, want: bool) -> None:
    api = MemoryApi()
    api.put(RESOURCES["Pod"].path("team", "p"), probe_pod(message))

    assert (asyncio.run(found(api, KEY, "chat-probe-29123")) is not None) is want


def test_a_pod_that_ended_and_says_nothing_is_not_waited_for() -> None:
    """Killed for its memory, say, or unable to read its document."""
    api = MemoryApi()
    api.put(RESOURCES["Pod"].path("team", "p"), {**probe_pod(""), "status": {"phase": "Failed"}})

    with pytest.raises(UserError, match=r"Job team/chat-probe-29123 ended without a result; .*logs job"):
        asyncio.run(found(api, KEY, "chat-probe-29123"))
