"""CPU time of a process and of all that it has started, and those in turn, as far as they still run."""

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
_PARENT, _USER, _SYSTEM = 1, 11, 12
"""Places in /proc/PID/stat, after the name."""


def cpu_of_all_s(root: int) -> float:
    known = dict(_all())
    found = {root}
    while more := {pid for pid, (parent, _) in known.items() if parent in found} - found:
        found |= more
    ticks = sum(known[pid][1] for pid in found if pid in known)
    return ticks / os.sysconf("SC_CLK_TCK")


def _all() -> Iterator[tuple[int, tuple[int, int]]]:
    """pid -> its parent, and its ticks."""
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            yield int(folder.name), (int(fields[_PARENT]), int(fields[_USER]) + int(fields[_SYSTEM]))
