"""Manual control by annotation: what people drained, and when they said `failback` last.

A drained endpoint's manifest, which may belong to Git, stays as it is. A router holds on by itself to the tier it had
to go down to, so that it needs no operator for that. It reports so, and the document passes it on: a router that starts
meanwhile then begins where the others are. A hold is made under the `failback` that was said last (told_at) and is void
as soon as it is set again.
"""

from collections.abc import Mapping

from poolkeeper.api import labels
from poolkeeper.api.endpoint import Endpoint, Mode
from poolkeeper.api.router_document import HeldTier
from poolkeeper.plan.snapshot import Snapshot

FAILED_BACK_AT_MAX = 64


def mode_of(endpoint: Endpoint, annotations: Mapping[str, str]) -> Mode:
    """The declared mode, or Draining; one that is Disabled stays so."""
    is_drained = annotations.get(labels.DRAIN_PREFIX + endpoint.name) == "true"
    return "Draining" if is_drained and endpoint.mode == "Active" else endpoint.mode


def failed_back_at(snapshot: Snapshot) -> str:
    """As the annotation says it, if that is a time as `poolkeeper failback` writes it; else as if it was never said."""
    given = snapshot.annotations.get(labels.FAILED_BACK_AT, "")
    plain = all(character.isascii() and (character.isalnum() or character in "-:.+") for character in given)
    return given if plain and len(given) <= FAILED_BACK_AT_MAX else ""


def held_tiers(snapshot: Snapshot) -> tuple[HeldTier, ...]:
    """Of what the routers report, the lowest tier for each model of the pool."""
    told_at = failed_back_at(snapshot)
    lowest: dict[str, int] = {}
    for report in snapshot.reports:
        if report.state and report.state.failback.told_at == told_at:
            for held in report.state.failback.held:
                lowest[held.model] = max(held.tier, lowest.get(held.model, 0))
    models = snapshot.pool.spec.models if snapshot.pool else ()
    return tuple(HeldTier(model=model, tier=lowest[model]) for model in sorted(models) if model in lowest)
