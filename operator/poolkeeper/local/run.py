"""The life of a `poolkeeper run`: first configuration, router up, then look again and again until asked to stop.

Level-triggered like the operator: every turn is a whole reconcile(), whether a file changed, the router reported
something, or nothing happened at all.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from poolkeeper.errors import PoolkeeperError, UserError
from poolkeeper.local import router_log
from poolkeeper.local.backend import LocalBackend
from poolkeeper.local.router import RouterProcess
from poolkeeper.reconcile import reconcile

TURN_S = 0.5
"""From one look to the next: an edit is live within about this and the router's own second."""
START_TURN_S = 0.1
START_LIMIT_S = 20.0
DRAIN_LIMIT_S = 60.0
"""Streams still open after this are cut. A second signal cuts them at once."""


async def serve(
    backend: LocalBackend,
    router: RouterProcess,
    now: Callable[[], datetime],
    stop: asyncio.Event,
    on_ready: Callable[[], None],
    on_trouble: Callable[[str], None],
) -> None:
    """Returns when stop is set and the router has begun to drain, raises UserError when it never became ready."""
    await reconcile(backend, backend.key, now())
    router.give(backend.environment)
    await router.start()
    await _until_ready(backend, router, now, stop)
    if not stop.is_set():
        on_ready()
    keeper = asyncio.create_task(router.keep_alive())
    try:
        await _until_stopped(backend, router, now, stop, on_trouble)
    finally:
        keeper.cancel()


async def _until_ready(
    backend: LocalBackend, router: RouterProcess, now: Callable[[], datetime], stop: asyncio.Event
) -> None:
    died = asyncio.create_task(router.ended())
    try:
        async with asyncio.timeout(START_LIMIT_S):
            while not backend.is_ready and not stop.is_set():
                if died.done():
                    raise UserError(f"the router {died.result()}\n  its log: {router.log}")
                await _pause(stop, START_TURN_S)
                await reconcile(backend, backend.key, now())
    except TimeoutError:
        await router.kill()
        raise UserError(f"the router was not ready within {START_LIMIT_S:g} s; its log: {router.log}") from None
    finally:
        died.cancel()


async def _until_stopped(
    backend: LocalBackend,
    router: RouterProcess,
    now: Callable[[], datetime],
    stop: asyncio.Event,
    on_trouble: Callable[[str], None],
) -> None:
    text, at_start = "", backend.at_start
    while not stop.is_set():
        await _pause(stop, TURN_S)
        router_log.bound(router.log)
        router_log.bound(router.request_log)
        try:
            await reconcile(backend, backend.key, now())
            text = ""
            if backend.at_start != at_start:
                router.give(backend.environment)
                await router.replace()
                at_start = backend.at_start
        except PoolkeeperError as error:
            if str(error) != text:
                text = str(error)
                on_trouble(text)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
