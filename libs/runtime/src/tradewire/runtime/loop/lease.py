"""Nothing is written for partitions that may have another owner by now.

A process that was stopped (SIGSTOP, a frozen machine) for longer than its session goes on where it was, while another
member owns its partitions. Its group membership is a lease that runs out on our own clock before the group may give
the partitions away (``SubscriptionPort.holds``). It is looked at right before each write. When it has run out the
write waits: the group may yet confirm it. When the partitions go meanwhile, what was to be written is dropped, and the
worker begins anew from what is stored.

A process that was stopped just between the look and the write still writes once. Nothing follows from that write: see
docs/adr/0024-claims-in-changelogs.md.
"""

from __future__ import annotations

import asyncio
import logging

from tradewire.ports.errors import FatalError
from tradewire.runtime.bus.readers import Reader, taken
from tradewire.runtime.observe.progress import Progress

log = logging.getLogger(__name__)
CONFIRM_POLL_SECONDS = 0.02


class LeaseLostError(FatalError):
    """Partitions went to another member before what was done for them could be written: see ``failures``."""


class Lease:
    """One worker's. ``group``: its subscription, once it has one. ``moving``: partitions come or go just now."""

    def __init__(self) -> None:
        self.group: Reader | None = None
        self.moving = False

    def holds(self) -> bool:
        """Is what we own ours for certain?"""
        return self.group is None or self.group.holds()

    async def confirmed(self) -> None:
        """Return once it holds. Raises LeaseLostError when partitions move and it does not."""
        if self.holds():
            return
        log.warning("the group has not confirmed what we own: nothing is written", extra={"event": "lease_lapsed"})
        while not self.holds():
            if self.moving:
                raise LeaseLostError("partitions went to another member: what was done for them is dropped")
            await asyncio.sleep(CONFIRM_POLL_SECONDS)
        log.info("the group has confirmed what we own", extra={"event": "lease_confirmed"})

    async def wait(self, stopping: asyncio.Task[bool], progress: Progress) -> None:
        """Do nothing for a moment, because it does not hold. Raises what ended the subscription."""
        if self.group is not None and self.group.failed():
            taken(self.group, progress)
        await asyncio.wait({stopping}, timeout=CONFIRM_POLL_SECONDS)
