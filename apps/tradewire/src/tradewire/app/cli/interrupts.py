"""Runs a command's coroutine so that Ctrl-C, once or many times, and SIGTERM always end it in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIGNAL_EXIT = 128
"""Exit code of a process that a signal ended is this plus the signal's number (POSIX shells)."""


class InterruptedRunError(BaseException):
    """The command was told to stop, and has stopped."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = SIGNAL_EXIT + number


def run_until_told(work: Callable[[], Coroutine[Any, Any, T]], told: Callable[[int], None]) -> T:
    """Run a coroutine to its end. The first signal cancels it; later ones are answered and change nothing.

    Parameters: told: called with 1, 2, … as signals arrive.
    Raises: InterruptedRunError after the coroutine's own clean-up; what the coroutine raises.
    """
    received: list[int] = []

    async def main() -> T:
        task = asyncio.ensure_future(work())

        def on_signal(number: int) -> None:
            received.append(number)
            told(len(received))
            if len(received) == 1:
                task.cancel()

        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
        try:
            return await task
        except BaseException as error:
            if received:
                raise InterruptedRunError(received[0]) from error
            raise

    return asyncio.run(main())
