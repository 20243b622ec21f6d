"""A group member for tests to kill: ``python -m tradewire.testkit.bus_suite.dead_member URL TOPIC GROUP MEMBER N``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from tradewire.ports.bus import Place
from tradewire.runtime.bus import connect
from tradewire.testkit.bus_suite.harness import read


async def _ignore(places: Sequence[Place]) -> None:
    return None


async def _main(url: str, topic: str, group: str, member: str, records: str) -> None:
    bus = connect(url)
    await bus.start()
    subscription = await bus.subscribe([topic], group, on_assigned=_ignore, on_revoked=_ignore, member=member or None)
    for record in await read(subscription, int(records)):
        print(record.offset, flush=True)
    while True:
        await subscription.poll(max_records=1, timeout_s=1)


async def read_and_die(url: str, topic: str, group: str, *, member: str | None, records: int) -> list[int]:
    """Offsets that another process read as a member of ``group`` before it was killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, url, topic, group, member or "", str(records), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    offsets = [int(await process.stdout.readline()) for _ in range(records)]
    process.kill()
    await process.communicate()
    return offsets


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
