"""From what a list or a watch says to whose turn it is: the store is brought up to date, and the pools and policies
concerned are looked at again. What changes nothing concerns nobody.

Events are hints that may be lost; a list is the truth of its moment. What is known and older than the list, and not in
it, is gone.
"""

from collections.abc import Callable

from poolkeeper.handlers.watch.answers import Listed, Place
from poolkeeper.kube.json_fields import Json
from poolkeeper.kube.observe import observe
from poolkeeper.kube.store import DeclaredPool, Ref, Seen, Store
from poolkeeper.plan.snapshot import PoolKey

POOL = "EndpointPool"
POLICY = "FailoverPolicy"


class Inbox:
    """tell: gets the key to reconcile. has_listed: called for each list once the store has it."""

    def __init__(
        self, store: Store, tell: Callable[[Ref], None], has_listed: Callable[[Place], None] = lambda place: None
    ) -> None:
        self._store = store
        self._tell = tell
        self._has_listed = has_listed

    def listed(self, place: Place, found: Listed) -> None:
        concerned: set[Ref] = set()
        there: set[Ref] = set()
        for seen in found.seen:
            there.add(seen.ref)
            concerned |= self._put(seen)
        for ref, version in self._store.versions(place.kind).items():
            if ref not in there and version <= found.version and place.namespace in ("", ref.namespace):
                concerned |= self._drop(ref)
        self._tell_all(concerned)
        self._has_listed(place)

    def changed(self, seen: Seen, gone: bool) -> None:
        self._tell_all(self._drop(seen.ref, seen.uid) if gone else self._put(seen))

    def missed(self, ref: Ref, uid: str, body: Json | None) -> None:
        """What the sweep found: how the object is, or that there is none. uid: of the one that was known."""
        if body is not None:
            self.changed(observe({**body, "kind": ref.kind}), gone=False)
        else:
            self._tell_all(self._drop(ref, uid))

    def _put(self, seen: Seen) -> set[Ref]:
        before = self._store.get(seen.ref)
        return self._concerned(before) | self._concerned(seen) if self._store.put(seen) else set()

    def _drop(self, ref: Ref, uid: str = "") -> set[Ref]:
        """Asked before it is dropped: what lost our label is gone for us too, and no longer says whose it was."""
        before = self._store.get(ref)
        return self._concerned(before) if self._store.drop(ref, uid) else set()

    def _tell_all(self, concerned: set[Ref]) -> None:
        for ref in sorted(concerned):
            self._tell(ref)

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
    return {Ref(POLICY, namespace, declared.policy)} if declared.policy else set()
