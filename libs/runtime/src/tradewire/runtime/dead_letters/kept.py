"""Dead letters as their topics hold them: which wait, which were handled or given up since, and why they are there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from operator import attrgetter

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.errors import TradewireError
from tradewire.ports.message import Event
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.messages import read_unchecked
from tradewire.runtime.dead_letters.letters import is_letter, letter_place, origin, stage_of, written_ms
from tradewire.runtime.dead_letters.parking import Key
from tradewire.runtime.dead_letters.releases import Failure, read_answer


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. ``waits``: it was neither handled since nor given up; ``failure``: why its replay failed."""

    service: str
    record: Record
    waits: bool
    failure: Failure | None = None
    is_given_up: bool = False

    @property
    def place(self) -> str:
        """Partition and offset in the dead-letter topic: its name for `show` and `replay --discard`."""
        return f"{self.record.partition}/{self.record.offset}"

    @property
    def topic(self) -> str:
        """Where it came from."""
        found = origin(self.record)
        return found[0] if found is not None else "?"

    @property
    def key(self) -> str:
        """Record key as text."""
        return (self.record.key or b"").decode(errors="replace")

    @property
    def written_ms(self) -> int:
        """When it was written first."""
        return written_ms(self.record)

    @property
    def stage(self) -> str:
        """Where it failed: decode, validate, handle, publish or parked."""
        return self.failure.stage if self.failure is not None else stage_of(self.record) or "?"

    @property
    def reason(self) -> str:
        """Why it could not be handled, as of the last time that it was tried."""
        if self.failure is not None:
            return self.failure.message
        return self.lineage().get("dlq.error.message", "no reason was written")

    @property
    def parks(self) -> bool:
        """Do later records of its key wait behind it? Not behind a saved state, which its own writer reads back."""
        spec = TOPICS.get(self.topic)
        return self.waits and spec is not None and spec.group == "A" and self.service not in spec.producers

    def lineage(self) -> dict[str, str]:
        """All headers as text."""
        return {name: value.decode(errors="replace") for name, value in self.record.headers}

    async def decoded(self, codec: Codec) -> Event | str:
        """The message, or why it can't be read."""
        if self.record.value is None:
            return "a tombstone"
        try:
            return await read_unchecked(codec, replace(self.record, topic=self.topic))
        except TradewireError as error:
            return str(error)


@dataclass
class _LettersRead:
    """What one partition of a dead-letter topic holds, as far as it was read."""

    begin: int
    read: int
    letters: dict[int, Record] = field(default_factory=dict)
    released: dict[Key, int] = field(default_factory=dict)
    given_up: set[int] = field(default_factory=set)
    failures: dict[int, Failure] = field(default_factory=dict)

    def take(self, record: Record, *, with_value: bool) -> None:
        """A record behind those that were read."""
        self.read = record.offset + 1
        source = origin(record)
        if is_letter(record):
            self.letters[record.offset] = record if with_value else replace(record, value=None)
        elif source is not None and (answer := read_answer(record)) is not None:
            self.released[source] = max(self.released.get(source, -1), answer.released)
            self.given_up.update(answer.given_up)
            if answer.failure is not None:
                self.failures[answer.failure.letter] = answer.failure

    def drop(self, begin: int, records_max: int | None) -> None:
        """Let go of what retention has removed, and of the oldest of too many."""
        if records_max is not None and len(self.letters) > records_max:
            begin = max(begin, sorted(self.letters)[-records_max])
        if begin > self.begin:
            self.begin = begin
            self.letters = {offset: record for offset, record in self.letters.items() if offset >= begin}
            self.given_up = {offset for offset in self.given_up if offset >= begin}
            self.failures = {offset: failure for offset, failure in self.failures.items() if offset >= begin}

    def without_copies(self) -> list[Record]:
        """Letters, of each record the newest: one that waits for long is written again before retention removes it."""
        newest = {(origin(one), _held(one)): one for one in self.letters.values()}
        return sorted(newest.values(), key=attrgetter("offset"))

    def shown(self, service: str, record: Record) -> Letter:
        """A letter with what became of it."""
        source = origin(record)
        waits = source is not None and record.offset > self.released.get(source, -1)
        return Letter(service, record, waits, self.failures.get(record.offset), record.offset in self.given_up)


def _held(letter: Record) -> tuple[int, int]:
    """Place of the record that a letter holds; of one that was never written, the letter's own."""
    place = letter_place(letter)
    return place if place[1] >= 0 else (-1, letter.offset)


class KeptLetters:
    """Dead letters of services; each time that they are read, it goes on behind what was read before.

    ``records_max``: of a partition the newest records alone, whatever became of their letters comes behind them;
    ``with_values``: do letters keep what their records hold? ``is_complete``: is every letter that is kept among them?
    """

    def __init__(
        self,
        bus: EventBusPort,
        services: Collection[str] = tuple(DEAD_LETTERS),
        *,
        records_max: int | None = None,
        with_values: bool = True,
    ) -> None:
        self._bus, self._services = bus, tuple(services)
        self._records_max, self._with_values = records_max, with_values
        self._partitions: dict[Place, _LettersRead] = {}
        self.is_complete = True

    async def read(self) -> list[Letter]:
        """Every letter that is kept, in order per key. Raises RetryableError."""
        found, self.is_complete = list[Letter](), True
        for service in self._services:
            topic = DEAD_LETTERS[service]
            places = [Place(topic, number) for number in range(await self._bus.partitions(topic))]
            await self._read_on(places)
            for place in places:
                partition = self._partitions[place]
                found += [partition.shown(service, record) for record in partition.without_copies()]
        return found

    async def _read_on(self, places: Collection[Place]) -> None:
        begins, ends = await self._bus.begin_offsets(list(places)), await self._bus.end_offsets(list(places))
        for place in places:
            known, first = self._partitions.get(place), begins[place]
            if self._records_max is not None:
                first = max(first, ends[place] - self._records_max)
            if known is None or known.read > ends[place]:  # a topic that was made anew begins anew
                self._partitions[place] = _LettersRead(first, first)
        starts = {place: max(begins[place], self._partitions[place].read) for place in places}
        async for record in read_between(self._bus, starts, ends):
            self._partitions[record.place].take(record, with_value=self._with_values)
        for place in places:
            self._partitions[place].read = max(self._partitions[place].read, ends[place])
            self._partitions[place].drop(begins[place], self._records_max)
            self.is_complete = self.is_complete and self._partitions[place].begin <= begins[place]
