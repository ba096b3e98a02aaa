"""What a run writes down for `poolkeeper status`: who serves where, and the pool with its status, as in a cluster."""

from datetime import datetime

from pydantic import ConfigDict, ValidationError

from poolkeeper.api.base import API_VERSION, Model
from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.local.state_dir import StateDir, write_atomic


class PoolMeta(Model):
    model_config = ConfigDict(extra="ignore")

    name: str
    namespace: str


class PoolRecord(Model):
    """An EndpointPool as far as its status goes; read from a cluster's API as well as from a run's file."""

    model_config = ConfigDict(extra="ignore")

    api_version: str = API_VERSION
    kind: str = "EndpointPool"
    metadata: PoolMeta
    status: EndpointPoolStatus = EndpointPoolStatus()


class RunRecord(Model):
    """One live `poolkeeper run`."""

    pid: int
    base_url: str
    admin_url: str
    pool: PoolRecord


def draining(record: RunRecord, limit_s: float, now: datetime) -> RunRecord:
    """As it ends: its address takes no new request, whatever is true of the endpoints."""
    text = f"this run is ending: it takes no new requests, and open streams have {limit_s:g} s to finish"
    status = record.pool.status
    conditions = tuple(
        one.model_copy(
            update={"status": "False", "reason": "RouterNotReady", "message": text, "last_transition_time": now}
        )
        if one.type == ConditionType.Available
        else one
        for one in status.conditions
    )
    ended = status.model_copy(update={"conditions": conditions, "headline": text, "address": "", "active_tier": None})
    return record.model_copy(update={"pool": record.pool.model_copy(update={"status": ended})})


def write(state: StateDir, record: RunRecord) -> None:
    """Does nothing when the file says the same already."""
    content = record.model_dump_json(by_alias=True, indent=2, exclude_none=True).encode() + b"\n"
    if not state.status.is_file() or state.status.read_bytes() != content:
        write_atomic(state.status, content)


def read(state: StateDir) -> RunRecord | None:
    """None when nothing has been written yet, or by a version that writes it differently."""
    try:
        return RunRecord.model_validate_json(state.status.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
