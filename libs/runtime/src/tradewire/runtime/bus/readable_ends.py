"""Where partitions end for a reader: behind the last record, not behind offsets that have none.

A bus tells the offset behind the last one that was given out. Compaction removes records and markers of transactions
take offsets, so whoever compares a reader's position with that end may find it behind for ever.
"""

from __future__ import annotations

from collections.abc import Mapping

from tradewire.ports.bus import EventBusPort, Place


class ReadableEnds:
    """Of the partitions of one reader. The bus is asked about those whose position stands still, ever more seldom."""

    def __init__(self, bus: EventBusPort) -> None:
        self._bus = bus
        self._still: dict[Place, tuple[int, int]] = {}
        self._read_whole: dict[Place, tuple[int, int]] = {}

    async def of(self, positions: Mapping[Place, int], ends: Mapping[Place, int]) -> dict[Place, int]:
        """``ends``, but the position where nothing is left to be read from there on. Raises RetryableError.

        Where a position moved since the last call, something may still come: the end is as the bus told it.
        """
        behind = {place: at for place, at in positions.items() if at < ends[place]}
        self._still = {place: self._still_at(place, at) for place, at in behind.items()}
        self._read_whole = {p: known for p, known in self._read_whole.items() if known == (behind.get(p), ends.get(p))}
        asked = {p: at for p, at in behind.items() if p not in self._read_whole and _power_of_two(self._still[p][1])}
        found = await self._bus.next_offsets(asked) if asked else {}
        self._read_whole |= {place: (asked[place], ends[place]) for place in found if found[place] >= ends[place]}
        return {place: self._read_whole.get(place, (end, end))[0] for place, end in ends.items()}

    def _still_at(self, place: Place, at: int) -> tuple[int, int]:
        """The position and in how many calls before it was the same."""
        before, calls = self._still.get(place, (at, -1))
        return (at, calls + 1) if before == at else (at, 0)


def _power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


async def end_of_records(bus: EventBusPort, place: Place) -> int:
    """Offset behind the last record of a partition; where it begins when it has none. Raises RetryableError."""
    begin, end = (await bus.begin_offsets([place]))[place], (await bus.end_offsets([place]))[place]
    found, back = end, 1
    while found >= end and back < 2 * (end - begin):
        found, back = (await bus.next_offsets({place: max(begin, end - back)}))[place], 2 * back
    behind = begin
    while found < end:
        behind = found + 1
        found = (await bus.next_offsets({place: behind}))[place]
    return behind
