"""The pages that lead newcomers name files and folders that exist."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"(?<![\w/.*$~])((?:[\w.-]+/)+|(?:[\w.-]+/)*\w+\.(?:py|lua|yaml|json|conf|sh))(?![\w/*])")
"""A path, of a folder or of a file; or the name of a file."""
NO_FILES = {"router.json", "NAME.py", "REASON.md"}


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_a_page_names_files_that_exist(page: str) -> None:
    files = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True).splitlines()
    text = re.sub(r"https?://\S+|\]\([^)]*\)|POST \S+|GET \S+", "", (ROOT / page).read_text())
    named = {name for name in NAMED.findall(text) if name.rsplit("/", 1)[-1] not in NO_FILES}

    assert len(named) > 30
    assert [name for name in sorted(named) if not any(f"/{name}" in f"/{file}" for file in files)] == []
