"""Two scripted providers and a router in front of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from router.harness import PEER_RESET, Router
from testing.fakes.harness import FakeProvider


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.router)


@pytest.fixture
def a() -> Iterator[FakeProvider]:
    with FakeProvider("a", keys=["sk-a"]) as fake:
        yield fake


@pytest.fixture
def b() -> Iterator[FakeProvider]:
    with FakeProvider("b", keys=["sk-b"]) as fake:
        yield fake


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    with Router(tmp_path, allowed_errors=PEER_RESET) as running:
        yield running
