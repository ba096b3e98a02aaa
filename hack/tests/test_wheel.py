"""The wheel alone is enough: an empty environment, nginx, and a stream."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.release import sources, wheel
from poolkeeper import __version__
from testing.fakes.harness import FakeProvider
from testing.runs.pools import KEY, Given, pool, secret, write
from testing.runs.running import Run, chunks

UV = Path(sys.executable).parent / "uv"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def installed(built: Path, tmp_path: Path) -> Iterator[Path]:
    """An environment with nothing in it but the wheel and what it asks for."""
    environment = tmp_path / "environment"
    python = environment / "bin/python"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, built], check=True)
    yield environment


def test_it_has_every_file_of_the_router_and_every_runbook(built: Path) -> None:
    names = set(zipfile.ZipFile(built).namelist())

    for source, place in (("router", "local/router_files"), ("docs/runbooks", "dashboard/runbooks")):
        files = [file.relative_to(sources.ROOT / source) for file in (sources.ROOT / source).rglob("*")]
        want = {f"poolkeeper/{place}/{file}" for file in files if (sources.ROOT / source / file).is_file()}
        assert want and want <= names


def test_it_is_named_after_the_one_version(built: Path) -> None:
    assert built.name == f"poolkeeper-{__version__}-py3-none-any.whl"


def test_the_same_sources_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    old_mask = os.umask(0o077)
    try:
        again = wheel.build(tmp_path)
    finally:
        os.umask(old_mask)

    assert again.read_bytes() == built.read_bytes()


@pytest.mark.router
@pytest.mark.slow
def test_installed_beside_nginx_it_serves_a_stream(installed: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    with FakeProvider("official", keys=[KEY]) as fake:
        write(nowhere / "pool.yaml", pool([Given(fake, key="api-key")]))
        write(nowhere / "secret.yaml", secret(**{"api-key": KEY}))
        program: list[str | Path] = [installed / "bin/python", "-I", "-m", "poolkeeper"]
        with Run(tmp_path / "state", "-f", nowhere, program=program, env={"PYTHONPATH": ""}) as run:
            assert chunks(list(run.stream())) > 1
