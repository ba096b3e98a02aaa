"""Two scripted providers and a pool over them, for runs of the real program."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.fakes.harness import FakeProvider
from testing.runs.pools import KEY, Given, pool, secret, write


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.router)


@pytest.fixture
def official() -> Iterator[FakeProvider]:
    with FakeProvider("official", keys=[KEY], text_seed="same") as fake:
        yield fake


@pytest.fixture
def backup() -> Iterator[FakeProvider]:
    with FakeProvider("backup", text_seed="same") as fake:
        yield fake


@pytest.fixture
def manifests(tmp_path: Path, official: FakeProvider, backup: FakeProvider) -> Path:
    """A folder with pool.yaml and secret.yaml."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    write(folder / "pool.yaml", pool([Given(official, key="api-key"), Given(backup, tier=1)]))
    write(folder / "secret.yaml", secret(**{"api-key": KEY}))
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"
