"""What the broker's answers tell a member: how long its partitions are surely its own, and who took its name.

A lease: nobody takes partitions of a member that asked and was told that the group is at peace, until its session or
the group's patience in a rebalance is over. Our count begins when we asked, so before the broker's. An answer that the
group is rebalancing extends the session but not that patience, so it does not extend the lease.

A name: aiokafka 0.14 sends no group.instance.id with heartbeats and commits, so the broker answers the fenced member
with UNKNOWN_MEMBER_ID, as it answers one whose session ran out; aiokafka then joins again under the same name, and
fences the other in turn, for ever. A member that the broker heard of within the session it forgets only for another of
its name.
Source: KIP-345, "Introduce static membership protocol".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IllegalGenerationError, UnknownMemberIdError

from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FencedError

FENCED_INSTANCE_ID = 82
"""Error code that aiokafka does not know."""
SESSION_SHARE = 0.9
"""Of the session: the rest is for the write that begins just before it is over."""
CONFIRMING = ("HeartbeatRequest", "SyncGroupRequest")
"""What the broker grants only to members of the group's generation, while the group is at peace."""
NO_MEMBER = {UnknownMemberIdError.errno, IllegalGenerationError.errno, FENCED_INSTANCE_ID}


class Fence:
    """Watches what the broker answers to one consumer; ``on_fenced`` is called once, before FencedError is raised.

    ``member``: the name of a static one. ``patience_s``: how long a rebalance waits for a member.
    """

    def __init__(
        self,
        member: str | None,
        session_s: float,
        patience_s: float,
        clock: ClockPort,
        on_fenced: Callable[[FencedError], None],
    ) -> None:
        self._member, self._trusted_s, self._clock = member, session_s * SESSION_SHARE, clock
        self._lease_s = min(session_s, patience_s) * SESSION_SHARE
        self._on_fenced = on_fenced
        self._heard_s = self._confirmed_s = float("-inf")

    def holds(self) -> bool:
        """Are the member's partitions surely its own?"""
        return self._clock.monotonic_s() < self._confirmed_s + self._lease_s

    def watch(self, consumer: AIOKafkaConsumer) -> None:
        """Look at every answer from now on. It names a method of the pinned version 0.14.0."""
        coordinator = consumer._coordinator
        send = coordinator._send_req

        async def watched(request: Any) -> Any:
            kind, asked_s = type(request).__name__, self._clock.monotonic_s()
            if kind == "LeaveGroupRequest":
                self._confirmed_s = float("-inf")
            response = await send(request)
            self.look(list(_codes(response)), asked_s, confirming=kind in CONFIRMING)
            return response

        coordinator._send_req = watched

    def look(self, codes: list[int], asked_s: float, *, confirming: bool) -> None:
        """The error codes of one answer to what was asked then. Raises FencedError."""
        now_s = self._clock.monotonic_s()
        if not NO_MEMBER.isdisjoint(codes):
            self._confirmed_s = float("-inf")
        forgotten = UnknownMemberIdError.errno in codes and now_s - self._heard_s < self._trusted_s
        if self._member is not None and (forgotten or FENCED_INSTANCE_ID in codes):
            fenced = FencedError(f"another process joined the group as {self._member}, the name of this one")
            self._on_fenced(fenced)
            raise fenced
        if not any(codes):
            self._heard_s = now_s
            if confirming:
                self._confirmed_s = max(self._confirmed_s, asked_s)


def _codes(response: Any) -> Iterator[int]:
    """Error codes of an answer to a heartbeat, join, sync, commit or offset request."""
    if hasattr(response, "error_code"):
        yield response.error_code
    for _, partitions in getattr(response, "topics", ()):
        for partition in partitions:
            yield partition[-1]
