"""A group member for tests to stop and let go on: ``python -m ...bus_suite.stopped_member URL TOPIC GROUP``.

It prints what it thinks: when (monotonic seconds, the same clock for all processes), what happens, whether it holds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from tradewire.ports.bus import Place, SubscriptionPort
from tradewire.runtime.bus import connect
from tradewire.runtime.clock import SystemClock

THINKS_EVERY_SECONDS = 0.01
CLOCK = SystemClock()


class Thought(NamedTuple):
    """One line. ``at_s`` is no later than the answer."""

    at_s: float
    what: str
    holds: bool


async def _main(url: str, topic: str, group: str) -> None:
    member: SubscriptionPort | None = None

    def think(what: str) -> None:
        at_s = CLOCK.monotonic_s()
        print(at_s, what, int(member is not None and member.holds()), flush=True)

    async def on_assigned(_: Sequence[Place]) -> None:
        think("assigned")

    async def on_revoked(_: Sequence[Place]) -> None:
        think("revoked")

    bus = connect(url)
    await bus.start()
    member = await bus.subscribe([topic], group, on_assigned=on_assigned, on_revoked=on_revoked)
    while True:
        await member.poll(max_records=1, timeout_s=THINKS_EVERY_SECONDS)
        think("works" if member.assignment() else "waits")


class StoppedMember:
    """The process as its test sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def stop(self) -> None:
        """Let nothing of it run."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run where it was."""
        os.kill(self._process.pid, signal.SIGCONT)

    async def thought(self) -> Thought:
        """The next line."""
        assert self._process.stdout is not None
        at_s, what, holds = (await self._process.stdout.readline()).split()
        return Thought(float(at_s), what.decode(), holds == b"1")


@asynccontextmanager
async def stopped_member(url: str, topic: str, group: str) -> AsyncIterator[StoppedMember]:
    """Another process that is a member of ``group``, killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, url, topic, group, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield StoppedMember(process)
    finally:
        process.kill()
        await process.communicate()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
