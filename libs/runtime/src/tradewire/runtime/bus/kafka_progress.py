"""Tells a stuck consumer from one that has nothing to do, from facts of our own (aiokafka#1154, #1037).

Only time in which we polled and the broker answered counts: after an outage, or a long wait of our own, it begins anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tradewire.ports.bus import Place, Record


class PartitionProgress:
    """Positions, ends and when each last moved. All times are the clock's monotonic seconds."""

    def __init__(self, *, stall_s: float, fresh_s: float) -> None:
        self._stall_s, self._fresh_s = stall_s, fresh_s
        self.positions: dict[Place, int] = {}
        self._ends: dict[Place, int] = {}
        self._moved_s: dict[Place, float] = {}
        self._polled_s = self._answered_s = float("-inf")

    def on_assigned(self, places: Collection[Place], now_s: float) -> None:
        """A new assignment: nothing is known of it yet."""
        self.positions, self._ends = {}, {}
        self._moved_s = dict.fromkeys(places, now_s)

    def on_polled(self, records: Sequence[Record], now_s: float) -> None:
        """A poll returned ``records``."""
        self._count_anew_after(self._polled_s, now_s)
        self._polled_s = now_s
        # In order per partition, so the last one of each counts.
        for (topic, partition), offset in {(r.topic, r.partition): r.offset for r in records}.items():
            place = Place(topic, partition)
            self.positions[place] = offset + 1
            self._moved_s[place] = now_s

    def on_answered(self, ends: Mapping[Place, int], starts: Mapping[Place, int], now_s: float) -> None:
        """The broker told its end offsets; ``starts`` is where reading begins in places not read from yet."""
        self._count_anew_after(self._answered_s, now_s)
        self._answered_s = now_s
        for place, end in ends.items():
            if self.positions.setdefault(place, starts.get(place, 0)) >= end:
                self._moved_s[place] = now_s
        self._ends = dict(ends)

    def _count_anew_after(self, last_s: float, now_s: float) -> None:
        if now_s - last_s > self._fresh_s:
            self._moved_s = dict.fromkeys(self._moved_s, now_s)

    def stalled(self, paused: Collection[Place], now_s: float) -> list[Place]:
        """Places with records for us that a living reader has not been given for ``stall_s``."""
        if now_s - self._answered_s > self._fresh_s or now_s - self._polled_s > self._fresh_s:
            return []
        return [
            place
            for place, end in self._ends.items()
            if place not in paused
            and self.positions[place] < end
            and now_s - self._moved_s.get(place, now_s) > self._stall_s
        ]
