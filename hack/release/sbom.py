"""What the wheel brings along at run time, as CycloneDX: by its own tool, from the pinned requirements."""

import subprocess
import tempfile
from pathlib import Path

from hack.release import sources
from testing.gateways.environments import environment

LOCK = Path(__file__).with_name("sbom.lock")


def python_packages() -> bytes:
    """--output-reproducible leaves out the time and the serial number."""
    tool = environment("cyclonedx", (LOCK.read_text(),)).folder / "bin/cyclonedx-py"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "sbom.json"
        command = [str(tool), "requirements", "--output-reproducible", "--of", "JSON", "-o", str(out)]
        project = ["--pyproject", str(sources.ROOT / "pyproject.toml"), str(sources.ROOT / "requirements.lock")]
        subprocess.run([*command, *project], check=True, capture_output=True)
        return out.read_bytes()
