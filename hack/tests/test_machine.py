"""What a page of measurements says of the product that it measured: no name of a commit, which a rebase takes away."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.bench import machine
from hack.bench.machine import content

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("operator/poolkeeper/a.py", "router/nginx.conf", "docs/page.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("change", "want_same"),
    [
        (write("docs/page.md", "other"), True),
        (write("operator/poolkeeper/a.pyc", "compiled"), True),
        (lambda folder: subprocess.run(["git", "-C", str(folder), "add", "."], check=True), True),
        (write("router/nginx.conf", "other"), False),
        (write("operator/poolkeeper/new.py", ""), False),
        (lambda folder: (folder / "router/nginx.conf").unlink(), False),
        (lambda folder: (folder / "router/nginx.conf").rename(folder / "router/other.conf"), False),
    ],
    ids=["page", "ignored file", "added to git", "changed", "new file", "file gone", "renamed"],
)
def test_the_content_is_that_of_the_product(checkout: Path, change: Callable[[Path], object], want_same: bool) -> None:
    before = content(checkout)
    change(checkout)
    assert (content(checkout) == before) is want_same


def test_a_page_names_what_it_measured_by_its_content() -> None:
    assert re.fullmatch(r"[0-9.]+, content [0-9a-f]{12}", machine.version())
    pages = {page.name: page.read_text() for page in DOCS.glob("*.md")}
    assert [name for name, text in pages.items() if re.search(r"\bcommit:? [0-9a-f]{7,40}\b", text)] == []
    assert sum("content " in text for text in pages.values()) > 3
