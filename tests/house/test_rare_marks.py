"""A run for a rare mark imports only test files that name it (conftest.py): a mark from elsewhere would be lost."""

import re
from pathlib import Path

from conftest import RARE_MARKS

ROOT = Path(__file__).resolve().parents[2]
MARK = re.compile(rf"\bmark\.({'|'.join(RARE_MARKS)})\b")


def test_a_rare_mark_stands_in_the_file_of_its_test() -> None:
    files = [file for folder in ("tests", "hack/tests", "testing") for file in (ROOT / folder).rglob("*.py")]
    found = [file.relative_to(ROOT) for file in files if MARK.search(file.read_text(encoding="utf-8"))]

    assert found
    assert [str(file) for file in found if not file.name.startswith("test_")] == []
