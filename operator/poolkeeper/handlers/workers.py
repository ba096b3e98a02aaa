"""Taking keys from the queue and having them worked on, a few at a time, for ever."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from poolkeeper.errors import Refused, RetryLater
from poolkeeper.handlers.work_queue import WorkQueue

LOG = logging.getLogger(__name__)

K = TypeVar("K")


@dataclass(frozen=True)
class Gone:
    """The object does not exist any more: nothing to come back for."""


@dataclass(frozen=True)
class Again:
    """Done for now; look again after so long, even if no watch fires."""

    in_s: float


class Workers(Generic[K]):
    """work: RetryLater and Refused from it mean a back-off. done: called with each result and its seconds."""

    def __init__(
        self,
        queue: WorkQueue[K],
        work: Callable[[K], Awaitable[Gone | Again]],
        parallel: int,
        clock_s: Callable[[], float],
        done: Callable[[str, float], None],
    ) -> None:
        self._queue = queue
        self._work = work
        self._free = asyncio.Semaphore(parallel)
        self._clock_s = clock_s
        self._done = done
        self._woken = asyncio.Event()

    def enqueue(self, key: K, in_s: float = 0.0) -> None:
        self._queue.add(key, self._clock_s() + in_s)
        self._woken.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._free.acquire()
                tasks.create_task(self._one(await self._next()))

    async def _next(self) -> K:
        while True:
            self._woken.clear()
            key = self._queue.take(self._clock_s())
            if key is not None:
                return key
            due_s = self._queue.next_due_s()
            try:
                async with asyncio.timeout(None if due_s is None else max(0.0, due_s - self._clock_s())):
                    await self._woken.wait()
            except TimeoutError:
                continue  # something is due

    async def _one(self, key: K) -> None:
        started_s = self._clock_s()
        result = "ok"
        try:
            outcome = await self._work(key)
            if isinstance(outcome, Again):
                self._queue.succeeded(key, self._clock_s(), outcome.in_s)
            else:
                result = "gone"
                self._queue.forget(key, self._clock_s())
        except RetryLater as error:
            result = "retry"
            self._failed(key, result, str(error), error.after_s)
        except Refused as error:
            result = "refused"
            self._failed(key, result, str(error))
        except Exception:  # a bug that one object hits must not stop the work on all others
            result = "bug"
            delay_s = self._queue.failed(key, self._clock_s())
            LOG.exception("this should not happen; again in %.1f s", delay_s, extra={"pool": key, "result": result})
        finally:
            self._done(result, self._clock_s() - started_s)
            self._free.release()
            self._woken.set()

    def _failed(self, key: K, result: str, why: str, after_s: float | None = None) -> None:
        delay_s = self._queue.failed(key, self._clock_s(), after_s)
        LOG.warning("%s; again in %.1f s", why, delay_s, extra={"pool": key, "result": result})
