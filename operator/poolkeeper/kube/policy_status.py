"""A FailoverPolicy's status, written when it means something new."""

from datetime import datetime

from poolkeeper.api.base import API_VERSION
from poolkeeper.errors import Absent
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Ref, Store
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.status.policy_status import evaluate_policy


async def publish_policy(api: KubeApi, store: Store, key: PoolKey, now: datetime) -> bool:
    """False when there is no such policy."""
    found = store.policy(key)
    if found is None:
        return False
    seen, declared = found
    policy, problems = declared.read()
    before = declared.status
    bound = len(store.pools_using(key))
    status = evaluate_policy(policy, problems, declared.generation, bound, before, now)
    if status != before:
        body = {
            "apiVersion": API_VERSION,
            "kind": "FailoverPolicy",
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": seen.uid},
            "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
        }
        try:
            answer = await api.apply(body, subresource="status")
        except Absent:  # its end was not reported to us
            store.drop(Ref("FailoverPolicy", key.namespace, key.name), seen.uid)
            return False
        store.wrote(observe(answer))
    return True
