"""docs/surfaces.md says of each provider what the router's table says."""

import re
from pathlib import Path
from typing import get_args

import pytest

from poolkeeper.api.endpoint import Provider
from routerlua import runtime

ROOT = Path(__file__).parents[2]
COLUMNS = ("messages", "responses", "beta")


def told() -> dict[str, tuple[bool, ...]]:
    page = (ROOT / "docs/surfaces.md").read_text().partition("## Which endpoints are asked")[2]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    return {
        name.strip(): tuple(cell.startswith("yes") for cell in cells)
        for names, *cells in rows
        for name in re.sub(r"\(.*\)", "", names).split(",")
    }


@pytest.mark.parametrize("provider", get_args(Provider))
def test_the_page_says_what_the_router_asks(provider: str) -> None:
    offers = runtime().eval(b'require("pool.offers").of')(provider.encode(), b"/v1")
    assert told()[provider] == tuple(offers[column.encode()] is not None for column in COLUMNS)
