"""A health check leads nowhere that a request may not: of every type, by a literal address, by a name, by a proxy."""

from pathlib import Path

import pytest

from poolkeeper.api.router_document import PolicyDoc
from router.harness import Router, endpoint, eventually, policy
from router.test_egress import through
from router.test_isolation import Names, resolving
from testing.fakes.harness import FakeProvider
from testing.fakes.proxy import FakeProxy

CHECKS = ("TCP", "Models", "Completion")
METADATA = "169.254.169.254"


def checked(kind: str) -> PolicyDoc:
    return policy(health_check={"type": kind, "interval_ms": 200, "timeout_ms": 1000})


def wait_failed(router: Router) -> None:
    eventually(lambda: router.endpoint("a").reason == "HealthCheckFailed", "the check fails")


@pytest.mark.parametrize("kind", CHECKS)
def test_not_to_a_literal_address(router: Router, a: FakeProvider, kind: str) -> None:
    """The provider is there and would answer."""
    router.serve(endpoint("a", a), policy=checked(kind), allow_loopback=False)

    wait_failed(router)
    assert a.log() == []


@pytest.mark.parametrize("kind", CHECKS)
def test_not_by_a_name_that_resolves_there(tmp_path: Path, a: FakeProvider, kind: str) -> None:
    with resolving(tmp_path, Names("127.0.0.1", ttl_s=60)) as router:
        router.serve(endpoint("a", a, host="rebinding.test"), policy=checked(kind), allow_loopback=False)

        wait_failed(router)
        assert a.log() == []


@pytest.mark.parametrize("kind", CHECKS)
def test_not_through_a_proxy_at_it(router: Router, a: FakeProvider, kind: str) -> None:
    far = endpoint("a", a, host="models.inside.test", **through(a.port, "127.0.0.1"))
    router.serve(far, policy=checked(kind), allow_loopback=False)

    wait_failed(router)
    assert a.log() == []


@pytest.mark.parametrize("kind", CHECKS)
def test_nor_is_a_proxy_asked_for_it(router: Router, a: FakeProvider, kind: str) -> None:
    with FakeProxy() as proxy:
        router.serve(endpoint("a", a, host=METADATA, **through(proxy.port)), policy=checked(kind))

        wait_failed(router)
        assert proxy.asked == []
