"""The probe: a Pod now and then that asks every endpoint and ends. It has no token and asks the API server for nothing.

What it found is its termination message, which the operator reads from the Pod: so the last finished Pod is kept, and
it exits with 0 whatever it found, because a failed CronJob is a matter for the person who runs the cluster.
"""

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.pool_spec import Probe
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.metadata import PROBE_CONTAINER, child_labels, metadata
from poolkeeper.render.scheduling import placement
from poolkeeper.render.security import CONTAINER_SECURITY, POD_SECURITY
from poolkeeper.render.volumes import mounts, probe_volumes

MESSAGE_FILE = "/dev/termination-log"
DEADLINE_S = 600
"""Longer than the prober gives itself (prober/run.py), for a slow start of the Pod."""
LATEST_START_S = 120
"""A run that could not start in time is left out: the next is as good."""
KEPT_S = 86400
"""The operator may be away for a day and still read the last result."""
HISTORY = 1
RESOURCES = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "192Mi"}}

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
                "metadata": {"labels": child_labels(snapshot.key, "probe")},
                "spec": {
                    "backoffLimit": 0,
                    "activeDeadlineSeconds": DEADLINE_S,
                    "ttlSecondsAfterFinished": KEPT_S,
                    "template": {
                        "metadata": {"labels": child_labels(snapshot.key, "probe")},
                        "spec": _pod_spec(snapshot, pool),
                    },
                },
            },
        },
    }


def _pod_spec(snapshot: Snapshot, pool: EndpointPool) -> Part:
    found = probe_volumes(snapshot.key, pool.spec)
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": POD_SECURITY,
        "containers": [
            {
                "name": PROBE_CONTAINER,
                "image": snapshot.settings.probe_image,
                "imagePullPolicy": snapshot.settings.image_pull_policy,
                "args": ["probe", "--message-file", MESSAGE_FILE],
                "terminationMessagePath": MESSAGE_FILE,
                "resources": RESOURCES,
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": mounts(found),
            }
        ],
        "volumes": found,
        **placement(pool.spec.router.template),
    }
