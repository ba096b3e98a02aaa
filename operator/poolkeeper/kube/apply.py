"""Making a pool's children be as rendered, with a write only where one is needed.

What was applied last is remembered by uid, by what was wanted and by what the API server made of it. As long as all
three still hold there is nothing to do; an edit, a deletion or a re-creation by anybody breaks one of them. The memory
is only thrift: after a restart everything is applied once more, which changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from poolkeeper.errors import Refused, RetryLater
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.json_fields import mapping, text
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import Ref, Seen, Store
from poolkeeper.plan.hashing import digest
from poolkeeper.plan.snapshot import Manifest, PoolKey

GARBAGE_COLLECTION_WAIT_S = 1.0


@dataclass(frozen=True)
class Applied:
    uid: str
    wanted: str
    live: str


class Applier:
    def __init__(self, api: KubeApi, store: Store) -> None:
        self._api = api
        self._store = store
        self._applied: dict[PoolKey, dict[Ref, Applied]] = {}

    async def apply(self, key: PoolKey, uid: str, objects: Sequence[Manifest]) -> None:
        """In the order given. uid: of the pool, which controls every child."""
        applied = self._applied.setdefault(key, {})
        for body in objects:
            if not self._is_as_applied(body, applied):
                await self._write(key, uid, body, applied)
        wanted = {_ref(body) for body in objects}
        for child in self._store.children(key):
            if child.owner_uid == uid and child.ref not in wanted:
                await self._api.delete(child.ref.kind, child.ref.namespace, child.ref.name, child.uid)

    def forget(self, key: PoolKey) -> None:
        self._applied.pop(key, None)

    def _is_as_applied(self, body: Manifest, applied: Mapping[Ref, Applied]) -> bool:
        ref = _ref(body)
        live = self._store.get(ref)
        return live is not None and applied.get(ref) == Applied(live.uid, digest(body), live.digest)

    async def _write(self, key: PoolKey, uid: str, body: Manifest, applied: dict[Ref, Applied]) -> None:
        ref = _ref(body)
        live = await self._live(ref)
        if live is not None:
            _check_ours(live, key, uid)
            # With its uid in it, the write fails rather than hit another object that took the name meanwhile.
            metadata = {**mapping(body, "metadata"), "uid": live.uid}
            answer = await self._api.apply({**body, "metadata": metadata})
        else:
            answer = await self._api.apply(body)
        now = observe(answer)
        self._store.put(now)
        applied[ref] = Applied(now.uid, digest(body), now.digest)

    async def _live(self, ref: Ref) -> Seen | None:
        """The watch shows only what carries our label; an object that stands in the way may not."""
        seen = self._store.get(ref)
        if seen is not None:
            return seen
        answer = await self._api.get(ref.kind, ref.namespace, ref.name)
        return observe(answer) if answer is not None else None


def _ref(body: Manifest) -> Ref:
    return Ref(text(body, "kind"), text(body, "metadata", "namespace"), text(body, "metadata", "name"))


def _check_ours(live: Seen, key: PoolKey, uid: str) -> None:
    if live.owner_uid == uid:
        return
    if live.owner == f"EndpointPool {key.name}":
        raise RetryLater(f"{live.ref} still belongs to a deleted pool of this name", after_s=GARBAGE_COLLECTION_WAIT_S)
    whose = f"is controlled by {live.owner}" if live.owner else "is controlled by nobody"
    raise Refused(
        f"{live.ref} exists already and {whose}, not by this pool: delete or rename it, or rename the pool",
        reason="ApplyConflict",
    )
