"""What becomes of a record that an operator asked to pass over: said by the service that reads it.

An answer is a record of the dead-letter topic, in the partition of the operator's word. A word without one stays: the
service reads it at its next start, before its first record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from tradewire.ports.bus import EventBusPort, Place
from tradewire.runtime.bus.readers import Reader
from tradewire.runtime.dead_letters.parking import Parking
from tradewire.runtime.dead_letters.releases import Skip
from tradewire.runtime.dead_letters.skip_words import SkipAnswer, SkipOutcome, write_skip_answer
from tradewire.runtime.loop.publisher import Publisher


class SkipAnswers:
    """The answers of one worker. ``position``: offset behind the last record handled of a partition; None: none was;
    ``start``: where reading of a partition of the group begins; ``holds``: does a record wait in the service's memory?
    """

    def __init__(
        self,
        group_topics: Sequence[str],
        bus: EventBusPort,
        publisher: Publisher,
        parking: Parking,
        position: Callable[[Place], int | None],
        start: Callable[[Place], Awaitable[int]],
        holds: Callable[[Place, int], bool],
    ) -> None:
        self._group_topics, self._bus = frozenset(group_topics), bus
        self._publisher, self._parking = publisher, parking
        self._position, self._start, self._holds = position, start, holds

    async def step(self, group: Reader | None) -> None:
        """Answer each word about a partition that this worker reads. Raises FatalError."""
        for (at, offset), skip in list(self._parking.unanswered_skips()):
            place = Place(skip.topic, skip.partition)
            if place.topic in self._group_topics and (group is None or not group.owns(place)):
                continue
            position = self._position(place)
            if position is None and place.topic in self._group_topics:
                position = await self._publisher.until_done(partial(self._start, place), "find where to read")
            outcome = None if position is None else self._outcome(place, skip, position)
            if position is None or outcome is None:
                continue
            record = write_skip_answer(at, skip.topic, SkipAnswer(offset, outcome, position))
            await self._publisher.until_written(partial(self._bus.publish, [record]), "answer a skip")
            self._parking.skip_answered(at, offset)

    def _outcome(self, place: Place, skip: Skip, position: int) -> SkipOutcome | None:
        """None: the service is about to begin anew without a record that waits in its memory."""
        if self._parking.has_passed_over(place, skip.offset):
            return SkipOutcome.PASSED_OVER
        if skip.offset >= position:
            return SkipOutcome.AHEAD
        return None if self._holds(place, skip.offset) else SkipOutcome.HANDLED
