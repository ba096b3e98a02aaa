"""What status says in every situation of the condition tests, word for word. `make goldens` writes it anew.

Read the diff as the person on call would: is each message clear on its own?
"""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from factories import LOCAL, NOW, OFFICIAL, document, endpoint, pool, seen, serving, snapshot, state, status_update
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.router_state import EndpointState
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.status.evaluate import StatusUpdate
from unit.status.test_conditions import CASES, LOCAL_WELL, silenced
from unit.status.test_probes import EARLIER_RUN, PROBED, SLOW, after

ALL_IS_WELL = "all is well"
GOLDEN = Path(__file__).with_name("condition_messages.txt")
LONG_AGO = NOW - timedelta(hours=2)
SILENT = {"official": "KeepAliveOnly"}
BOTH_SLOW = {"official": "SlowFirstToken", "local": "SlowTokens"}
NO_KEY = pool([endpoint("open"), LOCAL])
THREE = pool([OFFICIAL, endpoint("second"), LOCAL])


def reported(declared: EndpointPool, *endpoints: EndpointState, active_tier: int | None = 0) -> StatusUpdate:
    """Both routers of this pool report the endpoints so."""
    of = snapshot(declared)
    one = state(document(of), *endpoints, active_tier=active_tier)
    return status_update(serving(of, one, one))


def unhealthy(name: str, reason: str, tier: int = 0) -> EndpointState:
    return seen(name, tier, health="Unhealthy", reason=reason)


def more() -> dict[str, StatusUpdate]:
    return {
        "a key is refused where the pool names none": reported(
            NO_KEY, unhealthy("open", "CredentialsRejected"), LOCAL_WELL
        ),
        "two endpoints fail": reported(
            THREE, unhealthy("official", "Connect"), unhealthy("second", "Timeout"), LOCAL_WELL
        ),
        "an endpoint fails for no reason that is known": reported(
            THREE, unhealthy("official", ""), seen("second"), LOCAL_WELL
        ),
        "everything is in a backoff": reported(
            THREE,
            unhealthy("official", "Busy"),
            unhealthy("second", "RateLimited"),
            unhealthy("local", "Busy", 1),
            active_tier=None,
        ),
        "probes find two slow endpoints": after((EARLIER_RUN, BOTH_SLOW), (NOW, BOTH_SLOW)),
        "probes find an endpoint that only sends keep-alives": after((EARLIER_RUN, SILENT), (NOW, SILENT)),
        "probes find a refused key": after((NOW, {"official": "CredentialsRejected"})),
        "probes find an empty account": after((NOW, {"official": "BalanceExhausted"})),
        "the last probe is long ago": after((LONG_AGO - timedelta(minutes=15), SLOW), (LONG_AGO, SLOW)),
        "no probe ever finished": status_update(replace(PROBED, live=replace(PROBED.live, probing_since=LONG_AGO))),
        "routers report nothing, one without a cause": status_update(silenced(PROBED, "")),
    }


def situations() -> dict[str, EndpointPoolStatus]:
    """Made anew at each call: what is made while modules are imported, no mutant has a part in (`make mutants`)."""
    cases = {name: status_update(case.given, refused=case.refused).status for name, case in CASES.items()}
    return cases | {name: update.status for name, update in more().items()}


def page() -> str:
    """A paragraph a situation, without the conditions that say what they say when all is well."""
    found = situations()
    well = _lines(found[ALL_IS_WELL])
    parts = {name: _lines(status) for name, status in found.items()}
    own = {name: [line for line in lines if name == ALL_IS_WELL or line not in well] for name, lines in parts.items()}
    return "\n".join(f"{name}\n{''.join(lines)}" for name, lines in own.items())


def _lines(status: EndpointPoolStatus) -> list[str]:
    return [f"  {one.type}={one.status} {one.reason}: {one.message}\n" for one in status.conditions]


def test_condition_messages() -> None:
    if os.environ.get("UPDATE_GOLDENS"):
        GOLDEN.write_text(page())

    assert page() == GOLDEN.read_text(), "`make goldens` writes it anew; then read the diff"
