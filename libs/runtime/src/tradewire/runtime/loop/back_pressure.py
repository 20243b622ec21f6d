"""Back-pressure: partitions whose records pile up unanswered are not read on until there is room again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from tradewire.ports.bus import Place
from tradewire.ports.message import WaitReason
from tradewire.runtime.bus.readers import Reader

log = logging.getLogger(__name__)


class BackPressure:
    """Pauses and resumes partitions by how much of each is buffered; ``records_max`` per partition."""

    def __init__(self, backlog: Callable[[], Mapping[Place, int]], records_max: int) -> None:
        self._backlog, self._records_max = backlog, records_max
        self._paused: set[Place] = set()

    def is_full(self, place: Place) -> bool:
        """Is more buffered of a partition than should be?"""
        return self._backlog().get(place, 0) > self._records_max

    def apply(self, readers: Iterable[Reader], *, idle: bool, stopped: Collection[Place] = ()) -> None:
        """Pause what is full, resume what is half empty; when that blocks all progress, give room instead.

        ``idle``: the last round brought nothing; ``stopped``: partitions to pause whatever is buffered of them.
        """
        backlog = self._backlog()
        if not backlog and not self._paused and not stopped:
            return
        crowded = {place for place, count in backlog.items() if count > self._records_max}
        if idle and self._paused & (crowded | self._paused - set(stopped)) and any(backlog.values()):
            self._records_max *= 2
            log.info(
                "buffer bound doubled: a stream lags far behind",
                extra={"event": "backlog_grown", "bound": self._records_max},
            )
        full = {place for place, count in backlog.items() if count > self._records_max} | set(stopped)
        roomy = {place for place in self._paused - full if backlog.get(place, 0) <= self._records_max // 2}
        for reader in readers:
            reader.pause(full - self._paused)
            reader.resume(roomy)
        self._paused = (self._paused | full) - roomy

    def waits(self) -> Iterator[WaitReason]:
        """Partitions that are not read on."""
        for place in sorted(self._paused):
            yield WaitReason("back_pressure", f"room: too much of {place.topic}/{place.partition} is not answered yet")

    def forget(self, places: Iterable[Place]) -> None:
        """These are read anew, or by another member."""
        self._paused -= set(places)
