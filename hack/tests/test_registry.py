"""The chart goes to a registry and comes back as it was; the plugin's archive starts by itself."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.release import chart, krew, manifests, sources, wheel
from hack.release.images import unpublished
from poolkeeper import __version__
from testing.registry import PROGRAM, local_registry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with local_registry(tmp_path) as address:
        yield address


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="no registry: `hack/ci/install.sh release` installs one")
def test_a_chart_comes_back_from_a_registry_as_it_was(registry: str, tmp_path: Path) -> None:
    packed = chart.write(tmp_path, unpublished(), 1_700_000_000)
    subprocess.run([sources.ROOT / "hack/release/push.sh", "chart", registry, packed], check=True, capture_output=True)

    back = tmp_path / "back"
    back.mkdir()
    pull = [manifests.helm(), "pull", "--plain-http", f"oci://{registry}/charts/poolkeeper", "--version", __version__]
    subprocess.run([*pull, "--destination", back], check=True, capture_output=True)
    assert (back / packed.name).read_bytes() == packed.read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_plugin_of_krew_s_archive_installs_itself_once(tmp_path: Path) -> None:
    archive, _ = krew.write(tmp_path, wheel.build(tmp_path / "wheel"), "https://forge.example/releases/download/v1", 0)
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "plugin", filter="data")
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin/kubectl-poolkeeper"
    link.symlink_to(tmp_path / "plugin/kubectl-poolkeeper")  # as Krew does

    def called() -> subprocess.CompletedProcess[str]:
        more = {"XDG_DATA_HOME": str(tmp_path / "data"), "PYTHONPATH": "", "PIP_NO_COMPILE": "1"}
        return subprocess.run([link, "--version"], capture_output=True, text=True, env={**os.environ, **more})

    first, second = called(), called()

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert __version__ in first.stdout and second.stdout == first.stdout
    assert "the first call installs" in first.stderr and second.stderr == ""
