"""These tests are asked for by name: `pytest -m conformance tests`. They are many, and some are still to be met."""

from collections.abc import Iterator

import pytest

from conformance.gateways.poolkeeper import Poolkeeper
from conformance.stage import Stage

MARK = "conformance"


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    return None if MARK in str(config.option.markexpr) else True


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture(scope="module")
def gateway() -> Iterator[Poolkeeper]:
    with Poolkeeper() as gateway:
        yield gateway
