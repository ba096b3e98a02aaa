"""`kubectl krew install`: an archive with the wheel and a script that starts it, and the manifest that names both."""

import hashlib
from pathlib import Path

import yaml

from hack.release import sources
from hack.release.archive import tar_gz
from poolkeeper import __version__

SCRIPT = sources.ROOT / "hack/release/plugin/kubectl-poolkeeper"
SYSTEMS = ("linux", "darwin")


def write(out: Path, wheel: Path, url: str, time_s: int) -> tuple[Path, Path]:
    """url: the address below which a release's files can be downloaded."""
    script = SCRIPT.name
    files = {
        script: SCRIPT.read_bytes(),
        wheel.name: wheel.read_bytes(),
        "LICENSE": (sources.ROOT / "LICENSE").read_bytes(),
    }
    archive = out / f"kubectl-poolkeeper-{__version__}.tar.gz"
    archive.write_bytes(tar_gz(files, time_s, executable=frozenset({script})))
    manifest = out / "poolkeeper.krew.yaml"
    manifest.write_text(yaml.safe_dump(_manifest(archive, script, url), sort_keys=False, width=120))
    return archive, manifest


def _manifest(archive: Path, script: str, url: str) -> dict[str, object]:
    platform: dict[str, object] = {
        "uri": f"{url.rstrip('/')}/{archive.name}",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "bin": script,
    }
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "poolkeeper"},
        "spec": {
            "version": f"v{__version__}",
            "homepage": url.split("/releases/")[0],
            "shortDescription": "Look after pools of DeepSeek endpoints",
            "description": (
                "Shows which endpoints of a pool are healthy, which breaker is open, why and since when;\n"
                "fails over, drains and probes by hand; checks manifests before they are applied.\n"
            ),
            "caveats": "Needs Python 3.11 or newer. The first call installs the plugin's Python packages.\n",
            "platforms": [{"selector": {"matchLabels": {"os": system}}, **platform} for system in SYSTEMS],
        },
    }
