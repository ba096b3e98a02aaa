"""Every link of a Markdown file to something of ours leads there: to a file or folder, and to a heading of it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:")
"""http:, https:, mailto: and the like."""


def pages() -> list[Path]:
    command = ["git", "ls-files", "-co", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def prose(text: str) -> str:
    """Without code, where brackets and # mean other things."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def links(text: str) -> Iterator[str]:
    return (found for found in LINK.findall(prose(text)) if not ELSEWHERE.match(found))


def anchors(text: str) -> set[str]:
    """Of its headings, named as GitHub does."""
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?)\s*#*$", without_code, re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        number = 1
        while (once_more := name if number == 1 else f"{name}-{number - 1}") in found:
            number += 1
        found.add(once_more)
    return found


def broken(page: Path, root: Path = ROOT) -> Iterator[str]:
    for link in links(page.read_text()):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if root not in target.parents or not target.exists():
            yield f"{link}: there is no such file"
        elif anchor and anchor not in anchors(target.read_text()):
            yield f"{link}: there is no such heading"


def test_there_are_pages_and_links_to_look_at() -> None:
    assert sum(len(list(links(page.read_text()))) for page in pages()) > 50


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


def test_the_index_leads_to_every_page_of_the_documentation() -> None:
    docs = ROOT / "docs"
    linked = {(docs / link.partition("#")[0]).resolve() for link in links((docs / "README.md").read_text())}
    single = {page for folder in (docs, docs / "reference") for page in folder.glob("*.md")} - {docs / "README.md"}

    assert single - linked == set()
    assert {docs / "adr", docs / "runbooks/README.md"} <= linked


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("[a](here.md)", ["here.md: there is no such file"]),
        ("[a](#nowhere)", ["#nowhere: there is no such heading"]),
        ("[a](/etc/passwd)", ["/etc/passwd: there is no such file"]),
        ("`[a](here.md)` and [b](https://example.com)\n```\n[c](there.md)\n```\n", []),
        ("# Say: `poolkeeper run`, twice\n[a](#say-poolkeeper-run-twice)\n", []),
        ("# One\n# One\n[a](#one-1)\n", []),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, text: str, want: list[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)

    assert list(broken(page, tmp_path)) == want
