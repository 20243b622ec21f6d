"""Checkpoints: state first, then offsets, so that what is committed is always covered by state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from tradewire.ports.bus import Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError
from tradewire.runtime.bus.readers import Reader
from tradewire.runtime.loop.publisher import Publisher
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.progress import Progress
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings


class Checkpoints:
    """Positions of one worker, and when they and the state behind them are written.

    ``dirty``: records answered since they were written. ``unanswered``: a round is under way, or broke off, whose
    outputs were not acknowledged: nothing may be written.
    """

    def __init__(
        self,
        service: Service,
        group_topics: Sequence[str],
        publisher: Publisher,
        clock: ClockPort,
        metrics: Metrics,
        settings: RuntimeSettings,
        progress: Progress,
    ) -> None:
        self._service, self._group_topics, self._publisher = service, frozenset(group_topics), publisher
        self._clock, self._settings, self._progress = clock, settings, progress
        self._written = metrics.checkpoints.labels(service.name)
        self._positions: dict[Place, int] = {}
        self._committed: dict[Place, int] = {}
        self.dirty = 0
        self._at_s = clock.monotonic_s()
        self.unanswered = False

    def note(self, records: Sequence[Record]) -> None:
        """These were answered."""
        # In order per partition, so the last one of each counts.
        for (topic, partition), offset in {(r.topic, r.partition): r.offset for r in records}.items():
            self._positions[Place(topic, partition)] = offset + 1
        self.dirty += len(records)

    def position(self, place: Place) -> int | None:
        """Offset behind the last record answered; None when none was since the partition came."""
        return self._positions.get(place)

    def note_letters(self, count: int) -> None:
        """So many letters were handled: their effects are to be written down."""
        self.dirty += count

    def forget(self, places: Iterable[Place]) -> None:
        """Another member goes on with these."""
        for place in places:
            self._positions.pop(place, None)
            self._committed.pop(place, None)

    async def write_if_due(self, group: Reader | None, *, idle: bool) -> None:
        """Write after so many records, so many seconds, or when there is nothing else to do.

        What a join held may also be answered without a further record.
        """
        if not self.dirty and not (idle and self._answered() != self._committed):
            return
        waited_s = self._clock.monotonic_s() - self._at_s
        if idle or self.dirty >= self._settings.checkpoint_records or waited_s >= self._settings.checkpoint_seconds:
            await self.write(group)

    async def write(self, group: Reader | None) -> None:
        """Write state, then commit offsets; what is held back unanswered is not committed.

        Nothing while others may own our partitions.
        """
        if self.unanswered or not self._publisher.lease.holds():
            return
        await self._publisher.until_written(self._service.store.checkpoint, "checkpoint")
        if group is not None:
            answered = self._answered()
            with suppress(RetryableError):  # left to the next checkpoint
                await group.commit(answered)
                self._committed = answered
        self._write_down()

    async def settle(self, group: Reader | None) -> None:
        """Write now, and go on only when the offsets are stored too.

        Behind a release: a letter's record that a join still holds is found again only by its offset.
        """
        await self._publisher.until_written(self._service.store.checkpoint, "checkpoint")
        if group is not None:
            answered = self._answered()
            await self._publisher.until_done(lambda: group.commit(answered), "commit")
            self._committed = answered
        self._write_down()

    def _answered(self) -> dict[Place, int]:
        """Offsets to commit: of what a join holds the lowest, also when it came from a letter."""
        lowest = self._positions | self.held()
        return {place: offset for place, offset in lowest.items() if place.topic in self._group_topics}

    def held(self) -> dict[Place, int]:
        """Lowest offset that was read and is not answered, of each partition of the group that has one."""
        held = self._service.held()
        return {place: offset for place, offset in held.items() if place.topic in self._group_topics}

    def _write_down(self) -> None:
        """All is written."""
        self._written.inc()
        self.dirty, self._at_s = 0, self._clock.monotonic_s()
        self._progress.positions = dict(self._positions)
