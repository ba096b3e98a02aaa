"""The wheel: operator, command line and the router's files. It needs only nginx with Lua beside it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hack.release import sources


def build(out: Path) -> Path:
    """SOURCE_DATE_EPOCH and the umask are the times and the modes in it: the same for the same sources."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        checkout = sources.copy_to(Path(folder) / "checkout")
        made = Path(folder) / "made"
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run(
            [*command, "--no-build-isolation", "--wheel-dir", str(made), str(checkout)],
            check=True,
            umask=0o022,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(sources.epoch_s())},
        )
        (wheel,) = made.iterdir()
        target = out / wheel.name
        target.write_bytes(wheel.read_bytes())
    return target


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
