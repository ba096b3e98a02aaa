"""The page for people who use a keyboard, a screen reader, a phone or a dark screen: axe's rules in a real browser,
during an outage; nothing runs out of a narrow screen; every control is reached by Tab."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from poolkeeper.dashboard.view_model import Document
from testing import browser, plain_http
from testing.browser import Colours, Page
from testing.fakes.harness import FakeProvider
from testing.gateways.environments import environment
from testing.runs.page import dashboard
from testing.runs.running import PATIENCE_S, Run, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which(browser.PROGRAM) is None, reason="needs chromium")]

AXE = ("axe-playwright-python==0.1.8 --hash=sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8",)
"""With axe-core 4.12.1, from the index of all other packages of Python: where this test runs, it is there."""
SCHEMES: tuple[Colours, ...] = ("light", "dark")
LOOKS = [(width, colours) for width in (1280, 360) for colours in SCHEMES]
FAULTS = (
    "axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.map("
    "(one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`))"
)
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTROLS = "document.querySelectorAll(':is(a[href], button, input, select, summary)').length"
FOCUSED = "(document.activeElement.dataset.met ??= String(Math.random())) && document.activeElement !== document.body"
MET = "document.querySelectorAll(':is(a, button, input, select, summary)[data-met]').length"


@pytest.fixture
def outage(manifests: Path, state: Path, official: FakeProvider) -> Iterator[str]:
    """The page's address, with a request that it searches for: a breaker is open, and another tier serves."""
    with Run(state, "-f", manifests) as run, dashboard(run, "chat") as url:
        official.set("error500")

        def is_out() -> bool:
            list(run.stream())
            found = Document.model_validate(json.loads(plain_http.get(f"{url}/pools.json", timeout=PATIENCE_S).text))
            return found.pools[0].endpoints[0].breaker == "Open"

        wait_until(is_out, "the open breaker on the page")
        yield f"{url}/#pool=default%2Fchat&request={run.ask().headers['x-request-id']}"


def axe() -> str:
    """axe-core, as this package has it; its browser is not ours, so it comes without what it depends on."""
    return next(environment("axe-wheel", AXE, alone=True).folder.rglob("axe.min.js")).read_text()


def test_axe_finds_no_fault_in_any_look_and_nothing_runs_out_of_the_screen(outage: str, tmp_path: Path) -> None:
    rules = axe()

    async def looks() -> dict[tuple[int, Colours], tuple[list[str], int]]:
        found = {}
        async with browser.page(tmp_path / "browser") as shown:
            for width, colours in LOOKS:
                await shown.show("about:blank", width=width, colours=colours)
                await drawn(shown, outage, width, colours)
                await shown.value(rules)
                found[width, colours] = (await shown.value(FAULTS), await shown.value(TOO_WIDE))
        return found

    assert asyncio.run(looks()) == dict.fromkeys(LOOKS, ([], 0))


def test_every_control_is_reached_by_the_keyboard(outage: str, tmp_path: Path) -> None:
    async def reached() -> tuple[int, int]:
        async with browser.page(tmp_path / "browser") as shown:
            await drawn(shown, outage, 1280, "light")
            controls = await shown.value(CONTROLS)
            for _ in range(2 * controls):
                await shown.press("Tab")
                await shown.value(FOCUSED)
            return await shown.value(MET), controls

    met, controls = asyncio.run(reached())

    assert controls > 5
    assert met == controls


async def drawn(shown: Page, url: str, width: int, colours: Colours) -> None:
    await shown.show(url, width=width, colours=colours)
    await shown.wait("document.querySelector('#page section') && document.querySelector('#hour canvas')")
    await shown.wait("document.querySelector('#found')")
