"""Snapshots of the books: whatever was lost of them, a start gives the books that all fills would give."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.ports.events import OrderFilled, TelemetryStateSaved
from tradewire.telemetry.domain import snapshots
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.round_trips import LIQUIDATION
from tradewire.telemetry.domain.snapshots import Snapshots, digest_of

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any

HOUR_US = 3_600_000_000
NEWEST = 3
"""So many of the newest fills are read again whatever a snapshot has."""


def sums(books: Books) -> object:
    """What depends on every fill."""
    return (
        {name: (book.fills_included, dict(book.strategies)) for name, book in books.accounts.items()},
        books.results.rows,
        sorted(books.trades.ended, key=lambda trade: (trade.order, trade.orders)),
        sorted(books.trades.working(), key=lambda trade: trade.order),
    )


def fills(messages: Messages, rng: random.Random, count: int) -> Iterator[OrderFilled]:
    """Of two accounts, two strategies and two symbols, over some days, some of them the venue's own liquidations."""
    for sequence in range(1, count + 1):
        liquidated = rng.random() < 0.1
        yield messages.fill(
            account_id=rng.choice(("alpha", "beta")),
            strategy_id="" if liquidated else rng.choice(("one", "two")),
            symbol=rng.choice(("BTCUSDT", "ETHUSDT")),
            leg=LIQUIDATION if liquidated else "ENTRY",
            side=rng.choice(("BUY", "SELL")),
            qty=Decimal(rng.randrange(1, 4)),
            price=Decimal(rng.randrange(1, 99_999)) / 100,
            fee=Decimal(rng.randrange(9)) / 1000,
            realized_pnl=Decimal(rng.randrange(-99, 99)) / 100,
            client_order_id=f"o{sequence // 2}",
            sequence=sequence,
            event_time_us=sequence * 5 * HOUR_US,
        )


class Partition:
    """Fills of one partition, and the books of one life after the other over what is kept of their snapshots."""

    def __init__(self, messages: Messages, rng: random.Random) -> None:
        self._messages, self._rng = messages, rng
        self.fills: list[OrderFilled] = []
        self._kept: dict[tuple[int, int], TelemetryStateSaved] = {}
        self.read = 0
        self.start()

    def take(self, fill: OrderFilled) -> None:
        self.fills.append(fill)
        self._book(len(self.fills) - 1)

    def checkpoint(self, *, dies: bool) -> None:
        """Write what is due; of what a process writes when it dies any beginning is there, or all of it."""
        parts = [part for _, part in self.snapshots.changed()]
        for part in parts[: self._rng.randrange(len(parts) + 1) if dies else None]:
            self._kept[part.slot, part.part] = part

    def start(self) -> None:
        """A new life."""
        self.books = Books()
        self.snapshots = Snapshots(self.books, fills_max=self._rng.randrange(1, 9))
        for part in self._rng.sample([*self._kept.values()], len(self._kept)):
            self.snapshots.restored(0, part)
        known, end = self.snapshots.take_back(0, end=len(self.fills)), len(self.fills)
        first = 0 if known is None else max(0, min(known, end - NEWEST))
        self.read = end - first
        for offset in range(first, end):
            self._book(offset)
        self.books.settle()

    def _book(self, offset: int) -> None:
        fill = self.fills[offset]
        self.books.take(fill, self._messages.envelope(fill, offset=offset))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_start_when_a_process_died_anywhere_in_a_snapshot_then_books_as_of_all_fills(
    messages: Messages, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(snapshots, "PART_ITEMS_MAX", 4)
    rng = random.Random(seed)
    partition, everything = Partition(messages, rng), Books()
    for offset, fill in enumerate(fills(messages, rng, rng.randrange(60))):
        partition.take(fill)
        everything.take(fill, messages.envelope(fill, offset=offset))
        if rng.random() < 0.5:
            partition.checkpoint(dies=False)
        if rng.random() < 0.15:
            partition.checkpoint(dies=True)
            partition.start()
            assert list(partition.books.fills)[-NEWEST:] == [] or partition.books.fills[-1].event == fill
        assert sums(partition.books) == sums(everything)
    for again in partition.fills:  # a group whose offsets were deleted reads all of it once more
        assert not partition.books.take(again, messages.envelope(again, offset=0))


def test_start_when_a_thousand_fills_came_then_it_reads_those_behind_the_snapshot(messages: Messages) -> None:
    partition = Partition(messages, random.Random(1))
    partition.snapshots = Snapshots(partition.books, fills_max=10)
    for fill in fills(messages, random.Random(1), 1_000):
        partition.take(fill)
        partition.checkpoint(dies=False)
    partition.start()
    assert partition.read <= 10


def test_snapshot_when_a_fill_comes_out_of_its_order_then_due_at_once(messages: Messages) -> None:
    books = Books()
    saving = Snapshots(books, fills_max=100)
    for account_id, offset in (("alpha", 5), ("beta", 2)):
        fill = messages.fill(account_id=account_id)
        books.take(fill, messages.envelope(fill, offset=offset))
        assert bool(list(saving.changed())) == (account_id == "beta")
    assert list(saving.changed()) == []


def test_take_back_when_a_part_was_changed_or_the_topic_is_another_then_it_says_nothing(messages: Messages) -> None:
    books = Books()
    fill = messages.fill()
    books.take(fill, messages.envelope(fill, offset=7))
    (_, part), *_ = Snapshots(books, fills_max=1).changed()
    forged = part.model_copy(update={"fills_until": 9})
    endless = part.model_copy(update={"parts": 2**31 - 1})
    for read, end, known in ((part, 8, 8), (part, 7, None), (forged, 9, None), (endless, 8, None)):
        other = Snapshots(Books(), fills_max=1)
        other.restored(0, read)
        assert other.take_back(0, end=end) == known


@pytest.mark.parametrize("state", [b"", b"[]", b'{"accounts": [["a"]]}', b'{"rows": [[["a", 1, "b", "c"], 1]]}'])
def test_restored_when_a_part_is_none_then_it_raises(state: bytes) -> None:
    part = TelemetryStateSaved(slot=0, part=0, parts=1, digest=digest_of(1, [state]), fills_until=1, state=state)
    with pytest.raises(ValueError, match="validation error"):
        Snapshots(Books(), fills_max=1).restored(0, part)


@pytest.mark.parametrize("offsets", [(9, 3), (9, 3, 4)])
def test_take_back_when_two_snapshots_have_the_same_fills_behind_them_then_the_later_one(
    messages: Messages, offsets: tuple[int, ...]
) -> None:
    books, kept = Books(), dict[tuple[int, int], TelemetryStateSaved]()
    saving = Snapshots(books, fills_max=1)
    for offset in offsets:  # those that an operator released come late
        fill = messages.fill(account_id=f"account-{offset}")
        books.take(fill, messages.envelope(fill, offset=offset))
        for _, part in saving.changed():
            kept[part.slot, part.part] = part
    again = Books()
    restoring = Snapshots(again, fills_max=1)
    for part in kept.values():
        restoring.restored(0, part)
    assert restoring.take_back(0, end=10) == 10
    assert len(again.accounts) == len(offsets)
