"""A pool and its policy that walk: after each move the operator's own reconcile is run until it has nothing to do, and
what is there is compared with what the same specs make when they are the first.

The watches are left out: the sweep finds what has changed, as it does when every event is lost. So a step takes
milliseconds, and what is tested is planning, rendering and applying against an API server, real or in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from poolkeeper.handlers.enqueue import Inbox
from poolkeeper.handlers.watch.watches import SELECTORS
from poolkeeper.kube.backend import KubeBackend
from poolkeeper.kube.client import KubeApi
from poolkeeper.kube.events import Recorder
from poolkeeper.kube.store import CHILD_KINDS, Store
from poolkeeper.kube.sweep import sweep
from poolkeeper.plan.snapshot import PoolKey, Settings
from poolkeeper.reconcile import reconcile
from testing.chaos.objects import difference
from testing.walks.moves import Move, Spec, smallest

NOW = datetime(2026, 11, 22, tzinfo=UTC)
POOL, POLICY = "EndpointPool", "FailoverPolicy"
NAMES = {POOL: "chat", POLICY: "standard"}
CONFIG_MAPS: Mapping[str, Mapping[str, str]] = {"ca": {"ca.crt": "a"}, "chat-samples": {"samples.jsonl": "{}"}}
"""To which the manifests of testing.manifests refer."""
MOST_ROUNDS = 4
HELD = ("Accepted", "ResolvedRefs")
"""One of them is False when nothing new is rolled out."""
FORBIDDEN = "ApplyForbidden"
"""Of Programmed: the API server refuses a child."""

Json = dict[str, Any]


class World(Protocol):
    """An API server, and what a user does to it."""

    @property
    def api(self) -> KubeApi: ...

    @property
    def writes(self) -> int:
        """Of the operator, so far."""

    def declare(self, namespace: str, body: Json) -> bool:
        """False: the API server refused it."""

    def forget(self, namespace: str) -> None:
        """Nobody looks at it again."""

    def state(self, namespace: str) -> Json:
        """All that is there, without what moves by itself: "Kind name" -> object."""


@dataclass
class Walker:
    """specs: kind -> as it is declared now."""

    world: World
    namespace: str
    settings: Settings
    specs: dict[str, Spec] = field(default_factory=lambda: {kind: smallest(kind) for kind in NAMES})

    def __post_init__(self) -> None:
        for name, data in CONFIG_MAPS.items():
            self.world.declare(self.namespace, {"apiVersion": "v1", "kind": "ConfigMap", **_named(name), "data": data})
        self.restart()

    def restart(self) -> None:
        """The operator starts again, and knows nothing."""
        self._store = Store()
        self._inbox = Inbox(self._store, lambda ref: None)
        api = self.world.api
        self._backend = KubeBackend(api, self._store, self.settings, Recorder(api, "operator-0", lambda: NOW))

    def declare(self) -> bool:
        """False: the API server refused one of them, and that one is as before."""
        took_policy, took_pool = (self.world.declare(self.namespace, self._body(kind)) for kind in (POLICY, POOL))
        return took_policy and took_pool

    async def settle(self) -> None:
        """Reconcile until there is nothing to write."""
        for _ in range(MOST_ROUNDS):
            before = self.world.writes
            await self._round()
            if self.world.writes == before:
                return
        raise AssertionError(f"it still writes after {MOST_ROUNDS} rounds: {self.specs}")

    async def _round(self) -> None:
        await sweep(self.world.api, self._store, SELECTORS, (self.namespace,), self._inbox.missed)
        await reconcile(self._backend, PoolKey(self.namespace, NAMES[POOL]), NOW)
        await self._backend.publish_policy(PoolKey(self.namespace, NAMES[POLICY]), NOW)

    def state(self) -> Json:
        return self.world.state(self.namespace)

    def _body(self, kind: str) -> Json:
        return {"apiVersion": "poolkeeper.dev/v1alpha1", "kind": kind, **_named(NAMES[kind]), "spec": self.specs[kind]}


@dataclass
class Walked:
    """steps: how many moves changed a spec. refused: by the API server. held: by the operator, with a condition. wrong:
    in words."""

    steps: int = 0
    refused: int = 0
    held: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """move None: the operator starts again."""

    kind: str
    move: Move | None


async def walk(world: World, namespace: str, steps: Sequence[Step], settings: Settings) -> Walked:
    """A spec that is refused or held is left again by the next step. fresh namespaces: one a step."""
    found = Walked()
    walker = Walker(world, namespace, settings)
    walker.specs[POOL]["failoverPolicyRef"] = {"name": NAMES[POLICY]}
    walker.declare()
    await walker.settle()
    for number, step in enumerate(steps):
        if step.move is None:
            walker.restart()
            continue
        last_good, serving = dict(walker.specs), children(walker.state())
        walker.specs[step.kind] = step.move.to(walker.specs[step.kind])
        if walker.specs == last_good:
            continue
        found.steps += 1
        what = f"step {number}, {step.kind} {step.move.name}"
        if walker.declare():
            is_held = await _check(walker, serving, f"{namespace}-{number}", found, what)
            found.held += is_held
        else:
            found.refused += 1
            is_held = True
        if is_held:
            walker.specs = last_good
            if not walker.declare():
                found.wrong.append(f"{what}, and back: refused by the API server, which took it before")
            await walker.settle()
            _compare(found, f"{what}, and back", serving, children(walker.state()))
        if found.wrong:
            break
    return found


async def _check(walker: Walker, serving: Json, namespace: str, found: Walked, what: str) -> bool:
    """True: nothing new is rolled out, the last good configuration serves, and a condition says so."""
    await walker.settle()
    fresh = Walker(walker.world, namespace, walker.settings, dict(walker.specs))
    if not fresh.declare():  # it is refused where nothing like it was before: an API server completes what is left out
        found.refused += 1
        return True
    await fresh.settle()
    seen, wanted = _as_declared(walker.state()), _as_declared(fresh.state())
    walker.world.forget(namespace)
    conditions = {one["type"]: one for one in seen[f"{POOL} {NAMES[POOL]}"]["status"]["conditions"]}
    if conditions["Programmed"]["reason"] == FORBIDDEN:
        kept = {name: body for name, body in serving.items() if name not in children(wanted)}
        _compare(found, f"{what}: a child is refused, the others", {**children(wanted), **kept}, children(seen))
    elif children(wanted):
        _compare(found, what, wanted, seen)
        return False
    else:
        _compare(found, f"{what}: held, the last good configuration", serving, children(seen))
        if all(conditions[name]["status"] == "True" for name in HELD):
            found.wrong.append(f"{what}: held, but no condition says so: {conditions}")
    if conditions["Ready"]["status"] == "True":
        found.wrong.append(f"{what}: held, but Ready: {conditions}")
    return True


def _as_declared(state: Json) -> Json:
    """Without the empty lists of specs: an API server remembers no owner of one, so it stays when it is left out."""
    return {
        name: {**body, "spec": _without_empty_lists(body["spec"])} if name.partition(" ")[0] in NAMES else body
        for name, body in state.items()
    }


def _without_empty_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty_lists(one) for name, one in value.items() if one != []}
    return [_without_empty_lists(one) for one in value] if isinstance(value, list) else value


def children(state: Json) -> Json:
    """What the operator has made."""
    return {
        name: body
        for name, body in state.items()
        if name.partition(" ")[0] in CHILD_KINDS and name.partition(" ")[2] not in CONFIG_MAPS
    }


def _compare(found: Walked, what: str, wanted: Json, seen: Json) -> None:
    differs = difference(wanted, seen)
    if differs:
        found.wrong.append(f"{what}: {differs}")


def _named(name: str) -> Json:
    return {"metadata": {"name": name}}
