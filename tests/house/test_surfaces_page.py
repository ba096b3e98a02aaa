"""docs/surfaces.md says of each provider what the router's table says, and names every error that the router makes."""

import re
from pathlib import Path
from typing import get_args

import pytest

from poolkeeper.api.endpoint import Provider
from testing.router_lua import runtime

ROOT = Path(__file__).parents[2]
COLUMNS = ("messages", "responses", "beta")


def promised() -> dict[str, tuple[bool, ...]]:
    page = (ROOT / "docs/surfaces.md").read_text().partition("## Which endpoints get the request")[2]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    return {
        name.strip(): tuple(cell.startswith("yes") for cell in cells)
        for names, *cells in rows
        for name in re.sub(r"\(.*\)", "", names).split(",")
    }


@pytest.mark.parametrize("provider", get_args(Provider))
def test_the_page_says_what_the_router_asks(provider: str) -> None:
    offers = runtime().eval(b'require("core.request.surface_support").of')(provider.encode(), b"/v1")
    want = tuple(offers[column.encode()] is not None for column in COLUMNS)

    assert promised().get(provider) == want, (
        f"wanted a row of docs/surfaces.md for {provider}, with yes for {COLUMNS}: {want}"
    )


def test_the_page_names_every_error_with_its_status() -> None:
    made = {
        (status, code)
        for file in (ROOT / "router/lua/nginx").rglob("*.lua")
        for status, code in re.findall(r'(?:refuse|shed)\(request, ([0-9]+), "(\w+)"', file.read_text())
    }
    by_nginx = set(re.findall(r'return ([0-9]+) .*"code":"(\w+)"', (ROOT / "router/nginx.conf").read_text()))
    page = (ROOT / "docs/surfaces.md").read_text().partition("## Errors")[2].partition("\n## ")[0]
    promised = {
        (status, code)
        for status, codes in re.findall(r"^\| ([0-9]+) \| ([^|]+) \|", page, re.MULTILINE)
        for code in re.findall(r"`(\w+)`", codes)
    }

    assert ("401", "unauthorized") in made
    assert ("400", "bad_request") in by_nginx
    assert made | by_nginx <= promised
    assert {code for _, code in promised - by_nginx} <= set(re.findall(r"\b[a-z_]+\b", _source()))


def test_the_page_names_every_error_that_ends_a_stream_or_is_made_elsewhere() -> None:
    page = (ROOT / "docs/surfaces.md").read_text()
    files = ("nginx/balancing/queue.lua", "nginx/request/relay.lua", "core/error/client_error.lua")
    source = "".join((ROOT / "router/lua" / file).read_text() for file in files)
    made = re.findall(r'"(\w+_(?:truncated|exceeded|full|timeout|by_provider))"', source)

    assert {"stream_truncated", "queue_full", "refused_by_provider"} <= set(made)
    assert [code for code in made if f"`{code}`" not in page] == []


def test_the_page_names_every_header_of_an_answer() -> None:
    page = (ROOT / "docs/surfaces.md").read_text()
    sent = set(re.findall(r'eaders?\["(x-[a-z-]+)"\] =', _source()))

    assert "x-poolkeeper-attempts" in sent
    missing = sorted(header for header in sent if f"`{header}`" not in page)
    assert not missing, f"{missing}: wanted a row in docs/surfaces.md"


def _source() -> str:
    return "".join(file.read_text() for file in sorted((ROOT / "router/lua").rglob("*.lua")))
