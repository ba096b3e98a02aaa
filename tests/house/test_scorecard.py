"""The README's card is the one of the page, so that nobody writes it by hand."""

from pathlib import Path

import pytest
from hack.conformance.page import with_scorecard

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_shows_the_page_s_card() -> None:
    readme, page = (ROOT / "README.md").read_text(), (ROOT / "docs/conformance.md").read_text()

    assert with_scorecard(readme, page) == readme
    assert "| **all** |" in readme


def test_a_readme_without_a_place_for_it_is_an_error() -> None:
    with pytest.raises(ValueError, match="scorecard"):
        with_scorecard("# Hello\n", "## By failure class\n\n| a |\n")
