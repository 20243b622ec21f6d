"""Runs a command's coroutine so that Ctrl-C, once or many times, and SIGTERM always end in order."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedRunError(BaseException):
    """The command was told to stop, and has stopped. ``exit_code``: 128 + the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def say_stopping(count: int) -> None:
    """Tell the person who pressed Ctrl-C what happens now."""
    text = "stopping; nothing will be left running" if count == 1 else "still stopping: it takes a few seconds"
    sys.stderr.write(f"\n{text}\n")
    sys.stderr.flush()


def run_until_told(work: Callable[[], Coroutine[Any, Any, T]], told: Callable[[int], None] = say_stopping) -> T:
    """Run a coroutine to its end. The first signal cancels it; later ones are answered and change nothing.

    Raises: InterruptedRunError after the coroutine's own clean-up; what the coroutine raises.
    """
    received: list[int] = []

    async def main() -> T:
        task = asyncio.ensure_future(work())
        loop = asyncio.get_running_loop()

        def on_signal(number: int) -> None:
            received.append(number)
            told(len(received))
            if len(received) == 1:
                task.cancel()

        for number in SIGNALS:
            loop.add_signal_handler(number, on_signal, number)
        try:
            return await task
        except BaseException as error:
            if received:
                raise InterruptedRunError(received[0]) from error
            raise

    return asyncio.run(main())
