"""Consumer groups in memory: join, leave, eager rebalance, static members, committed offsets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count

from tradewire.ports.bus import OnPlaces, Place, Record, SubscriptionPort
from tradewire.ports.errors import FatalError, FencedError, TradewireError
from tradewire.runtime.bus.memory_log import MemoryLog, MemoryReader
from tradewire.runtime.bus.partitioner import group_start, range_assignment

Logs = dict[str, list[MemoryLog]]


class GroupMember(SubscriptionPort):
    """One subscription: a reader of the partitions that its seat in the group owns."""

    def __init__(
        self,
        group: MemoryGroup,
        seat: str,
        logs: Logs,
        *,
        on_assigned: OnPlaces,
        on_revoked: OnPlaces,
        static: bool,
    ) -> None:
        self.seat, self.logs, self.static = seat, logs, static
        self.reader, self.owned, self.alive = MemoryReader(), frozenset[Place](), True
        self._group, self._on_assigned, self._on_revoked = group, on_assigned, on_revoked
        self._assigned = False

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        return await self.reader.poll(max_records=max_records, timeout_s=timeout_s)

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        if self.holds():
            self._group.committed.update({place: offset for place, offset in offsets.items() if place in self.owned})

    def assignment(self) -> frozenset[Place]:
        return self.owned

    def holds(self) -> bool:
        return self._group.has(self)

    def pause(self, places: Sequence[Place]) -> None:
        self.reader.pause(places)

    def resume(self, places: Sequence[Place]) -> None:
        self.reader.resume(places)

    async def lag(self) -> dict[Place, int]:
        return {place: cursor.log.end - cursor.position for place, cursor in self.reader.cursors.items()}

    async def close(self) -> None:
        """Leave; a static member's partitions wait for its return. Nothing is committed here."""
        if self.alive:
            self.retire()
            await self.reader.close()
            self._group.leave(self)

    def retire(self) -> None:
        """Own nothing, read nothing, for good."""
        self.alive = False
        self.owned = frozenset()
        self.reader.shut()

    async def revoke(self) -> None:
        """Give everything up: delivery stops, then the callback may still commit."""
        self.reader.shut()
        if self.owned:
            await self._call(self._on_revoked, sorted(self.owned))
        self.owned, self._assigned = frozenset(), False

    async def assign(self, places: Sequence[Place]) -> None:
        """Own ``places`` from their committed offsets on; delivery starts after the callback."""
        if not self.alive:
            return
        self.owned, self._assigned = frozenset(places), True
        for place in places:
            log = self.logs[place.topic][place.partition]
            start = group_start(self._group.committed.get(place), begin=log.begin, end=log.end)
            self.reader.open(log, start, held=True)
        await self._call(self._on_assigned, places)
        self.reader.release()

    @property
    def joined(self) -> bool:
        """Has the group given out its partitions?"""
        return self.alive and self._assigned

    async def _call(self, callback: OnPlaces, places: Sequence[Place]) -> None:
        try:
            await callback(places)
        except TradewireError as error:
            self.reader.fail(error)
        except Exception as error:
            failure = FatalError(f"{callback} failed: {error!r}")
            failure.__cause__ = error
            self.reader.fail(failure)


class MemoryGroup:
    """The members of a consumer group and the offsets they stored."""

    def __init__(self, name: str, *, session_s: float) -> None:
        self.name, self._session_s = name, session_s
        self.committed: dict[Place, int] = {}
        self._members: dict[str, GroupMember] = {}
        self._away: dict[str, tuple[GroupMember, asyncio.TimerHandle]] = {}
        self._seats: dict[str, list[Place]] = {}
        self._returned: list[GroupMember] = []
        self._numbers = count(1)
        self._changed = False
        self._task: asyncio.Task[None] | None = None

    def join(self, logs: Logs, *, on_assigned: OnPlaces, on_revoked: OnPlaces, static: str | None) -> GroupMember:
        """A new member. A static one that returns takes its own seat, and nobody else notices."""
        seat = static or f"{self.name}-{next(self._numbers)}"
        member = GroupMember(
            self, seat, logs, on_assigned=on_assigned, on_revoked=on_revoked, static=static is not None
        )
        previous = self._members.get(seat)
        if previous is not None:
            previous.retire()
            previous.reader.fail(FencedError(f"another member of group {self.name} joined as {seat}"))
        elif seat in self._away:
            previous, timer = self._away.pop(seat)
            timer.cancel()
        self._members[seat] = member
        if previous is not None and previous.logs.keys() == logs.keys() and seat in self._seats:
            self._returned.append(member)
        else:
            self._changed = True
        self._settle()
        return member

    def has(self, member: GroupMember) -> bool:
        """Does it have its seat?"""
        return self._members.get(member.seat) is member

    def leave(self, member: GroupMember) -> None:
        """Take a closed member out: at once or, if static, when its session is over."""
        if not self.has(member):
            return
        del self._members[member.seat]
        if member.static:
            timer = asyncio.get_running_loop().call_later(self._session_s, self._expire, member.seat)
            self._away[member.seat] = member, timer
        else:
            self._expire(member.seat)

    def close(self) -> None:
        """End background work; members stay as they are."""
        for _, timer in self._away.values():
            timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _expire(self, seat: str) -> None:
        self._away.pop(seat, None)
        self._seats.pop(seat, None)
        self._changed = True
        self._settle()

    def _settle(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._rebalance())

    async def _rebalance(self) -> None:
        """Give returned members their seats back, or all members new ones, until nothing changes any more."""
        while self._changed or self._returned:
            if not self._changed:
                member = self._returned.pop(0)
                await member.assign(self._seats[member.seat])
                continue
            self._changed = False
            self._returned.clear()
            await asyncio.gather(*(member.revoke() for member in self._members.values()))
            self._seats = self._assignment()
            await asyncio.gather(*(member.assign(self._seats[seat]) for seat, member in self._members.items()))

    def _assignment(self) -> dict[str, list[Place]]:
        seated = self._members | {seat: member for seat, (member, _) in self._away.items()}
        partitions = {topic: len(logs) for member in seated.values() for topic, logs in member.logs.items()}
        return range_assignment({seat: member.logs.keys() for seat, member in seated.items()}, partitions)
