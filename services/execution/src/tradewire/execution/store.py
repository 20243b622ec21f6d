"""The desk's state in the ledger: written with its outbox before anything is published."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.events import CandleClosed, OrderChanged, OrderFilled, RiskAssessed
from tradewire.ports.ledger import AccountRow, Changes, LedgerPort
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.last_written import LastWritten
from tradewire.runtime.service import Store, StoreContext


class LedgerStore(Store):
    """Intent, outcome and messages in one transaction; what a crash left unpublished goes out at the restart."""

    def __init__(self, desk: ExecutionDesk, ledger: LedgerPort) -> None:
        self._desk, self._ledger = desk, ledger
        self._starts: dict[int, int] = {}
        self._pending: Changes | None = None
        self._written = LastWritten()

    async def open(self, context: StoreContext) -> None:
        await self._ledger.open()
        partitions = await context.bus.partitions(BY_EVENT[RiskAssessed].name)
        self._desk.partition_of = lambda account_id: partition_of(account_id.encode(), partitions)

    async def close(self) -> None:
        await self._ledger.close()

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        recovered = await self._ledger.acquire(partitions)
        self._desk.own(partitions)
        for row in recovered.accounts:
            self._desk.restore(row.account_id, row.state, json.loads(row.state)["exchange"])
            self._written.differs(row.partition, row.account_id, row.state)
        offsets = [row.candle_offsets for row in recovered.accounts]
        known = set().union(*offsets)
        self._starts = {p: min(o.get(p, 0) for o in offsets) for p in known}
        return recovered.unpublished

    async def release(self, partitions: Sequence[int]) -> None:
        self._desk.forget(partitions)
        for partition in partitions:
            self._written.forget(partition)

    async def persist(self, records: Sequence[Outgoing]) -> None:
        await self._write(records)

    async def checkpoint(self) -> None:
        """Most bars and answers move an account and publish nothing: what they did is written here."""
        await self._write(())

    async def published(self, records: Sequence[Outgoing]) -> None:
        await self._ledger.published()

    def fanout_starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        topic = BY_EVENT[CandleClosed].name
        return {p: self._starts[p.partition] for p in places if p.topic == topic and p.partition in self._starts}

    async def _write(self, records: Sequence[Outgoing]) -> None:
        """Commit what is not in the ledger yet; after a RetryableError the same again, unchanged."""
        if self._pending is None:
            self._pending = self._changes(records)
        if self._pending != Changes():
            await self._ledger.commit(self._pending)
        self._pending = None

    def _rows(self) -> Iterator[AccountRow]:
        """Accounts that differ from their rows."""
        offsets = self._desk.candle_offsets()
        for account in self._desk.changed():
            account_id, partition, state = (
                account.account_id,
                self._desk.partition_of(account.account_id),
                account.saved(),
            )
            if self._written.differs(partition, account_id, state):
                yield AccountRow(account_id, partition, account.time_us, state, offsets)

    def _changes(self, records: Sequence[Outgoing]) -> Changes:
        journal = self._desk.journal()
        return Changes(
            accounts=tuple(self._rows()),
            orders=tuple(event for event in journal if isinstance(event, OrderChanged)),
            fills=tuple(event for event in journal if isinstance(event, OrderFilled)),
            outbox=tuple(records),
        )
