"""A run of the probe out of turn: a Job made from the pool's CronJob, as `kubectl create job --from` makes it.

It is the person's doing, by the person's permissions; the operator finds the result as it finds every other.
"""

from collections.abc import Mapping

from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.errors import UserError
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.json_fields import Json, mapping, text
from poolkeeper.kube.observe import observe
from poolkeeper.plan.child_names import child_name
from poolkeeper.plan.snapshot import PoolKey

JOB_LABEL = "batch.kubernetes.io/job-name"
OVER = ("Succeeded", "Failed")


async def start(api: KubeApi, key: PoolKey, suffix: str) -> str:
    """The Job's name. suffix: makes it unique."""
    name = child_name(key, "probe")
    cronjob = await api.get("CronJob", key.namespace, name)
    if cronjob is None:
        raise UserError(
            f"there is no CronJob {key.namespace}/{name}: EndpointPool {key} has no spec.probe, or does not exist"
        )
    job = f"{name}-now-{suffix}"
    await api.create(_job(cronjob, key.namespace, job))
    return job


async def found(api: KubeApi, key: PoolKey, job: str) -> ProbeResult | None:
    """What it found; None while it has not finished. A Pod that ended and says nothing never will."""
    for pod in await api.list_metadata("Pod", key.namespace, f"{JOB_LABEL}={job}"):
        body = await api.get("Pod", key.namespace, text(pod, "metadata", "name"))
        fact = observe({**body, "kind": "Pod"}).fact if body else None
        if isinstance(fact, ProbeResult):
            return fact
        if text(body, "status", "phase") in OVER:
            logs = f"kubectl -n {key.namespace} logs job/{job}"
            raise UserError(f"Job {key.namespace}/{job} ended without a result; see why: {logs}")
    return None


def _job(cronjob: Json, namespace: str, name: str) -> Mapping[str, object]:
    template = mapping(cronjob, "spec", "jobTemplate")
    owner = {
        "apiVersion": text(cronjob, "apiVersion"),
        "kind": "CronJob",
        "name": text(cronjob, "metadata", "name"),
        "uid": text(cronjob, "metadata", "uid"),
        "controller": True,
    }
    metadata = {
        **mapping(template, "metadata"),
        "name": name,
        "namespace": namespace,
        "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
        "ownerReferences": [owner],
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": mapping(template, "spec")}
