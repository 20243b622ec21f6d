"""Dead letters of records that every instance of a service reads: one instance writes each.

It is the one that owns the first partition of the service's topics. The others leave a letter to it, and write what
nobody has written within ``GRACE_SECONDS``: the record may be bad to them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tradewire.ports.bus import Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.runtime.bus.readers import Reader
from tradewire.runtime.dead_letters.parking import Parking

GRACE_SECONDS = 10.0


class Unwritten(NamedTuple):
    """A record, why it can't be handled, and when that was found, in monotonic seconds."""

    record: Record
    error: ContractViolationError
    since_s: float


UnwrittenLetters = dict[tuple[Place, int], Unwritten]
"""By the offset of the record."""


class SharedLetters:
    """The letters that one worker leaves to another. ``left``: those of the worker before it in the same process."""

    def __init__(self, group_topics: Sequence[str], parking: Parking, clock: ClockPort, left: UnwrittenLetters) -> None:
        self._group_topics, self._parking, self._clock, self._left = sorted(group_topics), parking, clock, left
        self.group: Reader | None = None
        for one in left.values():
            parking.park(one.record)

    def leave(self, record: Record, error: ContractViolationError) -> bool:
        """Is the letter of a record left to another instance, for now? Not of what this one alone reads."""
        if record.topic in self._group_topics or self._leads():
            return False
        self._left.setdefault((record.place, record.offset), Unwritten(record, error, self._clock.monotonic_s()))
        return True

    def due(self, *, stopping: bool = False) -> list[Unwritten]:
        """Letters to write now: all that nobody has written, when this instance leads or stops, else the oldest."""
        now_s, every = self._clock.monotonic_s(), stopping or (bool(self._left) and self._leads())
        due: list[Unwritten] = []
        for place, one in list(self._left.items()):
            if not self._parking.is_unwritten(one.record):
                del self._left[place]
            elif every or now_s - one.since_s > GRACE_SECONDS:
                due.append(self._left.pop(place))
        return due

    def _leads(self) -> bool:
        """Without topics that are shared out there is one instance only."""
        return not self._group_topics or (self.group is not None and self.group.owns(Place(self._group_topics[0], 0)))
