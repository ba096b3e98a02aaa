"""Asked for by name, as a stage of `make test` does: `pytest -m conformance tests`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from testing.conformance.case import NEVER, Case, Mode, Play, Policy, When
from testing.conformance.stage import Stage
from testing.conformance.with_poolkeeper import PoolkeeperUnderTest
from testing.fakes.harness import FakeProvider
from testing.gateways.gateway import Endpoint

MARK = "conformance"
MODELS = ("flash", "pro")


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    return None if MARK in str(config.option.markexpr) else True


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture(scope="module")
def gateway() -> Iterator[PoolkeeperUnderTest]:
    with PoolkeeperUnderTest() as gateway:
        yield gateway


# --- for tests with an SDK: a pool of two providers


@pytest.fixture
def official() -> Iterator[FakeProvider]:
    with FakeProvider("official", models=MODELS) as fake:
        yield fake


@pytest.fixture
def backup() -> Iterator[FakeProvider]:
    with FakeProvider("backup", models=MODELS) as fake:
        yield fake


@pytest.fixture
def pool_at(
    official: FakeProvider, backup: FakeProvider, gateway: PoolkeeperUnderTest
) -> Iterator[Callable[[Policy], str]]:
    """A pool of the two under a policy, to where it answers, without /v1."""
    with ExitStack() as stack:

        def serve(policy: Policy) -> str:
            case = Case("sdk", "SDK", "an SDK asks", Mode.STREAM, When.FIRST, (Play(),), (NEVER,), policy=policy)
            endpoints = [_endpoint(fake.name, fake.url, tier) for tier, fake in enumerate((official, backup))]
            return stack.enter_context(gateway.serve(case, endpoints)).base_url.removesuffix("/v1")

        yield serve


def _endpoint(name: str, url: str, tier: int) -> Endpoint:
    return Endpoint(name, url + "/v1", f"sk-{name}", {name: name for name in MODELS}, tier, "DeepSeek", (), 20)
