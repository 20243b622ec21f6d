"""Keys that wait: behind a dead letter of an account no later record is handled until an operator says so.

What is parked, and until when, is read from the service's own dead-letter topic, so every instance knows it, also after
a restart. An operator replays the letters of a key in order and then writes a release marker, which names the last
letter replayed and the offset behind the last record written again. The key is free from the first record behind that
offset on, and only if nothing was parked meanwhile: a record that arrived during the replay can't overtake it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.dead_letters import PARKED, is_release, letter_place, origin, released_until, replay_of, stage_of
from tradewire.runtime.readers import read_to_end

Key = tuple[str, bytes | None]
"""Topic and record key."""


@dataclass
class _Wait:
    """Why a key waits. ``unread``: places of records parked by us whose letters have not been read back yet;
    ``failed_replay``: a replay of which a record failed again, so that what follows in it must wait too."""

    newest_letter: int = -1
    unread: set[tuple[int, int]] = field(default_factory=set)
    released_letter: int = -1
    until_offset: int = 0
    failed_replay: str | None = None

    def over(self, offset: int) -> bool:
        """May the record at ``offset`` be handled again?"""
        return not self.unread and self.newest_letter <= self.released_letter and offset >= self.until_offset


class Parking:
    """The waiting keys of one service."""

    def __init__(self, service: str) -> None:
        self._topic = DEAD_LETTERS.get(service)
        self._waits: dict[Key, _Wait] = {}

    def __len__(self) -> int:
        """Keys that wait."""
        return len(self._waits)

    async def restore(self, bus: EventBusPort) -> dict[Place, int]:
        """Read the dead-letter topic as it is now; returns where to read on. Raises RetryableError."""
        if self._topic is None:
            return {}
        places = [Place(self._topic, p) for p in range(await bus.partitions(self._topic))]
        starts = await bus.end_offsets(places)
        async for record in read_to_end(bus, self._topic):
            self._take(record)
            starts[record.place] = max(starts[record.place], record.offset + 1)
        return starts

    def sort_out(self, records: Iterable[Record]) -> list[Record]:
        """Take letters and markers in; returns the other records."""
        others = []
        for record in records:
            if record.topic == self._topic:
                self._take(record)
            else:
                others.append(record)
        return others

    def park(self, record: Record) -> None:
        """A dead letter was written for ``record``: where order matters (account keys), its key waits from now on."""
        if TOPICS[record.topic].group == "A":
            wait = self._waits.setdefault((record.topic, record.key), _Wait())
            wait.unread.add((record.partition, record.offset))
            wait.failed_replay = replay_of(record) or wait.failed_replay

    def holds(self, record: Record) -> bool:
        """Must ``record`` wait? One that an operator replays goes through, unless one before it failed again."""
        key = (record.topic, record.key)
        wait = self._waits.get(key)
        if wait is None:
            return False
        replay = replay_of(record)
        if replay is not None:
            return replay == wait.failed_replay
        if wait.over(record.offset):
            del self._waits[key]
            return False
        return True

    def _take(self, record: Record) -> None:
        """A letter or a marker of the topic; whatever else somebody wrote there says nothing."""
        source = origin(record)
        if source is None or source[0] not in TOPICS or TOPICS[source[0]].group != "A":
            return
        if is_release(record):
            wait = self._waits.get(source)
            if wait is not None:
                wait.released_letter, wait.until_offset = released_until(record)
            return
        wait = self._waits.setdefault(source, _Wait())
        wait.newest_letter = record.offset
        wait.unread.discard(letter_place(record))
        if stage_of(record) != PARKED:
            wait.failed_replay = replay_of(record) or wait.failed_replay
