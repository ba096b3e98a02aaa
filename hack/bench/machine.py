"""Where and when it ran, and how busy the machine was with other things."""

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


def facts() -> Mapping[str, str]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "commit": commit(),
        "load when it began": f"{os.getloadavg()[0]:.1f}",
    }


def facts_after() -> Mapping[str, str]:
    return {"load over its last 15 minutes": f"{os.getloadavg()[2]:.1f}"}


def _processor() -> str:
    names = [line.partition(":")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return names[0].strip() if names else platform.machine()


def commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--", "router", "operator") else ""
    return f"{git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"
