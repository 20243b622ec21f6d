"""Letters of parked keys are written again before retention removes them: no key comes free, or loses one, by itself.

A copy stands for its record as the letter before it does; of several the newest is handled. Whoever owns the partition
that the key was parked in writes it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.runtime.bus.readers import Reader, read_between
from tradewire.runtime.dead_letters.letters import copy_of
from tradewire.runtime.dead_letters.parking import Aged, Parking
from tradewire.runtime.loop.publisher import Publisher
from tradewire.runtime.observe.auditing import Audit

log = logging.getLogger(__name__)
AGE_DAYS = 10
"""Of a letter that is written again: a third of the retention, so a service may be away for the other two."""
LOOK_SECONDS = 3600.0
COPIES_MAX = 500
"""Copies that are written at once."""


class Keeping:
    """The letters that one worker keeps."""

    def __init__(
        self, group_topics: Sequence[str], bus: EventBusPort, publisher: Publisher, parking: Parking, audit: Audit
    ) -> None:
        self._group_topics, self._bus = frozenset(group_topics), bus
        self._publisher, self._parking, self._audit = publisher, parking, audit
        self._looked_s: float | None = None

    async def step(self, group: Reader | None) -> None:
        """Write what is old again, when it is time to look for that. Raises FatalError."""
        clock = self._publisher.clock
        now_s = clock.monotonic_s()
        if group is None or not group.joined or (self._looked_s is not None and now_s - self._looked_s < LOOK_SECONDS):
            return
        self._looked_s = now_s
        aged = self._parking.aged(clock.now_us() // 1000 - AGE_DAYS * 86_400_000)
        for place, letters in aged.items():
            ours = {at: one for at, one in letters.items() if group.owns(Place(one.key[0], one.source[0]))}
            if ours:
                await self._copy(place, ours)

    async def _copy(self, place: Place, letters: Mapping[int, Aged]) -> None:
        """Read letters of a partition of the dead-letter topic, and write them behind the others."""
        found = await self._publisher.until_done(lambda: self._read(place, letters), "read old dead letters")
        for first in range(0, len(found), COPIES_MAX):
            batch = found[first : first + COPIES_MAX]
            for letter in batch:
                one = letters[letter.offset]
                self._parking.written_again(one.key, one.source)
            copies = list(map(copy_of, batch))
            await self._publisher.until_written(partial(self._bus.publish, copies), "keep dead letters")
        said = f"{len(found)} of {len(letters)} dead letters older than {AGE_DAYS} days that wait were written again"
        log.warning(said, extra={"event": "letters_kept", "topic": place.topic, "partition": place.partition})
        cause = f"{place.topic}|{place.partition}|{max(letters)}"
        self._audit.note("letters_kept", said, cause=cause, topic=place.topic, count=len(found))

    async def _read(self, place: Place, letters: Mapping[int, Aged]) -> list[Record]:
        """Raises RetryableError."""
        starts, ends = {place: min(letters)}, {place: max(letters) + 1}
        return [record async for record in read_between(self._bus, starts, ends) if record.offset in letters]
