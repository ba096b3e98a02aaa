"""What a run writes down for `poolkeeper status`: who serves where, and the pool with its status, as in a cluster."""

from pydantic import ConfigDict, ValidationError

from poolkeeper.api.base import API_VERSION, Model
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
