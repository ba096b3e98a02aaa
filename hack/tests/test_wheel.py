"""The wheel alone is enough: the three commands of the README, in an empty environment, serve a stream."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hack.release import sources, wheel
from poolkeeper import __version__
from testing.fakes.harness import FakeProvider
from testing.fakes.ports import free_port
from testing.runs.pools import KEY
from testing.runs.running import Run, chunks


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.build(tmp_path_factory.mktemp("wheel"))


def commands_of_the_readme() -> list[str]:
    """Packages, the wheel, the run."""
    (block,) = re.findall(
        r"^```\n(apt-get .*?)^```", (sources.ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    return [line.split("#")[0].strip() for line in block.splitlines()]


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
def test_the_readme_s_packages_are_those_that_are_tested_with() -> None:
    packages, _, _ = commands_of_the_readme()

    done = subprocess.run(
        shlex.split(packages.replace("install", "install --simulate")), capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "\n0 upgraded, 0 newly installed" in done.stdout, "run hack/ci/install.sh router"


@pytest.mark.router
@pytest.mark.slow
@pytest.mark.timeout(900)  # pip installs three dozen packages: seconds, or minutes beside other work
def test_the_readme_s_three_commands_serve_a_stream(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside Debian's nginx, in a folder with the wheel and the example; an environment with nothing in it."""
    _, install, run = commands_of_the_readme()
    folder, environment = tmp_path / "folder", tmp_path / "environment"
    folder.mkdir()
    shutil.copy(built, folder)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    path = f"{environment / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin"
    monkeypatch.chdir(folder)

    subprocess.run(
        ["bash", "-c", f"{install} --quiet"], env={**os.environ, "PATH": path, "PIP_NO_COMPILE": "1"}, check=True
    )

    program, verb, *arguments = shlex.split(run)
    assert (program, verb) == ("poolkeeper", "run")
    with FakeProvider("official", keys=[KEY]) as fake:
        example = (sources.ROOT / "examples/local.yaml").read_text()
        assert "https://api.deepseek.com/v1" in example and "127.0.0.1:8000" in example
        here = example.replace("https://api.deepseek.com", fake.url).replace(
            "127.0.0.1:8000", f"127.0.0.1:{free_port()}"
        )
        (folder / "local.yaml").write_text(here)
        env = {"PATH": path, "PYTHONPATH": "", "DEEPSEEK_API_KEY": KEY}
        with Run(tmp_path / "state", *arguments, program=[environment / "bin" / program], env=env) as process:
            assert chunks(list(process.stream())) > 1
