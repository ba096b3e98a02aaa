"""`python -m hack.ci.prose [FILE...]`: each word that has a plainer one, with file:line. No FILE: all covered files."""

import subprocess
import sys
from pathlib import Path

from hack.ci.prose.texts import READERS, prose
from hack.ci.prose.vocabulary import FILE, find, read

ROOT = Path(__file__).resolve().parents[3]
COVERED = (
    "*.md",
    "*.sh",
    "*.yaml",
    "charts",
    "examples",
    "hack",
    "operator",
    "router/lua",
    "testing",
    "tests",
    ":!hack/ci/prose/vocabulary.*",
    ":!hack/tests/test_prose.py",
)
"""What is rewritten so far, as pathspecs of git."""


def main(names: list[str]) -> int:
    entries = read(FILE.read_text())
    wrong = 0
    for name in names or covered():
        found_here = find(entries, prose(name, (ROOT / name).read_text()))
        for found in sorted(found_here, key=lambda one: one.line):
            wrong += 1
            print(f"{name}:{found.line}: {found.seen!r}: write {found.entry.better} ({found.entry.why})")
    return 1 if wrong else 0


def covered() -> list[str]:
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *COVERED]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if Path(name).suffix in READERS and (ROOT / name).is_file()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
