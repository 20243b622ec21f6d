"""The ledger in memory: for the monolith, and the model that the Postgres ledger is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tradewire.execution.adapters.ledger_rules import (
    Key,
    OrderKey,
    check_epochs,
    fill_key,
    home_of,
    latest,
    touched,
    transition_key,
    unwritten,
)
from tradewire.ports.bus import Outgoing
from tradewire.ports.events import OrderChanged, OrderFilled
from tradewire.ports.ledger import AccountRow, Changes, LedgerPort, ReadPosition, Recovered


@dataclass(slots=True)
class Queued:
    """A record of the outbox. ``partition``: its account's; None when it is no known account's."""

    writer: object
    partition: int | None
    record: Outgoing
    published: bool = False


@dataclass(slots=True)
class LedgerTables:
    """What several writers share, as they would share a database."""

    epochs: dict[int, int] = field(default_factory=dict)
    accounts: dict[str, AccountRow] = field(default_factory=dict)
    positions: dict[int, ReadPosition] = field(default_factory=dict)
    orders: dict[OrderKey, OrderChanged] = field(default_factory=dict)
    transitions: dict[Key, OrderChanged] = field(default_factory=dict)
    fills: dict[Key, OrderFilled] = field(default_factory=dict)
    outbox: list[Queued] = field(default_factory=list)


class MemoryLedger(LedgerPort):
    """Lasts as long as its tables. Parameters: tables: shared with other writers; by default its own."""

    def __init__(self, tables: LedgerTables | None = None) -> None:
        self.tables = tables if tables is not None else LedgerTables()
        self._epochs: dict[int, int] = {}

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        self._drop_published()

    async def acquire(self, partitions: Sequence[int]) -> Recovered:
        self._drop_published()
        tables, wanted = self.tables, set(partitions)
        for partition in wanted:
            self._epochs[partition] = tables.epochs[partition] = tables.epochs.get(partition, 0) + 1
        taken = [item for item in tables.outbox if item.partition is None or item.partition in wanted]
        for item in taken:
            item.writer = self
        rows = sorted((row.account_id, row) for row in tables.accounts.values() if row.partition in wanted)
        positions = {partition: tables.positions[partition] for partition in wanted & tables.positions.keys()}
        return Recovered(tuple(row for _, row in rows), tuple(item.record for item in taken), positions)

    async def commit(self, changes: Changes) -> None:
        tables = self.tables
        homes = {row.account_id: row.partition for row in (*tables.accounts.values(), *changes.accounts)}
        check_epochs(touched(changes, homes), held=self._epochs, newest=tables.epochs)
        transitions = unwritten(changes.orders, transition_key, tables.transitions)
        orders = latest(transitions.values(), tables.orders)
        fills = unwritten(changes.fills, fill_key, tables.fills)
        # Nothing raises from here on: all or nothing.
        self._drop_published()
        tables.accounts.update({row.account_id: row for row in changes.accounts})
        tables.positions.update(changes.positions)
        tables.transitions.update(transitions)
        tables.orders.update(orders)
        tables.fills.update(fills)
        tables.outbox.extend(Queued(self, home_of(record, homes), record) for record in changes.outbox)

    async def published(self) -> None:
        for item in self.tables.outbox:
            item.published = item.published or item.writer is self

    def _drop_published(self) -> None:
        """Forget what this writer published. What another took over in between is the other's to forget."""
        outbox = self.tables.outbox
        outbox[:] = [item for item in outbox if not (item.published and item.writer is self)]
