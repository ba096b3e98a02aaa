"""A real Chromium without a window, driven by its debugging protocol: one page, in any size and colour scheme."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiohttp

Colours = Literal["light", "dark"]
PROGRAM = "chromium"
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0")
LISTENS = re.compile(r"ws://127\.0\.0\.1:(\d+)/")
PATIENCE_S = 60.0
POLL_S = 0.1


@dataclass
class Page:
    socket: aiohttp.ClientWebSocketResponse
    asked: list[str] = field(default_factory=list)

    async def show(self, url: str, *, width: int, colours: Colours) -> None:
        scheme = {"name": "prefers-color-scheme", "value": colours}
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        await self._call("Emulation.setEmulatedMedia", features=[scheme])
        await self._call("Emulation.setDeviceMetricsOverride", **size)
        await self._call("Page.navigate", url=url)

    async def wait(self, holds: str) -> None:
        """holds: an expression of JavaScript that is true at last."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.value(f"Boolean({holds})"):
                await asyncio.sleep(POLL_S)

    async def value(self, expression: str) -> Any:
        """Of an expression of JavaScript; of a promise, what it brings. The page's own policy does not hold for it."""
        found = await self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise AssertionError(f"{expression[:100]}: {found['exceptionDetails']}")
        return found["result"].get("value")

    async def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            await self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key])

    async def _call(self, method: str, **parameters: object) -> Mapping[str, Any]:
        self.asked.append(method)
        mine = len(self.asked)
        await self.socket.send_json({"id": mine, "method": method, "params": parameters})
        async with asyncio.timeout(PATIENCE_S):
            async for message in self.socket:
                answer = json.loads(message.data)
                if answer.get("id") == mine:
                    if "error" in answer:
                        raise AssertionError(f"{method}: {answer['error']}")
                    result: Mapping[str, Any] = answer["result"]
                    return result
        raise AssertionError(f"{method}: the browser has closed its connection")


KEYS = {"Tab": 9, "Enter": 13}


@asynccontextmanager
async def page(folder: Path) -> AsyncIterator[Page]:
    """folder: of the browser's own files."""
    process = subprocess.Popen(
        [PROGRAM, *OPTIONS, f"--user-data-dir={folder}", "about:blank"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        found = next((match for line in process.stderr if (match := LISTENS.search(line))), None)
        assert found, "the browser ended before it listened"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{found[1]}/json") as answer:
                tabs = await answer.json()
            address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)
