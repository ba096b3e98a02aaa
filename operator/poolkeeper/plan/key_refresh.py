"""Are routers waiting for a key that only a person can give, and how often is it worth looking whether it came?

The operator cannot see Secrets, and the kubelet syncs a mounted one in a minute or so, or when its Pod is poked. A
person who has just fixed a Secret is watching, so Pods are refreshed often at first; an abandoned pool costs a write a
minute.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from poolkeeper.api.router_reasons import KEY_MISSING, KEY_REFUSED
from poolkeeper.api.router_state import RouterState
from poolkeeper.plan.snapshot import RouterReport

SOONEST_S = 10.0
LATEST_S = 60.0
SHARE_OF_AGE = 0.1


def poke_every_s(reports: Sequence[RouterReport], now: datetime) -> float | None:
    """None: no router waits for a key."""
    ages_s = [
        (now - since).total_seconds() if since else 0.0
        for report in reports
        if report.state
        for since in _waiting_since(report.state)
    ]
    if not ages_s:
        return None
    return min(LATEST_S, max(SOONEST_S, min(ages_s) * SHARE_OF_AGE))


def _waiting_since(state: RouterState) -> Iterator[datetime | None]:
    """One for each key that this router waits for."""
    yield from (one.since for one in state.endpoints if one.reason in KEY_MISSING | KEY_REFUSED)
    keys = (key for one in state.endpoints for key in one.keys)
    yield from (key.since for key in keys if key.reason in KEY_MISSING | KEY_REFUSED)
    yield from (client.since for client in state.clients_without_key)
