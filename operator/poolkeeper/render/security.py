"""What Pod security "restricted" asks of a Pod, the same for all of ours."""

from collections.abc import Mapping

UID = 65532

POD_SECURITY: Mapping[str, object] = {
    "runAsNonRoot": True,
    "runAsUser": UID,
    "runAsGroup": UID,
    "fsGroup": UID,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""fsGroup: so that mounted keys, which only their group may read, can be."""

CONTAINER_SECURITY: Mapping[str, object] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
