"""The pool of a command: from a `poolkeeper run` on this machine, else from the cluster; and how to annotate it."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from poolkeeper.errors import UserError
from poolkeeper.kube import choice as cluster_choice
from poolkeeper.local import manual_overrides, run_record
from poolkeeper.local import state_dir as statedir
from poolkeeper.local.run_record import PoolRecord
from poolkeeper.local.state_dir import StateDir

CLUSTER = "the cluster"
LOCAL_ROUTER = "this machine"
"""The name of a run's router; in a cluster it is the Pod's."""
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
    runs = [] if cluster_choice.chosen().is_explicit and not state_dir else _runs(state_dir)
    mine = [(state, found) for state, found in runs if _is(found, name, namespace)]
    if mine:
        state, found = _only(mine, pool, [one.metadata.namespace for _, one in mine])
        return _run_target(state, found)
    if state_dir:
        raise _unknown(pool, [found for _, found in runs], f"the run on {state_dir}")
    return _in_cluster(pool, name, namespace, [found for _, found in runs])


def source(namespace: str | None, state_dir: Path | None) -> tuple[str, Callable[[], Sequence[Target]]]:
    """Where all the pools are, in words, and a way to look at them there, now and later on: in the runs on this machine
    if one is alive, else in the cluster."""
    if state_dir or (not cluster_choice.chosen().is_explicit and statedir.active(os.environ)):
        return "poolkeeper run on this machine", lambda: _of_runs(state_dir)
    return CLUSTER, lambda: _of_cluster(namespace)


def chosen(pools: Sequence[Target], pool: str | None, namespace: str | None) -> Sequence[Target]:
    """pool: a name, or NAMESPACE/NAME; None: all of them."""
    before, _, name = (pool or "").rpartition("/")
    namespace = before or namespace or None
    matching = [
        found
        for found in pools
        if name in ("", found.pool.metadata.name) and namespace in (None, found.pool.metadata.namespace)
    ]
    if pool and not matching:
        known = ", ".join(found.name for found in pools) or "none"
        raise UserError(f"there is no pool {pool!r}; the pools are: {known}")
    return matching


def _of_runs(state_dir: Path | None) -> Sequence[Target]:
    found = [_run_target(state, pool) for state, pool in _runs(state_dir)]
    if not found and not statedir.active(os.environ) and not state_dir:
        raise UserError("the `poolkeeper run` on this machine has ended")
    return found


def _of_cluster(namespace: str | None) -> Sequence[Target]:
    from poolkeeper.diagnostics import cluster_pools  # a laptop without a cluster does not pay for its client

    return [_cluster_target(found) for found in asyncio.run(cluster_pools.cluster_pools(namespace))]


def _runs(state_dir: Path | None) -> list[tuple[StateDir, PoolRecord]]:
    states = (StateDir(state_dir),) if state_dir else statedir.active(os.environ)
    if state_dir and not statedir.is_held(states[0]):
        raise UserError(f"no `poolkeeper run` uses {state_dir}; start one with --state-dir {state_dir}")
    return [(state, found.pool) for state in states if (found := run_record.read(state))]


def _in_cluster(pool: str, name: str, namespace: str | None, local: Sequence[PoolRecord]) -> Target:
    from poolkeeper.diagnostics import cluster_pools  # a laptop without a cluster does not pay for its client

    try:
        known = asyncio.run(cluster_pools.cluster_pools(namespace))
    except UserError as error:
        raise (_unknown(pool, local, "the runs on this machine") if local else error) from error
    matching = [found for found in known if _is(found, name, namespace)]
    if not matching:
        raise _unknown(pool, [*local, *known], "the cluster and the runs on this machine" if local else "the cluster")
    return _cluster_target(_only(matching, pool, [one.metadata.namespace for one in matching]))


def _run_target(state: StateDir, found: PoolRecord) -> Target:
    return Target(found, lambda changes: manual_overrides.add(state, changes), state)


def _cluster_target(found: PoolRecord) -> Target:
    from poolkeeper.diagnostics import cluster_pools

    meta = found.metadata
    return Target(found, lambda changes: asyncio.run(cluster_pools.annotate(meta.namespace, meta.name, changes)))


def _is(found: PoolRecord, name: str, namespace: str | None) -> bool:
    return found.metadata.name == name and namespace in (None, found.metadata.namespace)


def _only(found: Sequence[T], pool: str, namespaces: Sequence[str]) -> T:
    if len(found) > 1:
        raise UserError(f"pool {pool!r} is in several namespaces: {', '.join(namespaces)}; write NAMESPACE/{pool}")
    return found[0]


def _unknown(pool: str, known: Sequence[PoolRecord], where: str) -> UserError:
    names = ", ".join(f"{found.metadata.namespace}/{found.metadata.name}" for found in known) or "none"
    return UserError(f"there is no pool {pool!r} in {where}; the pools are: {names}")
