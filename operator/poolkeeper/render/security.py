"""What Pod security "restricted" asks of a Pod, the same for all of ours."""

from collections.abc import Mapping

from poolkeeper.plan.snapshot import Snapshot

UID = 65532

CONTAINER_SECURITY: Mapping[str, object] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def pod_security(snapshot: Snapshot) -> Mapping[str, object]:
    """fsGroup: so that mounted keys, which only their group may read, can be. Where the user is not fixed, the cluster
    sets both (OpenShift: from the namespace's range)."""
    user = {"runAsUser": UID, "runAsGroup": UID, "fsGroup": UID} if snapshot.settings.children.fixed_user else {}
    return {"runAsNonRoot": True, **user, "seccompProfile": {"type": "RuntimeDefault"}}


def pull_secrets(snapshot: Snapshot) -> Mapping[str, object]:
    """Left out where there are none, so that others may own the field."""
    given = snapshot.settings.children.image_pull_secrets
    return {"imagePullSecrets": [{"name": str(one.name)} for one in given]} if given else {}
