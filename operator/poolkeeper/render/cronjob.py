"""The probe: a Pod now and then that asks every endpoint and ends. It has no token and asks the API server for nothing.

What it found is its termination message, which the operator reads from the Pod: so the last finished Pod is kept, and
it exits with 0 whatever it found, because a failed CronJob is a matter for the person who runs the cluster.
"""

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.pool_spec import Probe
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.metadata import PROBE_CONTAINER, metadata, pod_metadata
from poolkeeper.render.resources import probe_resources_of
from poolkeeper.render.scheduling import placement
from poolkeeper.render.security import CONTAINER_SECURITY, pod_security, pull_secrets
from poolkeeper.render.volumes import mounts, probe_volumes

MESSAGE_FILE = "/dev/termination-log"
DEADLINE_S = 600
"""Longer than the prober gives itself (prober/run.py), for a slow start of the Pod."""
LATEST_START_S = 120
"""A run that could not start in time is left out: the next is as good."""
KEPT_S = 86400
"""The operator may be away for a day and still read the last result."""
HISTORY = 1

Part = dict[str, object]


def cronjob(snapshot: Snapshot, pool: EndpointPool, probe: Probe) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(snapshot, component="probe"),
        "spec": {
            "schedule": probe.schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": LATEST_START_S,
            "suspend": probe.suspend,
            "successfulJobsHistoryLimit": HISTORY,
            "failedJobsHistoryLimit": HISTORY,
            "jobTemplate": {
                "metadata": pod_metadata(snapshot, "probe", {}, {}),
                "spec": {
                    "backoffLimit": 0,
                    "activeDeadlineSeconds": DEADLINE_S,
                    "ttlSecondsAfterFinished": KEPT_S,
                    "template": {
                        "metadata": pod_metadata(snapshot, "probe", {}, {}),
                        "spec": _pod_spec(snapshot, pool, probe),
                    },
                },
            },
        },
    }


def _pod_spec(snapshot: Snapshot, pool: EndpointPool, probe: Probe) -> Part:
    found = probe_volumes(snapshot.key, pool.spec)
    resources = probe_resources_of(snapshot, probe)
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(snapshot),
        **pull_secrets(snapshot),
        "containers": [
            {
                "name": PROBE_CONTAINER,
                "image": snapshot.settings.probe_image,
                "imagePullPolicy": snapshot.settings.image_pull_policy,
                "args": ["probe", "--message-file", MESSAGE_FILE],
                "terminationMessagePath": MESSAGE_FILE,
                "resources": resources.model_dump(mode="json", by_alias=True, exclude_defaults=True),
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": mounts(found),
            }
        ],
        "volumes": found,
        **placement(pool.spec.router.template),
    }
