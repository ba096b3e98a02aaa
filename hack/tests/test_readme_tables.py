"""The README's tables are those of the pages, so that nobody writes them by hand."""

from pathlib import Path

import pytest

from hack.bench.conformance.page import CARD
from hack.bench.incidents.page import CALLERS_GOT
from hack.bench.readme import README, with_table
from hack.bench.speed.beside import BESIDE

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("page", "heading", "mark", "row"),
    [
        ("conformance.md", CARD, "scorecard", "| **all** |"),
        ("incidents.md", CALLERS_GOT, "incidents", "| Poolkeeper "),
        ("bench.md", BESIDE, "speed", "| tiny JSON: CPU a request, µs |"),
    ],
)
def test_the_readme_shows_the_page_s_table(page: str, heading: str, mark: str, row: str) -> None:
    readme = README.read_text()

    assert with_table(readme, (DOCS / page).read_text(), heading, mark) == readme
    assert row in readme


def test_a_readme_without_a_place_for_it_is_an_error() -> None:
    with pytest.raises(ValueError, match="scorecard"):
        with_table("# Hello\n", f"## {CARD}\n\n| a |\n", CARD, "scorecard")
