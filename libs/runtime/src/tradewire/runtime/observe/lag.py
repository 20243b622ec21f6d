"""How far a service is behind in everything that it reads: asked beside its work, shown as gauges, judged by health."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.message import WaitReason
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.bus.readable_ends import ReadableEnds
from tradewire.runtime.bus.readers import Reader
from tradewire.runtime.observe.metrics import Metrics

ENDS_KEPT_MAX = 600


@dataclass
class _Ends:
    """Ends that a partition was seen to have, oldest first: the record at an offset came before the first beyond it."""

    seen: deque[tuple[float, int]] = field(default_factory=deque)
    whole: bool = False
    """The partition was seen with nothing unread: whatever waits came after that."""

    def note(self, end: int, position: int, now_s: float) -> None:
        """The partition ends here now."""
        while self.seen and self.seen[0][1] <= position:
            self.seen.popleft()
            self.whole = True
        if end <= position:
            self.seen.clear()  # an end seen before may lie behind offsets that have no record
            self.whole = True
        elif not self.seen or end > self.seen[-1][1]:
            self.whole &= len(self.seen) < ENDS_KEPT_MAX
            if len(self.seen) == ENDS_KEPT_MAX:
                del self.seen[1]  # the first tells since when something waits
            self.seen.append((now_s, end))

    def waiting_s(self, now_s: float) -> float:
        """Least time for which the first unread record waits; 0 when none does."""
        return now_s - self.seen[0][0] if self.seen else 0.0


def positions(
    group: Reader | None, starts: Mapping[Place, int], handled: Callable[[Place], int | None]
) -> dict[Place, int | None]:
    """Next offset of every partition that is read; None for one of the group of which nothing was handled yet.

    ``starts``: where partitions outside the group are read from.
    """
    owned: dict[Place, int | None] = dict.fromkeys([] if group is None else group.assignment())
    known = {**owned, **starts}
    return {place: start if (at := handled(place)) is None else at for place, start in known.items()}


class LagWatch:
    """Lag of one service. ``positions``: next offset of each partition read; None where nothing was handled yet.

    ``held``: lowest offset that was read and is not answered, of each partition of the group that has one. No service
    keeps a record unanswered until the next bar, so one that stands there waits for somebody. ``skips``: topics
    of which the service answers a record that an operator has passed over.
    """

    def __init__(
        self,
        name: str,
        bus: EventBusPort,
        positions: Callable[[], Mapping[Place, int | None]],
        held: Callable[[], Mapping[Place, int]],
        metrics: Metrics,
        clock: ClockPort,
        *,
        group: str | None = None,
        skips: Collection[str] = (),
    ) -> None:
        """``name``: in metrics; ``group``: whose committed offsets tell where reading began, ``name`` by default."""
        self._name, self._group = name, group or name
        self._bus, self._positions, self._held, self._skips = bus, positions, held, skips
        self._metrics, self._clock, self._readable = metrics, clock, ReadableEnds(bus)
        self._starts: dict[Place, int] = {}
        self._ends: dict[Place, _Ends] = {}
        self._unanswered: dict[Place, _Ends] = {}
        self._read_ms: dict[Place, int] = {}
        self._behind: dict[Place, int] = {}
        self._unread_from: dict[Place, int] = {}
        self._unanswered_from: dict[Place, int] = {}

    def note(self, records: Sequence[Record]) -> None:
        """These were handled."""
        for record in {record.place: record for record in records}.values():
            self._read_ms[record.place] = record.timestamp_ms
            self._metrics.progress.labels(self._name, record.topic).set(self._clock.now_us() / 1e6)

    def forget(self, places: Iterable[Place]) -> None:
        """These are another member's now: a frozen lag would lie."""
        for place in places:
            self._starts.pop(place, None)
            self._ends.pop(place, None)
            self._unanswered.pop(place, None)
            self._read_ms.pop(place, None)
            self._behind.pop(place, None)
            self._unread_from.pop(place, None)
            self._unanswered_from.pop(place, None)
            with suppress(KeyError):
                self._metrics.lag.remove(self._name, place.topic, str(place.partition))
            if not any(other.topic == place.topic for other in self._ends):
                with suppress(KeyError):
                    self._metrics.lag_seconds.remove(self._name, place.topic)

    async def ask(self) -> None:
        """Ask the bus where the partitions end. Raises RetryableError."""
        positions = self._positions()
        unknown = [place for place, at in positions.items() if at is None and place not in self._starts]
        if unknown:
            begins, stored = await self._bus.begin_offsets(unknown), await self._bus.committed(self._group, unknown)
            self._starts |= {place: max(begins[place], stored[place] or 0) for place in unknown}
        # A service that reads nothing just now asks about its dead letters: does the bus answer at all?
        ends = await self._bus.end_offsets(list(positions) or [Place(DEAD_LETTERS[self._name], 0)])
        at = {place: self._starts.get(place, 0) if at is None else at for place, at in self._positions().items()}
        at = {place: position for place, position in at.items() if place in positions}
        ends = await self._readable.of(at, ends)
        now_s, held = self._clock.monotonic_s(), self._held()
        for place, position in at.items():
            answered_to = min(position, held.get(place, position))
            self._note(place, ends[place], position, now_s)
            self._unanswered.setdefault(place, _Ends()).note(position, answered_to, now_s)
            self._behind[place] = max(0, ends[place] - answered_to)
            self._unread_from[place], self._unanswered_from[place] = position, answered_to
        self._show()

    def _note(self, place: Place, end: int, position: int, now_s: float) -> None:
        self._ends.setdefault(place, _Ends()).note(end, position, now_s)
        self._metrics.lag.labels(self._name, place.topic, str(place.partition)).set(max(0, end - position))

    def _show(self) -> None:
        worst: dict[str, float] = {}
        for place in self._ends:
            worst[place.topic] = max(worst.get(place.topic, 0.0), self.seconds(place))
        for topic, seconds in worst.items():
            self._metrics.lag_seconds.labels(self._name, topic).set(seconds)

    def seconds(self, place: Place) -> float:
        """Age of the partition's first unread record, s: at least so long, also while the bus does not answer.

        Of what waited before this process looked, the newest record read tells; it is a little older.
        """
        ends = self._ends[place]
        waiting_s = ends.waiting_s(self._clock.monotonic_s())
        read_ms = self._read_ms.get(place)
        if not waiting_s or ends.whole or read_ms is None:
            return waiting_s
        return max(waiting_s, self._clock.now_us() / 1e6 - read_ms / 1e3)

    @property
    def records(self) -> int | None:
        """Records in all from the first that is unread or unanswered; None before the bus was first asked."""
        return sum(self._behind.values()) if self._behind else None

    @property
    def oldest_seconds(self) -> float | None:
        """Age of the oldest record that is unread or unanswered, s; None before the bus was first asked."""
        ages = (max(self.seconds(place), self.unanswered_seconds(place)) for place in self._ends)
        return max(ages, default=None)

    def unanswered_seconds(self, place: Place) -> float:
        """Least time for which the partition's first record that was read and is not answered waits; 0 when none does.

        What a service answers it for later, however much of it, makes that no older.
        """
        return self._unanswered[place].waiting_s(self._clock.monotonic_s()) if place in self._unanswered else 0.0

    def waits(self, within_s: float) -> Iterator[WaitReason]:
        """First records that are unread, or read and not answered, for longer than this; with the command that passes
        over what was read, where the service answers that. Elsewhere nothing but the record would be lost by it.
        """
        for place in sorted(self._ends):
            if (seconds := self.seconds(place)) > within_s:
                yield WaitReason("lag", f"{_at(place, self._unread_from[place])}: unread for {seconds:.0f} s")
            elif (seconds := self.unanswered_seconds(place)) > within_s:
                what = f"{_at(place, self._unanswered_from[place])}: read and not answered for {seconds:.0f} s"
                yield WaitReason("lag", what + self._way_on(place))

    def _way_on(self, place: Place) -> str:
        """How to go on without the first record that is not answered; empty where the service would not answer."""
        if place.topic not in self._skips:
            return ""
        record = f"{place.topic} {place.partition} {self._unanswered_from[place]} {self._name}"
        return f" (to go on without it: tradewire dlq skip {record} --reason TEXT)"


def _at(place: Place, offset: int) -> str:
    return f"{place.topic}/{place.partition} offset {offset}"
