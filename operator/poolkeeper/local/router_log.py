"""The router's log of a `poolkeeper run`, which nobody else rotates: a client that sends nonsense all day writes a line
each time, and must not fill a disk."""

import os
import shutil
from pathlib import Path

LIMIT_BYTES = 8 << 20
"""Weeks of an ordinary log. There are two files at most: this much and what comes in between two looks, each."""


def bound(log: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Move what is over the limit to a second file beside it, in place of the one before.

    The log itself stays the same file, because nginx holds it open (to append): what it writes during the copy is lost.
    """
    if log.exists() and log.stat().st_size > limit_bytes:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)
