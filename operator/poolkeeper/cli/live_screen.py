"""A page of the terminal that stays up to date, on a screen of its own: drawn again every second and with a new size.

When it ends, the last page stays where the person was before, and the screen is as it was.
"""

import signal
import time
from collections.abc import Callable
from datetime import datetime
from threading import Event
from typing import TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from poolkeeper.errors import PoolkeeperError

PERIOD_S = 1.0
T = TypeVar("T")


def pause() -> None:
    time.sleep(PERIOD_S)


def show(look: Callable[[], T], page: Callable[[T, int], RenderableType], now: Callable[[], datetime]) -> None:
    """page: gets what was seen and the number of columns. The first look's error ends it; a later one is shown above
    the last page, with its time, until a look succeeds again. Ctrl-C ends it."""
    console = Console()
    resized = Event()
    seen, seen_at, trouble = look(), now(), ""

    def whole() -> RenderableType:
        head = f"{seen_at.astimezone():%H:%M:%S}  every {PERIOD_S:g} s, Ctrl-C ends it"
        stale = [Text(f"STALE since {seen_at.astimezone():%H:%M:%S}: {trouble}", "bold red")] if trouble else []
        return Group(Text(head, "dim"), *stale, page(seen, console.width))

    before = signal.signal(signal.SIGWINCH, lambda number, frame: resized.set())
    try:
        with Live(whole(), console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(whole(), refresh=True)
                if resized.wait(PERIOD_S):
                    resized.clear()
                    continue
                try:
                    seen, seen_at, trouble = look(), now(), ""
                except PoolkeeperError as error:
                    trouble = str(error)
    finally:
        signal.signal(signal.SIGWINCH, before)
        console.print(whole())
