"""A member of a consumer group whose state is kept in Redis.

Members meet in a script (``redis_wire.MEETING``) at every heartbeat. Each change of who is in makes a new generation;
a member that sees one gives up all it owns and acknowledges; when all have, each works out the same assignment.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from tradewire.ports.bus import OnPlaces, Place, Record, SubscriptionPort
from tradewire.ports.errors import FatalError, FencedError, RetryableError, TradewireError
from tradewire.runtime.bus.partitioner import group_start, range_assignment
from tradewire.runtime.bus.redis_reader import RedisReader
from tradewire.runtime.bus.redis_wire import group_key, offset_field, translated
from tradewire.runtime.bus.tasks import end

if TYPE_CHECKING:
    from tradewire.runtime.bus.redis_streams import RedisBus

log = logging.getLogger(__name__)

REBALANCE_POLL_SECONDS = 0.05
LEASE_SHARE = 0.9
"""Of a session: the rest is for the write that begins just before it is over."""


class Meeting(NamedTuple):
    """What a member learns at a heartbeat. ``asked_s``: when it asked, before the servers counted anything."""

    asked_s: float

    fenced: bool
    generation: int
    ready: bool
    subscriptions: dict[str, list[str]]


class RedisSubscription(SubscriptionPort):
    """A group member with a lease on its seat; it stops by itself when it can't renew the lease in time."""

    def __init__(
        self,
        bus: RedisBus,
        topics: Sequence[str],
        group: str,
        *,
        on_assigned: OnPlaces,
        on_revoked: OnPlaces,
        member: str | None,
    ) -> None:
        self._bus, self._topics, self._group = bus, sorted(topics), group
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        self._token, self._static = uuid4().hex, member is not None
        self._seat = member or self._token
        self._members, self._state = group_key(group, "members"), group_key(group, "state")
        self._owned: frozenset[Place] = frozenset()
        self._seen = self._acknowledged = self._taken = 0
        self._turn: asyncio.Task[None] | None = None
        self._turned = asyncio.Event()
        self._met_s, self._sure_until_s = bus.clock.monotonic_s(), float("-inf")
        self._reader = RedisReader(bus)
        self._keeping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take a seat; the assignment follows. Raises RetryableError."""
        try:
            meeting = await self._meet("join")
        except TradewireError:
            await self._reader.close()
            raise
        self._advance(meeting)
        self._keeping = asyncio.create_task(self._keep())

    # ---- the port ------------------------------------------------------------------------------------------

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        return await self._reader.poll(max_records=max_records, timeout_s=timeout_s)

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        if not self.holds():
            return
        fields = [(offset_field(place), offset) for place, offset in offsets.items() if place in self._owned]
        if not fields:
            return
        with translated(f"committing offsets of group {self._group}"):
            await self._bus.commit(
                keys=[self._members, group_key(self._group, "offsets")],
                args=[self._seat, self._token, self._taken, *(item for field in fields for item in field)],
            )

    def assignment(self) -> frozenset[Place]:
        return self._owned

    def holds(self) -> bool:
        return self._bus.clock.monotonic_s() < self._sure_until_s

    def pause(self, places: Sequence[Place]) -> None:
        self._reader.pause(places)

    def resume(self, places: Sequence[Place]) -> None:
        self._reader.resume(places)

    async def lag(self) -> dict[Place, int]:
        positions = dict(self._reader.positions)
        ends = await self._bus.end_offsets(list(positions))
        return {place: max(0, ends[place] - position) for place, position in positions.items()}

    async def close(self) -> None:
        """Leave; a static member's seat is kept until its lease is over. Nothing is committed here."""
        self._bus.forget(self)
        self._owned = frozenset()
        for task in (self._keeping, self._turn):
            await end(task, timeout_s=self._bus.settings.close_s)
        await self._reader.close()
        if not self._static:
            with suppress(RetryableError):
                await self._meet("leave")

    # ---- meetings -------------------------------------------------------------------------------------------

    async def _meet(self, step: str) -> Meeting:
        settings, asked_s = self._bus.settings, self._bus.clock.monotonic_s()
        with translated(f"meeting group {self._group}"):
            fenced, generation, ready, subscriptions = await self._bus.meeting(
                keys=[self._members, self._state],
                args=[
                    self._seat,
                    self._token,
                    json.dumps(self._topics),
                    step,
                    self._acknowledged,
                    round(settings.session_s * 1000),
                    round(settings.rebalance_s * 1000),
                ],
            )
        self._met_s = asked_s
        if generation == self._taken and not fenced:
            self._sure_until_s = self._sure_until(asked_s)
        topics = {seat: json.loads(topics) for seat, topics in json.loads(subscriptions).items()}
        return Meeting(asked_s, bool(fenced), generation, bool(ready), topics)

    def _sure_until(self, asked_s: float) -> float:
        """How long the group keeps for us what it gave us in the generation that it told us of then.

        Nobody takes it before our session, or the group's patience in a rebalance, is over.
        """
        settings = self._bus.settings
        return asked_s + LEASE_SHARE * min(settings.session_s, settings.rebalance_s)

    async def _keep(self) -> None:
        """Renew the lease, and follow the group through its generations."""
        while True:
            settled = self._taken == self._seen
            with suppress(TimeoutError):
                async with asyncio.timeout(self._bus.settings.heartbeat_s if settled else REBALANCE_POLL_SECONDS):
                    await self._turned.wait()
            self._turned.clear()
            try:
                meeting = await self._meet("stay")
            except RetryableError as error:
                log.warning("heartbeat failed: %s", error, extra={"event": "redis_heartbeat_failed"})
                self._lose_if_expired()
                await asyncio.sleep(self._bus.settings.retry_s)
                continue
            except TradewireError as error:
                self._reader.fail(error)
                return
            if meeting.fenced:
                self._reader.open({})
                self._owned, self._sure_until_s = frozenset(), float("-inf")
                self._reader.fail(FencedError(f"another member of group {self._group} joined as {self._seat}"))
                return
            self._advance(meeting)

    def _advance(self, meeting: Meeting) -> None:
        """Begin what the group's generation asks for, unless something is still under way."""
        if self._turn is not None and not self._turn.done():
            return
        if meeting.generation != self._seen:
            self._seen = meeting.generation
            self._begin(self._give_up(meeting.generation))
        elif meeting.ready and self._taken != meeting.generation:
            self._begin(self._take(meeting))

    def _lose_if_expired(self) -> None:
        """The lease is over and someone else may own our partitions: stop as if they had been revoked."""
        expired = self._bus.clock.monotonic_s() - self._met_s > self._bus.settings.session_s
        if expired and self._owned and (self._turn is None or self._turn.done()):
            self._seen = 0
            self._begin(self._give_up(0))

    def _begin(self, turn: Coroutine[None, None, None]) -> None:
        self._turn = asyncio.create_task(turn)
        self._turn.add_done_callback(lambda _: self._turned.set())

    async def _give_up(self, generation: int) -> None:
        self._reader.open({})
        if self._owned:
            await self._call(self._on_revoked, sorted(self._owned))
        self._owned = frozenset()
        self._acknowledged = generation

    async def _take(self, meeting: Meeting) -> None:
        try:
            partitions = {
                topic: await self._bus.partitions(topic)
                for topics in meeting.subscriptions.values()
                for topic in topics
            }
            places = range_assignment(meeting.subscriptions, partitions)[self._seat]
            stored = await self._bus.committed(self._group, places)
            begins, ends = await self._bus.begin_offsets(places), await self._bus.end_offsets(places)
        except RetryableError as error:
            log.warning("assignment failed: %s", error, extra={"event": "redis_assignment_failed"})
            return
        self._taken, self._sure_until_s = meeting.generation, self._sure_until(meeting.asked_s)
        if not places:
            return
        self._owned = frozenset(places)
        starts = {place: group_start(stored[place], begin=begins[place], end=ends[place]) for place in places}
        self._reader.open(starts, held=True)
        await self._call(self._on_assigned, places)
        self._reader.release()

    async def _call(self, callback: OnPlaces, places: Sequence[Place]) -> None:
        try:
            await callback(places)
        except TradewireError as error:
            self._reader.fail(error)
        except Exception as error:
            failure = FatalError(f"{callback} failed: {error!r}")
            failure.__cause__ = error
            self._reader.fail(failure)
