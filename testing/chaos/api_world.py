"""A real API server, without controllers, as the world of a walk (testing.walks)."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from poolkeeper.kube.client import KubeApi, find_cluster
from poolkeeper.plan.snapshot import Settings
from testing.chaos import history
from testing.chaos.client import Json, User
from testing.chaos.control_plane import ControlPlane, kubeconfig
from testing.walks.moves import moves
from testing.walks.walker import NAMES, Step, Walked, walk

SETTINGS = Settings("router:1", "probe:1", flapping_pace_s=0)
LONGEST = 40
"""Moves of one walk: what went wrong ends it, and the next begins anew."""
NULLED = 'must be of type object: \\"null\\"'
"""A server-side apply of {} over an object whose fields it removes makes null of it, which then is invalid. Who meets
that removes the object first."""


class ApiWorld:
    api: KubeApi

    def __init__(self, user: User) -> None:
        self.writes = 0
        self._user = user
        self._known: set[str] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, plane: ControlPlane, folder: Path) -> AsyncIterator[Self]:
        config = folder / "walks.kubeconfig"
        config.write_text(kubeconfig(plane.url, plane.token))
        user = User(plane.url, plane.token)
        found = cls(user)
        cluster = await find_cluster({"KUBECONFIG": str(config)})
        try:
            async with cluster.api(found._wrote) as found.api:
                yield found
        finally:
            user.close()

    def declare(self, namespace: str, body: Json) -> bool:
        if namespace not in self._known:
            self._user.make_namespace(namespace)
            self._known.add(namespace)
        named = {**body, "metadata": {**body["metadata"], "namespace": namespace}}
        why = self._user.refusal(named)
        if NULLED in why:
            self._user.apply(_without_empty(named))
            why = self._user.refusal(named)
        return not why

    def state(self, namespace: str) -> Json:
        return history.state(self._user, namespace)

    def forget(self, namespace: str) -> None:
        """Nothing of it is in anybody's way."""

    def _wrote(self, kind: str, verb: str) -> None:
        self.writes += 1


def every_step(seed: int) -> list[Step]:
    """Every move of both kinds, in an order that mixes them; now and then the operator starts again."""
    steps = [Step(kind, move) for kind in NAMES for move in moves(kind)]
    steps += [Step(kind, None) for kind in NAMES] * (len(steps) // LONGEST)
    random.Random(seed).shuffle(steps)
    return steps


def walks(folder: Path, steps: Sequence[Step]) -> list[Walked]:
    """On an API server that only they use."""
    with ControlPlane.start(folder, controllers=False) as plane:
        return asyncio.run(_walks(plane, folder, steps))


async def _walks(plane: ControlPlane, folder: Path, steps: Sequence[Step]) -> list[Walked]:
    async with ApiWorld.open(plane, folder) as world:
        return [
            await walk(world, f"walk-from-{first}", steps[first : first + LONGEST], SETTINGS)
            for first in range(0, len(steps), LONGEST)
        ]


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty(one) for name, one in value.items() if one != {}}
    return [_without_empty(one) for one in value] if isinstance(value, list) else value
