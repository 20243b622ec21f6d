"""A service that mostly works in silence, on a store that writes before it publishes.

It folds two streams of an account into one digest, alternately: evaluation 0, state 0, evaluation 1, state 1 … Each
waits for the one before it, most move the digest without a message, and a digest that lacks, doubles or swaps one
differs for ever after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import FencedError
from tradewire.ports.events import AccountStateChanged, RiskStateSaved, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.runtime.service import Store
from tradewire.testkit.builders import assessment
from tradewire.trading.pending_offsets import PendingOffsets
from tradewire.trading.tracking import Tracked

LOUD_EVERY = 5
Waiting = dict[int, tuple[StrategyEvaluated | AccountStateChanged, Envelope]]


def folded(digest: str, turn: int) -> str:
    """Digest of all turns up to one."""
    return hashlib.sha256(f"{digest}/{turn}".encode()).hexdigest()


@dataclass
class Fold:
    """An account: how many turns it took and their digest; what came before its turn waits."""

    partition: int
    turns: int = 0
    digest: str = ""
    waiting: Waiting = field(default_factory=dict)

    @property
    def row(self) -> str:
        """All but what waits."""
        return f"{self.turns} {self.digest}"

    @classmethod
    def restored(cls, partition: int, row: str) -> Fold:
        """From what was written."""
        turns, digest = row.split(" ")
        return cls(partition, int(turns), digest)


class Folding:
    """Takes turns in order; says something at every fifth."""

    def __init__(self) -> None:
        self.pending, self.folds = PendingOffsets(), Tracked[str, Fold]()

    def on_evaluation(self, event: StrategyEvaluated, envelope: Envelope) -> Iterator[Emit]:
        """An even turn."""
        return self._take(2 * event.candle_offset, event, envelope)

    def on_state(self, event: AccountStateChanged, envelope: Envelope) -> Iterator[Emit]:
        """An odd turn."""
        return self._take(2 * event.sequence - 1, event, envelope)

    def _take(self, turn: int, event: StrategyEvaluated | AccountStateChanged, envelope: Envelope) -> Iterator[Emit]:
        fold = self.folds.get(event.account_id)
        if fold is None:
            fold = self.folds[event.account_id] = Fold(envelope.partition)
        if turn < fold.turns or turn in fold.waiting:
            return
        fold.waiting[turn] = event, envelope
        self.pending.take(envelope)
        while fold.turns in fold.waiting:
            taken, cause = fold.waiting.pop(fold.turns)
            self.pending.release(cause)
            fold.digest = folded(fold.digest, fold.turns)
            if fold.turns % LOUD_EVERY == 0:
                told = assessment(fold.turns, account_id=taken.account_id, evaluation_id=fold.digest)
                yield Emit(told, cause)
            fold.turns += 1

    def changed(self) -> Iterator[tuple[int, RiskStateSaved]]:
        """For a changelog."""
        for account, fold in self.folds.touched():
            yield fold.partition, RiskStateSaved(account_id=account, event_time_us=0, state=fold.row.encode())

    def restore(self, partition: int, state: Event) -> None:
        """From a changelog."""
        assert isinstance(state, RiskStateSaved)
        self.folds.restore(state.account_id, Fold.restored(partition, state.state.decode()))

    def forget(self, partition: int) -> None:
        """A partition goes."""
        for account in [a for a, fold in self.folds.peek().items() if fold.partition == partition]:
            for _, envelope in self.folds.pop(account).waiting.values():
                self.pending.release(envelope)


@dataclass
class Tables:
    """A database that outlives its clients: rows by account, messages to publish, and who may write a partition."""

    rows: dict[str, tuple[int, str]] = field(default_factory=dict)
    outbox: list[Outgoing] = field(default_factory=list)
    writers: dict[int, object] = field(default_factory=dict)


class TableStore(Store):
    """Rows in a database, written before what they caused is published, as the ledger does; fenced."""

    def __init__(self, desk: Folding, tables: Tables) -> None:
        self._desk, self._tables = desk, tables

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        self._tables.writers |= dict.fromkeys(partitions, self)
        for account, (partition, row) in self._tables.rows.items():
            if partition in partitions:
                self._desk.folds.restore(account, Fold.restored(partition, row))
        return [record for record in self._tables.outbox if self._home(record) in partitions]

    def _home(self, record: Outgoing) -> int:
        assert record.key is not None, "messages are keyed by account"
        return self._tables.rows[record.key.decode()][0]

    async def release(self, partitions: Sequence[int]) -> None:
        for partition in partitions:
            self._desk.forget(partition)

    async def persist(self, records: Sequence[Outgoing]) -> None:
        for account, fold in self._desk.folds.touched():
            if self._tables.writers[fold.partition] is not self:
                raise FencedError(f"partition {fold.partition} has another writer")
            self._tables.rows[account] = fold.partition, fold.row
        self._tables.outbox += records

    async def published(self, records: Sequence[Outgoing]) -> None:
        self._tables.outbox = [record for record in self._tables.outbox if record not in records]

    async def checkpoint(self) -> None:
        await self.persist(())
