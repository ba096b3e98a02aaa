"""An asyncio server in a thread of its own, for as long as the `with` block lasts."""

import asyncio
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

PATIENCE_S = 30.0
"""A hang guard on start and end."""


class LoopThread(ABC):
    """self._loop runs `_run`: it sets self._started when it can be used, and returns soon after self._ended is set."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._started = threading.Event()

    @abstractmethod
    async def _run(self) -> None: ...

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._started.wait(PATIENCE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(PATIENCE_S)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:  # it cancels what is still open
            runner.run(self._run())
