"""The pool that a command is about: of a `poolkeeper run` on this machine, else of the cluster; and how it is told
something."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from poolkeeper.errors import UserError
from poolkeeper.local import orders, record, statedir
from poolkeeper.local.record import PoolRecord
from poolkeeper.local.statedir import StateDir

Changes = Mapping[str, str | None]
"""Annotation -> value; None removes it."""

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """state: of the run that serves it; None: it is in the cluster."""

    pool: PoolRecord
    annotate: Callable[[Changes], None]
    state: StateDir | None = None

    @property
    def name(self) -> str:
        return f"{self.pool.metadata.namespace}/{self.pool.metadata.name}"


def find(pool: str, namespace: str | None, state_dir: Path | None) -> Target:
    """pool: a name, or NAMESPACE/NAME. A live run that serves it comes before the cluster."""
    before, _, name = pool.rpartition("/")
    namespace = before or namespace
    runs = _runs(state_dir)
    mine = [(state, found) for state, found in runs if _is(found, name, namespace)]
    if mine:
        state, found = _only(mine, pool, [one.metadata.namespace for _, one in mine])
        return Target(found, lambda changes: orders.add(state, changes), state)
    if state_dir:
        raise _unknown(pool, [found for _, found in runs], f"the run on {state_dir}")
    return _in_cluster(pool, name, namespace, [found for _, found in runs])


def _runs(state_dir: Path | None) -> list[tuple[StateDir, PoolRecord]]:
    states = (StateDir(state_dir),) if state_dir else statedir.active(os.environ)
    if state_dir and not statedir.is_held(states[0]):
        raise UserError(f"no `poolkeeper run` is alive on {state_dir}; start one with --state-dir {state_dir}")
    return [(state, found.pool) for state in states if (found := record.read(state))]


def _in_cluster(pool: str, name: str, namespace: str | None, local: Sequence[PoolRecord]) -> Target:
    from poolkeeper.cli import clusterpools  # a laptop without a cluster does not pay for its client

    try:
        known = asyncio.run(clusterpools.cluster_pools(namespace))
    except UserError as error:
        raise (_unknown(pool, local, "the runs on this machine") if local else error) from error
    matching = [found for found in known if _is(found, name, namespace)]
    if not matching:
        raise _unknown(pool, [*local, *known], "the cluster and the runs on this machine" if local else "the cluster")
    found = _only(matching, pool, [one.metadata.namespace for one in matching])
    meta = found.metadata
    return Target(found, lambda changes: asyncio.run(clusterpools.annotate(meta.namespace, meta.name, changes)))


def _is(found: PoolRecord, name: str, namespace: str | None) -> bool:
    return found.metadata.name == name and namespace in (None, found.metadata.namespace)


def _only(found: Sequence[T], pool: str, namespaces: Sequence[str]) -> T:
    if len(found) > 1:
        raise UserError(f"pool {pool!r} is in several namespaces: {', '.join(namespaces)}; say which: NAMESPACE/{pool}")
    return found[0]


def _unknown(pool: str, known: Sequence[PoolRecord], where: str) -> UserError:
    names = ", ".join(f"{found.metadata.namespace}/{found.metadata.name}" for found in known) or "none"
    return UserError(f"there is no pool {pool!r} in {where}; there are: {names}")
