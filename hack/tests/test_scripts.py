"""What a script of hack/ starts or reads must be there: a moved file breaks its callers only when they run."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = [*sorted((ROOT / "hack").rglob("*.sh")), ROOT / "hack/cluster/cluster"]
BESIDE = re.compile(r"\$HERE/([\w./-]+)")
FROM_THE_ROOT = re.compile(r"(?<![\w/$}-])(hack/[\w./-]+?)(?=[\s\"';)<>|&`:,]|$)", re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_script_names_only_files_that_exist(script: Path) -> None:
    missing = [path for path in paths_in(script) if not path.exists()]

    assert missing == []


def test_make_names_only_files_that_exist() -> None:
    named = [ROOT / found for found in FROM_THE_ROOT.findall((ROOT / "Makefile").read_text())]

    assert named
    assert [path for path in named if not path.exists()] == []


def paths_in(script: Path) -> Iterator[Path]:
    text = script.read_text()
    for found in BESIDE.findall(text):
        if not found.endswith("/"):
            yield script.resolve().parent / found
    for found in FROM_THE_ROOT.findall(text):
        yield ROOT / found
