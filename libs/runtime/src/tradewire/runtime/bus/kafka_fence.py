"""Tells a static member that another process took its name.

aiokafka 0.14 sends no group.instance.id with heartbeats and commits, so the broker answers the fenced member with
UNKNOWN_MEMBER_ID, as it answers one whose session ran out; aiokafka then joins again under the same name, and fences
the other in turn, for ever. A member that the broker heard of within the session it forgets only for another of its
name.
Source: KIP-345, "Introduce static membership protocol".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import UnknownMemberIdError

from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FencedError

FENCED_INSTANCE_ID = 82
"""Error code that aiokafka does not know."""
SESSION_SHARE = 0.9
"""Of the session: the broker's count began a little before ours."""


class Fence:
    """Watches what the broker answers to one consumer; ``on_fenced`` is called once, before FencedError is raised."""

    def __init__(
        self, member: str, session_s: float, clock: ClockPort, on_fenced: Callable[[FencedError], None]
    ) -> None:
        self._member, self._trusted_s, self._clock = member, session_s * SESSION_SHARE, clock
        self._on_fenced = on_fenced
        self._heard_s = float("-inf")

    def watch(self, consumer: AIOKafkaConsumer) -> None:
        """Look at every answer from now on. It names a method of the pinned version 0.14.0."""
        coordinator = consumer._coordinator
        send = coordinator._send_req

        async def watched(request: Any) -> Any:
            response = await send(request)
            self.look(list(_codes(response)))
            return response

        coordinator._send_req = watched

    def look(self, codes: list[int]) -> None:
        """The error codes of one answer. Raises FencedError."""
        now_s = self._clock.monotonic_s()
        forgotten = UnknownMemberIdError.errno in codes and now_s - self._heard_s < self._trusted_s
        if forgotten or FENCED_INSTANCE_ID in codes:
            fenced = FencedError(f"another process joined the group as {self._member}, the name of this one")
            self._on_fenced(fenced)
            raise fenced
        if not any(codes):
            self._heard_s = now_s


def _codes(response: Any) -> Iterator[int]:
    """Error codes of an answer to a heartbeat, join, sync, commit or offset request."""
    if hasattr(response, "error_code"):
        yield response.error_code
    for _, partitions in getattr(response, "topics", ()):
        for partition in partitions:
            yield partition[-1]
