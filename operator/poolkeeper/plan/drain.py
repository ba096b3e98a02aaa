"""Endpoints that people drain by hand, by annotation: the manifest, which may belong to Git, stays as it is."""

from collections.abc import Mapping

from poolkeeper.api import labels
from poolkeeper.api.endpoint import Endpoint, Mode


def mode_of(endpoint: Endpoint, annotations: Mapping[str, str]) -> Mode:
    """The declared mode, or Draining; one that is Disabled stays so."""
    is_drained = annotations.get(labels.DRAIN_PREFIX + endpoint.name) == "true"
    return "Draining" if is_drained and endpoint.mode == "Active" else endpoint.mode
