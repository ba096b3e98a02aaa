"""How often Pods are poked for a key that only a person can give."""

from datetime import timedelta

import pytest

from factories import NOW
from poolkeeper.api.router_state import ClientState, EndpointState, RouterState
from poolkeeper.plan.key_refresh import poke_every_s
from poolkeeper.plan.snapshot import RouterReport


def report(reason: str, age_s: float) -> RouterReport:
    endpoint = EndpointState(name="official", reason=reason, since=NOW - timedelta(seconds=age_s))
    return RouterReport("router-1", RouterState(endpoints=(endpoint,)), NOW)


def client_report(age_s: float) -> RouterReport:
    client = ClientState(name="web", since=NOW - timedelta(seconds=age_s))
    return RouterReport("router-1", RouterState(clients_without_key=(client,)), NOW)


@pytest.mark.parametrize(
    ("reports", "want_s"),
    [
        pytest.param([], None, id="no router has spoken: nothing to wait for"),
        pytest.param([report("Healthy", 0)], None, id="all is well: never"),
        pytest.param([report("CredentialsRejected", 5)], 10.0, id="refused a moment ago: somebody may be fixing it"),
        pytest.param([report("SecretNotFound", 5)], 10.0, id="missing counts like refused"),
        pytest.param([report("CredentialsRejected", 300)], 30.0, id="refused for five minutes: half a minute"),
        pytest.param([report("CredentialsRejected", 86400)], 60.0, id="refused since yesterday: once a minute"),
        pytest.param([report("CredentialsRejected", 86400), report("SecretNotFound", 5)], 10.0, id="the newest counts"),
        pytest.param([client_report(300)], 30.0, id="a client's key counts as an endpoint's"),
    ],
)
def test_pods_are_poked_for_a_key_every(reports: list[RouterReport], want_s: float | None) -> None:
    assert poke_every_s(reports, NOW) == want_s
