"""From what a watch tells to whose turn it is: the store is brought up to date, and the pools and policies concerned
are told to be looked at again. An event that changes nothing concerns nobody.
"""

from collections.abc import Callable, Mapping

from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import DeclaredPool, Ref, Seen, Store
from poolkeeper.plan.snapshot import PoolKey

POOL = "EndpointPool"
POLICY = "FailoverPolicy"


class Inbox:
    """tell: whose turn it is."""

    def __init__(self, store: Store, tell: Callable[[Ref], None]) -> None:
        self._store = store
        self._tell = tell
        self._news: dict[Ref, set[Ref]] = {}

    def found(self, kind: str, body: Mapping[str, object]) -> None:
        seen = observe({**body, "kind": kind})
        before = self._store.get(seen.ref)
        if self._store.put(seen):
            self._news.setdefault(seen.ref, set()).update(self._concerned(before), self._concerned(seen))

    def changed(self, kind: str, body: Mapping[str, object], gone: bool) -> None:
        seen = observe({**body, "kind": kind})
        concerned = self._news.pop(seen.ref, set())
        before = self._store.get(seen.ref)  # what lost our label is gone for us too, and no longer says whose it was
        if gone and self._store.drop(seen.ref, seen.uid):
            concerned |= self._concerned(before)
        for ref in sorted(concerned):
            self._tell(ref)

    def missed(self, ref: Ref, body: Mapping[str, object] | None) -> None:
        """What the sweep found out: this is how the object is, or that there is none."""
        if body is not None:
            self.found(ref.kind, body)
            self.changed(ref.kind, body, gone=False)
            return
        before = self._store.get(ref)
        self._store.drop(ref)
        for concerned in sorted(self._concerned(before)):
            self._tell(concerned)

    def _concerned(self, seen: Seen | None) -> set[Ref]:
        if seen is None:
            return set()
        if isinstance(seen.fact, DeclaredPool):
            return {seen.ref} | _policies(seen.ref.namespace, seen.fact)
        if seen.ref.kind == POLICY:
            using = self._store.pools_using(PoolKey(seen.ref.namespace, seen.ref.name))
            return {seen.ref} | {Ref(POOL, key.namespace, key.name) for key in using}
        return {Ref(POOL, seen.pool.namespace, seen.pool.name)} if seen.pool else set()


def _policies(namespace: str, declared: DeclaredPool) -> set[Ref]:
    """A policy says how many pools use it."""
    reference = declared.pool.spec.failover_policy_ref if declared.pool else None
    return {Ref(POLICY, namespace, reference.name)} if reference else set()
