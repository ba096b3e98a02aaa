"""Manual commands to a `poolkeeper run`: annotations for its pool, beside those of the manifest.

Where a cluster keeps an annotation on the object, a run has no object but the user's file, which is not ours to edit.
They outlive the run, as they would in a cluster, until they are taken back.
"""

from collections.abc import Mapping

from pydantic import RootModel, ValidationError

from poolkeeper.local.state_dir import StateDir, write_atomic

Orders = Mapping[str, str | None]
"""Annotation -> value; None takes back what the manifest says."""


class _File(RootModel[dict[str, str | None]]):
    pass


def read(state: StateDir) -> Orders:
    try:
        return _File.model_validate_json(state.orders.read_bytes()).root
    except (FileNotFoundError, ValidationError):
        return {}


def add(state: StateDir, changes: Orders) -> None:
    write_atomic(state.orders, _File({**read(state), **changes}).model_dump_json(indent=2).encode() + b"\n")


def over(annotations: Mapping[str, str], orders: Orders) -> dict[str, str]:
    """The manifest's annotations with the manual ones."""
    together = {**annotations, **orders}
    return {name: value for name, value in together.items() if value is not None}
