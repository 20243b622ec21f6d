"""Keys that wait: behind a dead letter of an account no later record is handled until an operator says so.

What waits, and until when, is read from the service's own dead-letter topic, so every instance knows it, also after a
restart. An operator asks for the letters of a key to be handled (``releases``), ``draining`` does it and answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from typing import NamedTuple

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.message import WaitReason
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.dead_letters.letters import is_letter, letter_place, origin
from tradewire.runtime.dead_letters.releases import ReleaseAnswer, Request, Skip, read_answer, read_request, read_skip
from tradewire.runtime.dead_letters.skip_words import read_skip_answer

Key = tuple[str, bytes | None]
"""Topic and record key."""
Origin = tuple[int, int]
"""Partition and offset of the record that a letter holds."""
NOWHERE = -1
"""Partition and offset of a record that was never written."""
KEYS_SHOWN_MAX, KEY_CHARACTERS_SHOWN_MAX = 20, 200
"""Most keys that a report of what waits names, and most characters of each."""


class Verdict(Enum):
    """What becomes of a record that was read.

    ``SKIP``: it has a letter that waits, or was given up; ``PASS_OVER``: an operator asked for that.
    """

    HANDLE = auto()
    PARK = auto()
    SKIP = auto()
    PASS_OVER = auto()


class Aged(NamedTuple):
    """A letter that waits: of which key, and the origin of its record."""

    key: Key
    source: Origin


@dataclass(slots=True)
class Wait:
    """What is known of one key.

    ``letters``: origin of each letter that waits, by offset in the dead-letter topic, and ``written_ms`` when it was
    written; ``unread``: origins of what we wrote and have not read back; ``marker``: any record of the key there;
    ``first``: lowest offset that waits, per partition of origin.
    """

    marker: Record | None = None
    letters: dict[int, Origin] = field(default_factory=dict)
    written_ms: dict[int, int] = field(default_factory=dict)
    unread: set[Origin] = field(default_factory=set)
    given_up: set[Origin] = field(default_factory=set)
    waiting: set[Origin] = field(default_factory=set)
    first: dict[int, int] = field(default_factory=dict)
    released: int = -1
    answered: int = -1
    request: Request | None = None

    def add(self, source: Origin) -> None:
        """A record waits."""
        partition, offset = source
        self.waiting.add(source)
        self.first[partition] = min(self.first.get(partition, offset), offset)

    def answer(self, answer: ReleaseAnswer) -> None:
        """Letters up to one are done with; says nothing new the second time."""
        self.given_up |= {self.letters[offset] for offset in answer.given_up if offset in self.letters}
        self.released, self.answered = max(self.released, answer.released), max(self.answered, answer.request)
        if self.request is not None and self.request.offset <= self.answered:
            self.request = None
        self.letters = {offset: source for offset, source in self.letters.items() if offset > self.released}
        self.written_ms = {offset: self.written_ms[offset] for offset in self.letters}
        self.waiting, self.first = set(), {}
        for source in (*self.letters.values(), *self.unread):
            self.add(source)

    def plan(self) -> list[tuple[Origin, int]]:
        """Waiting letters in the order of their origins, one for each: the newest, as retention removes it last."""
        return sorted({source: offset for offset, source in sorted(self.letters.items())}.items())


class Parking:
    """What waits in the dead-letter topic of one service."""

    def __init__(self, service: str, ordered: Iterable[str]) -> None:
        """``ordered``: topics that the service reads by partition; of accounts' order matters more than progress."""
        self._ordered = frozenset(topic for topic in ordered if TOPICS[topic].group == "A")
        self._topic = DEAD_LETTERS.get(service)
        self._own = frozenset(n for n, spec in TOPICS.items() if service in (*spec.consumers, *spec.producers))
        self._waits: dict[Key, Wait] = {}
        self._parked: dict[Key, Wait] = {}
        self._requested: dict[Key, Wait] = {}
        self._skips: dict[tuple[Place, int], str] = {}
        self._read: dict[Place, int] = {}
        self._asked_since: list[tuple[Place, int]] = []
        self._unanswered: dict[tuple[Place, int], Skip] = {}
        self._passed: set[tuple[Place, int]] = set()

    def __len__(self) -> int:
        """Keys whose later records wait."""
        return len(self._parked)

    def _note(self, key: Key, wait: Wait) -> None:
        """What is known of a key changed: there may be 100,000 keys, so nobody goes through all of them."""
        if wait.waiting and key[0] in self._ordered:
            self._parked[key] = wait
        else:
            self._parked.pop(key, None)
        if wait.request is not None:
            self._requested[key] = wait
        else:
            self._requested.pop(key, None)

    def waits(self) -> Iterator[WaitReason]:
        """Keys whose later records wait, and behind how many letters; of many keys the first."""
        for (topic, key), wait in islice(self._parked.items(), KEYS_SHOWN_MAX):
            whose = (key or b"").decode(errors="replace")[:KEY_CHARACTERS_SHOWN_MAX]
            yield WaitReason("parked_key", f"the release of {len(wait.waiting)} dead letters of {whose} from {topic}")
        if (more := len(self) - KEYS_SHOWN_MAX) > 0:
            yield WaitReason("parked_key", f"the release of the dead letters of {more} keys more")

    async def catch_up(self, bus: EventBusPort) -> dict[Place, int]:
        """Read what the dead-letter topic holds now and we have not seen; returns where to read on.

        Raises RetryableError. What is read twice says nothing new.
        """
        if self._topic is None:
            return {}
        places = [Place(self._topic, p) for p in range(await bus.partitions(self._topic))]
        begins, ends = await bus.begin_offsets(places), await bus.end_offsets(places)
        starts = {place: max(begins[place], self._read.get(place, 0)) for place in places}
        async for record in read_between(bus, starts, ends):
            self.take(record)
        self._read |= {place: max(self._read.get(place, 0), ends[place]) for place in places}
        return dict(self._read)

    def sort_out(self, records: Iterable[Record]) -> list[Record]:
        """Take letters and markers in; returns the other records."""
        others = []
        for record in records:
            if record.topic == self._topic:
                self.take(record)
                self._asked_since += self._skip_of(record)
            else:
                others.append(record)
        return others

    def _skip_of(self, record: Record) -> Iterator[tuple[Place, int]]:
        key, skip = origin(record), read_skip(record)
        if key is not None and skip is not None:
            yield Place(key[0], skip.partition), skip.offset

    def newly_skipped(self) -> list[tuple[Place, int]]:
        """Partition and offset of records that operators have asked to pass over since this was last asked."""
        asked, self._asked_since = self._asked_since, []
        return asked

    def park(self, record: Record) -> None:
        """A dead letter is about to be written for ``record``."""
        key = (record.topic, record.key)
        wait = self._waits.setdefault(key, Wait())
        wait.unread.add((record.partition, record.offset))
        wait.add((record.partition, record.offset))
        self._note(key, wait)

    def aged(self, before_ms: int) -> dict[Place, dict[int, Aged]]:
        """Letters of parked keys that were written last before a time, by their place and offset; none that is asked
        to be handled just now.
        """
        found: dict[Place, dict[int, Aged]] = {}
        for key, wait in self._parked.items():
            if wait.marker is None or wait.request is not None:
                continue
            for source, offset in wait.plan():
                if wait.written_ms[offset] < before_ms and source not in wait.unread and source[0] != NOWHERE:
                    found.setdefault(wait.marker.place, {})[offset] = Aged(key, source)
        return found

    def written_again(self, key: Key, source: Origin) -> None:
        """A copy of a letter is about to be written: the key is not released before it is read back."""
        self._waits[key].unread.add(source)

    def verdict(self, record: Record) -> Verdict:
        """What to do with a record. One that has a letter is never handled again but on request.

        One from before the first that waits is read again after a crash: it goes on.
        """
        if self._skips and self.passes_over(record):
            return Verdict.PASS_OVER
        if not self._waits or (wait := self._waits.get((record.topic, record.key))) is None:
            return Verdict.HANDLE
        source = (record.partition, record.offset)
        if source in wait.given_up or source in wait.waiting:
            return Verdict.SKIP
        if (
            not wait.waiting
            or record.topic not in self._ordered
            or record.offset < wait.first.get(record.partition, -1)
        ):
            return Verdict.HANDLE
        return Verdict.PARK

    def passes_over(self, record: Record) -> bool:
        """Did an operator ask for that?"""
        return (record.place, record.offset) in self._skips

    def is_unwritten(self, record: Record) -> bool:
        """Has no letter of a parked record been read back, of whichever instance?"""
        wait = self._waits.get((record.topic, record.key))
        return wait is not None and (record.partition, record.offset) in wait.unread

    def leaves_out(self, record: Record) -> bool:
        """Did an operator ask for that, or has the record a dead letter?"""
        return self.verdict(record) in (Verdict.PASS_OVER, Verdict.SKIP)

    def reason_to_skip(self, record: Record) -> str:
        """Who asked for a record to be passed over, and why."""
        return self._skips[record.place, record.offset]

    def note_passed_over(self, record: Record) -> None:
        """It was read, and is not handled."""
        self._passed.add((record.place, record.offset))

    def has_passed_over(self, place: Place, offset: int) -> bool:
        """Was a record read since the start, and not handled, as an operator asked for that?"""
        return (place, offset) in self._passed

    def unanswered_skips(self) -> list[tuple[tuple[Place, int], Skip]]:
        """Operators' words that nobody has answered, by where they stand in the dead-letter topic."""
        return list(self._unanswered.items())

    def skip_answered(self, place: Place, word: int) -> None:
        """Somebody has said what becomes of a record."""
        self._unanswered.pop((place, word), None)

    def requested(self) -> Iterator[tuple[Key, Wait, Request]]:
        """Keys whose letters are to be handled now."""
        for key, wait in self._requested.items():
            assert wait.request is not None, "noted with its request"
            yield key, wait, wait.request

    def take(self, record: Record) -> None:
        """A letter or a marker of the topic; whatever else somebody wrote there says nothing, and so does what is about
        a topic that the service neither reads nor writes.
        """
        self._read[record.place] = max(self._read.get(record.place, 0), record.offset + 1)
        key = origin(record)
        if key is None or key[0] not in self._own:
            return
        if (skip := read_skip(record)) is not None:
            self._skips[Place(key[0], skip.partition), skip.offset] = f"{skip.author}: {skip.reason}"
            self._unanswered[record.place, record.offset] = skip
            return
        if (said := read_skip_answer(record)) is not None:
            self.skip_answered(record.place, said.word)
            return
        request, answer = read_request(record), read_answer(record)
        if request is None and answer is None and not is_letter(record):
            return
        wait = self._waits.setdefault(key, Wait())
        wait.marker = record
        if request is not None:
            if request.offset > wait.answered:
                wait.request = request
        elif answer is not None:
            wait.answer(answer)
        else:
            _take_letter(wait, record)
        self._note(key, wait)


def _take_letter(wait: Wait, letter: Record) -> None:
    """One that we know to be released already says nothing."""
    place = letter_place(letter)
    wait.unread.discard(place)
    if letter.offset > wait.released:
        source = place if place[1] >= 0 else (NOWHERE, letter.offset)
        wait.letters[letter.offset], wait.written_ms[letter.offset] = source, letter.timestamp_ms
        wait.add(source)
