"""Whatever members do, a group loses nothing, keeps the order of keys, and never goes behind a commit."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.bus import Outgoing, Place
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.testkit.bus_suite.harness import Owner

PARTITIONS = 3
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, PARTITIONS - 1), st.integers(1, 4)),
        st.tuples(st.just("poll"), st.integers(0, 3), st.integers(1, 5)),
        st.tuples(st.just("commit"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("join"), st.just(0), st.just(0)),
        st.tuples(st.just("close"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("pause"), st.integers(0, 3), st.integers(0, PARTITIONS - 1)),
        st.tuples(st.just("resume"), st.integers(0, 3), st.integers(0, PARTITIONS - 1)),
    ),
    max_size=40,
)


class Story:
    """Carries steps out and checks every delivery against a model: a list per partition and the committed offsets."""

    def __init__(self) -> None:
        self.bus = MemoryBus({"t": PARTITIONS})
        self.owners: list[Owner] = []
        self.positions: list[dict[Place, int]] = []
        self.committed: dict[Place, int] = defaultdict(int)
        self.delivered: set[tuple[int, int]] = set()
        self.ends = [0] * PARTITIONS

    async def publish(self, partition: int, records: int) -> None:
        await self.bus.publish([Outgoing("t", b"k", b"v", partition=partition) for _ in range(records)])
        self.ends[partition] += records

    async def join(self, _: int, __: int) -> None:
        self.owners.append(await Owner().join(self.bus, ["t"], "g"))
        self.positions.append({})
        await self._settled()

    async def poll(self, who: int, records: int) -> None:
        if who >= len(self.owners):
            return
        owner, positions = self.owners[who], self.positions[who]
        for record in await owner.subscription.poll(max_records=records, timeout_s=0):
            assert record.place in owner.owned, "a record of somebody else's partition"
            expected = positions.get(record.place, self.committed[record.place])
            assert record.offset == expected, "a gap, a repetition or a wrong start"
            positions[record.place] = record.offset + 1
            self.delivered.add((record.partition, record.offset))

    async def commit(self, who: int, _: int) -> None:
        if who < len(self.owners):
            await self.owners[who].subscription.commit(self.positions[who])
            self.committed.update(self.positions[who])

    async def close(self, who: int, _: int) -> None:
        if who < len(self.owners):
            await self.owners.pop(who).subscription.close()
            self.positions.pop(who)
            await self._settled()

    async def pause(self, who: int, partition: int) -> None:
        if who < len(self.owners):
            self.owners[who].subscription.pause([Place("t", partition)])

    async def resume(self, who: int, partition: int) -> None:
        if who < len(self.owners):
            self.owners[who].subscription.resume([Place("t", partition)])

    async def _settled(self) -> None:
        """A rebalance is over when nobody else runs on the loop; who got an assignment starts at the commits."""
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        self.positions = [
            {place: at for place, at in positions.items() if place in owner.owned and not _restarted(owner)}
            for owner, positions in zip(self.owners, self.positions, strict=True)
        ]
        for owner in self.owners:
            owner.history.clear()

    async def finish(self) -> None:
        """A last member takes over and reads the rest."""
        while self.owners:
            await self.close(0, 0)
        await self.join(0, 0)
        while self.positions[0] != {Place("t", p): end for p, end in enumerate(self.ends) if end}:
            before = dict(self.positions[0])
            await self.poll(0, 100)
            await self.commit(0, 0)
            if self.positions[0] == before:
                break
        await self.close(0, 0)


def _restarted(owner: Owner) -> bool:
    return any(kind == "assigned" for kind, _ in owner.history)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_group_when_members_come_go_and_pause_then_nothing_is_lost_or_disordered(
    steps: list[tuple[str, int, int]],
) -> None:
    async def told() -> None:
        story = Story()
        for action, first, second in steps:
            await getattr(story, action)(first, second)
        await story.finish()
        everything = {(partition, n) for partition, end in enumerate(story.ends) for n in range(end)}
        assert story.delivered == everything
        places = [Place("t", partition) for partition in range(PARTITIONS)]
        assert await story.bus.committed("g", places) == {
            place: end or None for place, end in zip(places, story.ends, strict=True)
        }

    asyncio.run(told())
