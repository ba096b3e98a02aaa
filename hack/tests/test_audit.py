"""An audit that has not looked is no good news."""

import json
import subprocess
from pathlib import Path

import pytest

from hack.release import audit, sources

GOOD = {"name": "yarl", "version": "1.25.1", "vulns": []}
BAD = {
    "name": "aiohttp",
    "version": "3.1",
    "vulns": [{"id": "GHSA-1", "fix_versions": ["3.2", "4.0"]}, {"id": "GHSA-2", "fix_versions": []}],
}
PASSED_OVER = {"name": "rich", "skip_reason": "Dependency not found on PyPI and could not be audited: rich (15.0.0)"}


@pytest.mark.parametrize(
    ("packages", "want"),
    [
        ([GOOD], 0),
        ([GOOD, BAD], 1),
        ([GOOD, PASSED_OVER], 2),
        ([PASSED_OVER, BAD], 1),
        ([], 2),
    ],
    ids=["all well", "one is vulnerable", "one was passed over", "both", "none was looked at"],
)
def test_it_fails_unless_everything_was_looked_at_and_is_well(packages: list[object], want: int) -> None:
    assert audit.read(json.dumps({"dependencies": packages, "fixes": []})).exit_code == want


def test_each_vulnerability_is_named_with_what_to_do() -> None:
    found = audit.read(json.dumps({"dependencies": [BAD], "fixes": []}))

    assert audit.in_words("x.lock", found) == [
        "x.lock: aiohttp 3.1: GHSA-1; to do: pin 3.2 or 4.0 (make lock)",
        "x.lock: aiohttp 3.1: GHSA-2; no version fixes it",
    ]


def test_without_an_answer_nothing_is_audited_and_the_cause_is_named(tmp_path: Path) -> None:
    tool = tmp_path / "pip-audit"
    tool.write_text("#!/bin/sh\necho 'Failed to resolve api.osv.dev' >&2\nexit 1\n")
    tool.chmod(0o755)

    found = audit.ask(tool, "requirements.lock")

    assert found.exit_code == 2
    assert audit.in_words("a", found)[0] == (
        "a: not audited: api.osv.dev gave no answer: Failed to resolve api.osv.dev"
    )


def test_every_lock_file_is_looked_at() -> None:
    there = subprocess.run(["git", "ls-files", "*.lock"], cwd=sources.ROOT, capture_output=True, text=True, check=True)

    assert set(there.stdout.split()) == set(audit.PINNED)


def test_a_release_does_not_go_on_without_it() -> None:
    steps = (sources.ROOT / ".github/workflows/release.yaml").read_text().splitlines()
    runs = [line.split("run: ", 1)[1] for line in steps if "run: " in line]

    assert runs.index("make audit") < runs.index("make package")
