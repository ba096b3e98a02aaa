"""Where and when it ran, of what, and how busy the machine was with other things."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from poolkeeper import __version__

PRODUCT = ("operator", "router")
"""The folders that are installed."""


def facts() -> Mapping[str, str]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "version": version(),
        "load when it began": f"{os.getloadavg()[0]:.1f}",
    }


def facts_after() -> Mapping[str, str]:
    return {"load over its last 15 minutes": f"{os.getloadavg()[2]:.1f}"}


def _processor() -> str:
    names = [line.partition(":")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return names[0].strip() if names else platform.machine()


def version() -> str:
    """The product's version, and a hash of its files as they are: a rebase does not take that away as it does the name
    of a commit. `python -m hack.bench.machine` prints it of any checkout."""
    return f"{__version__}, content {content(Path())}"


def content(root: Path) -> str:
    listed = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PRODUCT]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [root / name for name in sorted(set(filter(None, names))) if (root / name).is_file()]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(root)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    print(version())
