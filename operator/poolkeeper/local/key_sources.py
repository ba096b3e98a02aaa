"""What a live `poolkeeper run` has written of its pool that a status leaves out: where keys come from."""

from collections.abc import Mapping, Sequence

from pydantic import ConfigDict, ValidationError

from poolkeeper.api.base import Model
from poolkeeper.api.router_document import Credential
from poolkeeper.local.state_dir import StateDir
from poolkeeper.render.metadata import CONFIG_FILE


class _Endpoint(Model):
    model_config = ConfigDict(extra="ignore")

    name: str
    credential: Credential | None = None
    credentials: tuple[Credential, ...] = ()


class _Document(Model):
    """The little of router.json that says where keys come from."""

    model_config = ConfigDict(extra="ignore")

    endpoints: tuple[_Endpoint, ...] = ()


def keys(state: StateDir) -> Mapping[str, Sequence[str]]:
    """Endpoint -> "Secret x, key y", of each of its keys."""
    try:
        found = _Document.model_validate_json((state.volumes / "config" / CONFIG_FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}
    return {
        one.name: [key.source for key in one.credentials or (one.credential,)]
        for one in found.endpoints
        if one.credential
    }
