"""Snapshots of what the books know from fills, so that a start reads a snapshot and the fills behind it.

A partition has two slots, which are written in turn. A snapshot is its parts or nothing: all of one slot that name the
same digest, and whose content has it. So a crash while one is written leaves the one before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain

from pydantic import TypeAdapter

from tradewire.ports.events import TelemetryStateSaved
from tradewire.telemetry.domain.account import AccountBook, StrategyBook
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.results import DayResult, ResultKey
from tradewire.telemetry.domain.round_trips import ShareKey, StrategyTrade, WorkingTrade

PART_ITEMS_MAX = 300
"""Rows, trades and orders of a part: whatever their texts are, it is shorter than a record may be."""
SLOTS = 2


@dataclass(slots=True)
class BooksPart:
    """What one part holds. ``accounts``: sequence of the last fill that is included; ``strategies``: by account;
    ``number``: in the first part, how many snapshots of the partition were made, as two may have the same fills behind.
    """

    number: int = 0
    accounts: list[tuple[str, int]] = field(default_factory=list)
    strategies: list[tuple[str, str, StrategyBook]] = field(default_factory=list)
    rows: list[tuple[ResultKey, DayResult]] = field(default_factory=list)
    working: list[tuple[ShareKey, WorkingTrade]] = field(default_factory=list)
    ended: list[StrategyTrade] = field(default_factory=list)
    dropped_until_us: int | None = None


PART = TypeAdapter(BooksPart)


Parts = dict[tuple[int, int], TelemetryStateSaved]
"""Parts of a partition as they were read, by slot and number."""


class Snapshots:
    """Writes and takes back the snapshots of ``books``: a new one of a partition after ``fills_max`` fills."""

    def __init__(self, books: Books, *, fills_max: int) -> None:
        self._books, self._fills_max = books, fills_max
        self._found: defaultdict[int, Parts] = defaultdict(dict)
        self._slots: dict[int, int] = {}
        self._numbers: dict[int, int] = {}

    def changed(self) -> Iterator[tuple[int, TelemetryStateSaved]]:
        """Parts of the snapshots that are due, with their partitions. A fill out of its order is saved at once: it is
        not read again behind the snapshot.
        """
        for partition, unsaved in self._books.unsaved.items():
            if unsaved.count >= self._fills_max or unsaved.is_late:
                slot = self._slots[partition] = (self._slots.get(partition, -1) + 1) % SLOTS
                number = self._numbers[partition] = self._numbers.get(partition, 0) + 1
                for part in snapshot_of(self._books, partition, slot=slot, number=number, fills_until=unsaved.until):
                    yield partition, part
                unsaved.saved()

    def restored(self, partition: int, part: TelemetryStateSaved) -> None:
        """A part that was read. Raises for one that no snapshot can have."""
        PART.validate_json(part.state)
        self._found[partition][part.slot, part.part] = part

    def take_back(self, partition: int, *, end: int) -> int | None:
        """Put the newest whole snapshot into the books; the offset behind its fills, None where there is none.

        One that knows of more fills than the topic has, up to ``end``, is of another topic and says nothing.
        """
        for parts in _whole(self._found.pop(partition, {})):
            if parts[0].fills_until <= end:
                held = [PART.validate_json(part.state) for part in parts]
                self._slots[partition], self._numbers[partition] = parts[0].slot, held[0].number
                _take_back(self._books, partition, held)
                self._books.unsaved_of(partition).until = parts[0].fills_until
                return parts[0].fills_until
        return None

    def forget(self, partition: int) -> None:
        """Another instance has the partition now."""
        self._found.pop(partition, None)
        self._slots.pop(partition, None)
        self._numbers.pop(partition, None)


def snapshot_of(books: Books, partition: int, *, slot: int, number: int, fills_until: int) -> list[TelemetryStateSaved]:
    """Parts of a snapshot of what the fills of a partition came to."""
    accounts = [book for book in books.accounts.values() if book.partition == partition]
    states = [PART.dump_json(part) for part in _cut(books, accounts, number)]
    digest = digest_of(fills_until, states)
    return [
        TelemetryStateSaved(
            slot=slot, part=place, parts=len(states), digest=digest, fills_until=fills_until, state=state
        )
        for place, state in enumerate(states)
    ]


def digest_of(fills_until: int, states: Sequence[bytes]) -> str:
    """Of a whole snapshot."""
    digest = blake2b(b"%d" % fills_until, digest_size=16)
    for state in states:
        digest.update(b"%d:" % len(state) + state)
    return digest.hexdigest()


def _cut(books: Books, accounts: Sequence[AccountBook], number: int) -> list[BooksPart]:
    """The books of accounts in parts of a bounded size."""
    parts, room = [BooksPart(number, dropped_until_us=books.results.dropped_until_us)], PART_ITEMS_MAX
    names = {book.account_id for book in accounts}

    def part(size: int = 1) -> BooksPart:
        nonlocal room
        if room < min(size, PART_ITEMS_MAX):
            parts.append(BooksPart())
            room = PART_ITEMS_MAX
        room = max(0, room - size)
        return parts[-1]

    for book in accounts:
        part().accounts.append((book.account_id, book.fills_included))
        for strategy_id, sums in book.strategies.items():
            part().strategies.append((book.account_id, strategy_id, sums))
    for key, row in books.results.rows.items():
        if key[0] in names:
            part().rows.append((key, row))
    for share, working in books.trades.working_of(names):
        part(1 + len(working.orders)).working.append((share, working))
    for trade in books.trades.ended:
        if trade.account_id in names:
            part(1 + len(trade.orders)).ended.append(trade)
    return parts


def _whole(found: Parts) -> list[list[TelemetryStateSaved]]:
    """Snapshots that are whole, the newest first."""
    by_digest: defaultdict[tuple[int, str], list[TelemetryStateSaved]] = defaultdict(list)
    for _, part in sorted(found.items()):
        by_digest[part.slot, part.digest].append(part)
    whole = [
        parts
        for parts in by_digest.values()
        if {part.parts for part in parts} == {len(parts)}
        and digest_of(parts[0].fills_until, [part.state for part in parts]) == parts[0].digest
    ]
    return sorted(whole, key=_age, reverse=True)


def _age(parts: Sequence[TelemetryStateSaved]) -> tuple[int, int]:
    return parts[0].fills_until, PART.validate_json(parts[0].state).number


def _take_back(books: Books, partition: int, parts: Sequence[BooksPart]) -> None:
    for account_id, sequence in chain.from_iterable(part.accounts for part in parts):
        books.account(account_id, partition).fills_included = sequence
    for account_id, strategy_id, sums in chain.from_iterable(part.strategies for part in parts):
        books.account(account_id, partition).strategies[strategy_id] = sums
    books.results.take_back(chain.from_iterable(part.rows for part in parts), parts[0].dropped_until_us)
    books.trades.take_back(
        chain.from_iterable(part.ended for part in parts), chain.from_iterable(part.working for part in parts)
    )
