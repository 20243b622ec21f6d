"""Ending background tasks for sure."""

from __future__ import annotations

import asyncio
from typing import Any

CANCEL_SECONDS = 0.1


async def end(task: asyncio.Task[None] | None, *, timeout_s: float) -> None:
    """Cancel ``task`` until it is over or ``timeout_s`` passed; its outcome is of no interest.

    Once may not be enough: ``asyncio.wait_for`` of Python 3.11, which client libraries use, swallows a cancellation
    that comes together with its result (python/cpython#86296).
    """
    if task is None:
        return
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    while not task.done() and loop.time() < deadline_s:
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_SECONDS)
    if task.done() and not task.cancelled():
        task.exception()  # marks it as seen


async def stopped(task: asyncio.Task[Any]) -> None:
    """Cancel ``task`` and wait until it is over. Raises what it ended with, but for its cancellation.

    ``await task`` would not do: whoever suppresses the task's cancellation there suppresses its own as well, and goes
    on although it was told to end.
    """
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
