"""Somebody else's main function on a thread and a loop of its own, so that its end, or its hanging, is not ours.

It is asked to end and never waited for: the thread keeps no process alive.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress

LOG = logging.getLogger(__name__)


class OwnLoop:
    """ended: why it ended, and "" while it runs or after it was asked to end."""

    def __init__(self, name: str, main: Callable[[], Coroutine[object, object, None]]) -> None:
        self.ended = ""
        self._main = main
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def stop(self) -> None:
        self._is_stopped = True
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())

    def _run(self) -> None:
        why = "it returned"
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner, suppress(asyncio.CancelledError):
                runner.run(self._whole())
        except Exception as error:  # whatever it is, the thread ends here, and who started it decides
            LOG.exception("%s has ended", threading.current_thread().name)
            why = f"{type(error).__name__}: {error}"
        finally:
            self.ended = "" if self._is_stopped else why

    async def _whole(self) -> None:
        self._task = asyncio.current_task()
        if not self._is_stopped:
            await self._main()
