"""Waiting for servers, and for the end of things, without ever being deaf to a stop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from tradewire.ports.errors import RetryableError
from tradewire.runtime.observe.progress import Progress

log = logging.getLogger(__name__)
CONNECT_PAUSE_SECONDS_FIRST = 0.1
CLOSE_SECONDS = 3.0
"""Longest that the bus, and longest that the exporter of spans, may take to close."""
T = TypeVar("T")


async def until_reached(
    attempt: Callable[[], Awaitable[T]],
    *,
    stop: asyncio.Event,
    pause_seconds_max: float,
    note: Callable[[str], None] = lambda _: None,
) -> T | None:
    """Try until servers answer, however long that takes; None when ``stop`` came first. ``note``: told of failures.

    Raises what is no RetryableError.
    """
    pause_s = CONNECT_PAUSE_SECONDS_FIRST
    while not stop.is_set():
        try:
            return await unless_stopped(attempt(), stop)
        except RetryableError as error:
            note(str(error))
            log.warning("not reachable, trying again: %s", error, extra={"event": "not_reachable"})
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause_s)
        pause_s = min(pause_s * 2, pause_seconds_max)
    return None


async def unless_stopped(work: Awaitable[T], stop: asyncio.Event) -> T | None:
    """What ``work`` returns; None, and the work is cancelled, when ``stop`` comes first."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


async def closed(closing: Awaitable[None], what: str) -> None:
    """Wait for an end, in bounded time."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await closing
    except TimeoutError:
        log.warning(
            "%s did not close within %.0f s", what, CLOSE_SECONDS, extra={"event": "close_timeout", "what": what}
        )


async def in_thread(call: Callable[[], None]) -> None:
    """``call`` in a thread that the end of the process does not wait for."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        call()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=work, daemon=True).start()
    await done.wait()


def limit_drain(stopping: asyncio.Task[bool], limit: asyncio.Timeout, seconds: float, progress: Progress) -> None:
    """A stop was asked for: what is under way may take so long, unless it is over already."""
    if stopping.cancelled():
        return
    progress.phase = "stopping"
    with suppress(RuntimeError):
        limit.reschedule(asyncio.get_running_loop().time() + seconds)
