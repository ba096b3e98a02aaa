"""Making a pool's children be as rendered, with a write only where one is needed.

A child whose fields of ours are as wanted (owned) needs nothing; that holds after a restart, too, and for what others
did meanwhile. Where the API server writes a value otherwise than we do, they never are. So what was applied last is
remembered: by uid, by what was wanted and by what the API server made of it. As long as all three hold there is nothing
to do.

A child that is refused keeps none of the others from being applied.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from poolkeeper.api.labels import TEMPLATE_HASH
from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.errors import Absent, Refused, RetryLater
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.contest import MANY, PACE_S, Contest, others
from poolkeeper.kube.json_fields import find, mapping, rows, text, texts
from poolkeeper.kube.observe import observe
from poolkeeper.kube.owned import wanted_digest
from poolkeeper.kube.packed import Packed
from poolkeeper.kube.rollouts import Rollouts
from poolkeeper.kube.store import Ref, Seen, Store
from poolkeeper.plan.snapshot import LiveDeployment, Manifest, PoolKey

GARBAGE_COLLECTION_WAIT_S = 1.0
REFUSALS_SHOWN = 3
EXCLUDES_OURS: Mapping[str, tuple[str, ...]] = {
    "PodDisruptionBudget": ("maxUnavailable", "minAvailable"),
    "Service": ("ports",),
}
"""Kind -> a field of the spec that we set, and those that may not stand beside it. Where somebody else sets one of
these, or an item of the same list (a port that was given another number is a second one of its name), each apply of
ours is invalid."""


@dataclass(frozen=True, slots=True)
class Applied:
    uid: str
    wanted: str
    live: str


@dataclass(frozen=True)
class _Wish:
    """uid: of the pool, which controls every child. is_declared: its spec is new; what else may differ is ours."""

    key: PoolKey
    uid: str
    objects: tuple[Manifest, ...]
    is_declared: bool


class Applier:
    """contested: gets the number of children that somebody else changes back again and again. waiting: gets the number
    of pools that wait for their turn (rollouts)."""

    def __init__(
        self,
        api: KubeApi,
        store: Store,
        contested: Callable[[int], None] = lambda count: None,
        waiting: Callable[[int], None] = lambda pools: None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._store = store
        self._contested = contested
        self._waiting = waiting
        self._clock_s = clock_s
        self._contest = Contest()
        self._applied: dict[PoolKey, dict[Ref, Applied]] = {}
        self._last: dict[PoolKey, tuple[str, bool, Packed]] = {}
        self.rollouts = Rollouts(lambda: len(store.pools()), self._is_well)
        self._again_s: dict[PoolKey, float] = {}

    def again_s(self, key: PoolKey) -> float | None:
        """When to try again what waits for its turn (rollouts); None: nothing does."""
        return self._again_s.get(key)

    async def apply(self, key: PoolKey, uid: str, objects: Sequence[Manifest], is_declared: bool = True) -> None:
        """In the order given. uid: of the pool, which controls every child. is_declared: the pool's spec is new."""
        self._last[key] = (uid, is_declared, Packed.of(list(objects)))
        await self._carry_out(_Wish(key, uid, tuple(objects), is_declared))

    async def restore(self, key: PoolKey, uid: str) -> None:
        """Make the children be as they were applied last, if this process has applied any."""
        of_uid, is_declared, packed = self._last.get(key) or ("", False, None)
        if packed and of_uid == uid:
            await self._carry_out(_Wish(key, uid, tuple(rows(packed.value())), is_declared))

    def forget(self, key: PoolKey) -> None:
        self._applied.pop(key, None)
        self._last.pop(key, None)
        self._again_s.pop(key, None)
        self.rollouts.forget(key)

    async def _carry_out(self, wish: _Wish) -> None:
        refusals: list[Refused] = []
        self._again_s.pop(wish.key, None)
        if any(self._store.get(_ref(body)) is None for body in wish.objects):
            await self._check_pool(wish)
        for body in wish.objects:
            try:
                await self._ensure(wish, body)
            except Refused as refused:
                refusals.append(refused)
        wanted = {_ref(body) for body in wish.objects}
        for child in self._store.children(wish.key):
            if child.owner_uid == wish.uid and child.ref not in wanted:
                await self._api.delete(child.ref.kind, child.ref.namespace, child.ref.name, child.uid)
        self._contested(self._contest.count(self._clock_s()))
        if refusals:
            more = f"; and {len(refusals) - REFUSALS_SHOWN} more" if len(refusals) > REFUSALS_SHOWN else ""
            raise Refused("; ".join(map(str, refusals[:REFUSALS_SHOWN])) + more, reason=refusals[0].reason)

    async def _ensure(self, wish: _Wish, body: Manifest) -> None:
        ref, wanted = _ref(body), wanted_digest(body)
        known, live = self._applied.setdefault(wish.key, {}).get(ref), self._store.get(ref)
        if live is not None and live.digest == wanted:
            known = self._applied[wish.key][ref] = Applied(live.uid, wanted, live.digest)
        if live is not None and known == Applied(live.uid, wanted, live.digest):
            return
        is_edited = known is not None and live is not None and (known.uid, known.wanted) == (live.uid, wanted)
        if is_edited and not self._contest.may_restore(ref, self._clock_s()):
            raise await self._contested_by(ref)
        if self._waits(wish, body, live):
            return
        answer = await self._write(wish, body)
        now = observe(answer)
        self._store.wrote(now)
        self._applied[wish.key][ref] = Applied(now.uid, wanted, now.digest)

    def _waits(self, wish: _Wish, body: Manifest, live: Seen | None) -> bool:
        """New Pods that the pool's spec does not ask for have to wait for their turn."""
        if wish.is_declared or live is None or not isinstance(live.fact, LiveDeployment):
            return False
        template = texts(body, "metadata", "annotations").get(TEMPLATE_HASH, "")
        wait_s = 0.0 if template == live.fact.template else self.rollouts.wait_s(wish.key, live.fact.template, template)
        self._waiting(self.rollouts.waiting)
        if wait_s:
            self._again_s[wish.key] = wait_s
        return wait_s > 0

    def _is_well(self, key: PoolKey, template: str) -> bool:
        """Nothing is expected of a pool that is gone."""
        found = self._store.pool(key)
        if found is None:
            return True
        fact = next((child.fact for child in self._store.children(key) if isinstance(child.fact, LiveDeployment)), None)
        status = found[1].status
        is_down = any(
            condition.type == ConditionType.Available and condition.status == "False"
            for condition in (status.conditions if status else ())
        )
        return fact is not None and fact.template == template and fact.is_rolled_out and not is_down

    async def _write(self, wish: _Wish, body: Manifest) -> Mapping[str, object]:
        ref = _ref(body)
        live = await self._live(ref)
        if live is None:
            return await self._api.apply(body)
        _check_ours(live, wish.key, wish.uid)
        # With its uid in it, the write fails rather than hit another object that took the name meanwhile.
        named = {**body, "metadata": {**mapping(body, "metadata"), "uid": live.uid}}
        try:
            return await self._api.apply(named)
        except Refused:
            if ref.kind not in EXCLUDES_OURS:
                raise
            ours, *theirs = EXCLUDES_OURS[ref.kind]
            spec = {**dict.fromkeys(theirs), ours: find(body, "spec", ours)}
            await self._api.merge(ref.kind, ref.namespace, ref.name, {"spec": spec})
            return await self._api.apply(named)

    async def _live(self, ref: Ref) -> Seen | None:
        """The watch shows only what carries our label; an object that stands in the way may not."""
        seen = self._store.get(ref)
        if seen is not None:
            return seen
        answer = await self._api.get(ref.kind, ref.namespace, ref.name)
        return observe(answer) if answer is not None else None

    async def _check_pool(self, wish: _Wish) -> None:
        """Before children are made: what we know of the pool may be old, and the garbage collector is removing them."""
        pool = await self._api.get("EndpointPool", wish.key.namespace, wish.key.name)
        if text(pool, "metadata", "uid") != wish.uid:
            self._store.drop(Ref("EndpointPool", wish.key.namespace, wish.key.name), wish.uid)
            raise Absent(f"EndpointPool {wish.key} is gone: its children are not made again")
        if text(pool, "metadata", "deletionTimestamp"):
            raise Absent(f"EndpointPool {wish.key} is being deleted: its children are not made again")

    async def _contested_by(self, ref: Ref) -> Refused:
        names = (
            ", ".join(others(await self._api.get(ref.kind, ref.namespace, ref.name))) or "another operator like this"
        )
        return Refused(
            f"{ref} was changed back more than {MANY} times in a minute, last by {names}: stop that, or "
            f"set it in the pool; until then it is written every {PACE_S:.0f} s",
            reason=Reason.ChildContested,
        )


def _ref(body: Manifest) -> Ref:
    return Ref(text(body, "kind"), text(body, "metadata", "namespace"), text(body, "metadata", "name"))


def _check_ours(live: Seen, key: PoolKey, uid: str) -> None:
    """What carries our labels and has no controller was ours: restored from a backup, or orphaned."""
    if live.owner_uid == uid or (not live.owner and live.is_managed and live.pool == key):
        return
    if live.owner == f"EndpointPool {key.name}":
        raise RetryLater(f"{live.ref} still belongs to a deleted pool of this name", after_s=GARBAGE_COLLECTION_WAIT_S)
    whose = f"is controlled by {live.owner}" if live.owner else "is controlled by nobody"
    raise Refused(
        f"{live.ref} exists already and {whose}, not by this pool: delete or rename it, or rename the pool",
        reason=Reason.ApplyConflict,
    )
