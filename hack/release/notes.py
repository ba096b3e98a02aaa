"""A tag's notes: its part of CHANGELOG.md. Refuses a tag that is not the version, and a version that is not dated."""

import re
import sys

from hack.release import sources
from poolkeeper import __version__

CHANGELOG = sources.ROOT / "CHANGELOG.md"


def notes(tag: str, version: str, changelog: str) -> str:
    if tag != f"v{version}":
        raise SystemExit(f"seen tag {tag or 'none'}; wanted v{version}, the version in operator/poolkeeper/__init__.py")
    heading = re.search(rf"^## {re.escape(version)} \((.+)\)$", changelog, flags=re.M)
    if heading is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", heading[1]):
        seen = heading[0] if heading else "no heading"
        raise SystemExit(f"CHANGELOG.md: seen {seen}; wanted `## {version} (YYYY-MM-DD)`, the day of the release")
    return changelog[heading.end() :].split("\n## ")[0].strip() + "\n"


if __name__ == "__main__":
    print(notes(sys.argv[1] if len(sys.argv) > 1 else "", __version__, CHANGELOG.read_text()), end="")
