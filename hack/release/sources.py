"""Which bytes a release is made from: git's files as they are in the checkout, with one time and one set of modes.

A copy, because a build in the checkout takes along what earlier builds left there.
"""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def epoch_s() -> int:
    """The time that every artefact carries: SOURCE_DATE_EPOCH, or that of the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return int(given or _git("log", "-1", "--format=%ct"))


def commit() -> str:
    return _git("rev-parse", "HEAD").strip()


def copy_to(folder: Path) -> Path:
    """Links stay links, as in the checkout: the wheel's package data goes through two of them."""
    for name in _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        source, target = ROOT / name, folder / name
        if not name or not (source.exists() or source.is_symlink()):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target, follow_symlinks=False)
        if not source.is_symlink():
            target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    return folder


def _git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout
