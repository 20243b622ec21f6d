"""The desk's state in the ledger: written with its outbox before anything is published."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.events import CandleClosed, OrderChanged, OrderFilled, RiskAssessed
from tradewire.ports.ledger import AccountRow, Changes, LedgerPort
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.service import Store, StoreContext


class LedgerStore(Store):
    """Intent, outcome and messages in one transaction; what a crash left unpublished goes out at the restart."""

    def __init__(self, desk: ExecutionDesk, ledger: LedgerPort) -> None:
        self._desk, self._ledger = desk, ledger
        self._starts: dict[int, int] = {}
        self._pending: Changes | None = None

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
        offsets = [row.candle_offsets for row in recovered.accounts]
        known = set().union(*offsets)
        self._starts = {p: min(o.get(p, 0) for o in offsets) for p in known}
        return recovered.unpublished

    async def release(self, partitions: Sequence[int]) -> None:
        self._desk.forget(partitions)

    async def persist(self, records: Sequence[Outgoing]) -> None:
        if self._pending is None:
            self._pending = self._changes(records)
        await self._ledger.commit(self._pending)
        self._pending = None

    async def published(self, records: Sequence[Outgoing]) -> None:
        await self._ledger.published()

    def fanout_starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        topic = BY_EVENT[CandleClosed].name
        return {p: self._starts[p.partition] for p in places if p.topic == topic and p.partition in self._starts}

    def _changes(self, records: Sequence[Outgoing]) -> Changes:
        journal = self._desk.journal()
        offsets = self._desk.candle_offsets()
        accounts = [
            AccountRow(a.account_id, self._desk.partition_of(a.account_id), a.time_us, a.saved(), offsets)
            for a in self._desk.changed()
        ]
        return Changes(
            accounts=accounts,
            orders=[event for event in journal if isinstance(event, OrderChanged)],
            fills=[event for event in journal if isinstance(event, OrderFilled)],
            outbox=records,
        )
