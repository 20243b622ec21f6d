"""The desk's state in the ledger: written with its outbox before anything is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.errors import ContractViolationError, FatalError
from tradewire.ports.events import OrderChanged, OrderFilled, RiskAssessed
from tradewire.ports.ledger import AccountRow, Changes, LedgerPort, OrderIdReusedError, ReadPosition
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.codec.messages import read_record
from tradewire.runtime.loop.event_times import AHEAD_SECONDS_MAX
from tradewire.runtime.loop.failures import SkippedRecordError
from tradewire.runtime.service import Store, StoreContext
from tradewire.runtime.stores.last_written import LastWritten

AHEAD_MS = round(AHEAD_SECONDS_MAX * 1000)
"""A candle's record is written at its close or later by its producer's clock, which may be ahead of the broker's."""


class LedgerStore(Store):
    """Intent, outcome and messages in one transaction; what a crash left unpublished goes out at the restart."""

    def __init__(self, desk: ExecutionDesk, ledger: LedgerPort) -> None:
        self._desk, self._ledger = desk, ledger
        self._context: StoreContext | None = None
        self._pending: Changes | None = None
        self._written = LastWritten()
        self._positions: dict[int, ReadPosition] = {}

    async def open(self, context: StoreContext) -> None:
        self._context = context
        await self._ledger.open()
        partitions = await context.bus.partitions(BY_EVENT[RiskAssessed].name)
        self._desk.partition_of = lambda account_id: partition_of(account_id.encode(), partitions)

    async def ping(self) -> None:
        await self._ledger.ping()

    async def close(self) -> None:
        await self._ledger.close()

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        recovered = await self._ledger.acquire(partitions)
        for row in recovered.accounts:
            self._desk.restore(row.account_id, row.state)
            self._written.differs(row.partition, row.account_id, row.state)
        self._desk.own(partitions, recovered.positions)
        self._positions = {p: at for p, at in self._positions.items() if p not in partitions}
        self._positions |= recovered.positions
        return recovered.unpublished

    async def release(self, partitions: Sequence[int]) -> None:
        self._desk.forget(partitions)
        for partition in partitions:
            self._written.forget(partition)

    async def persist(self, records: Sequence[Outgoing]) -> None:
        await self._write(records)

    async def checkpoint(self) -> None:
        """Most bars and answers move an account and publish nothing: what they did is written here."""
        await self._write((), positions=self._desk.candle_positions())

    async def published(self, records: Sequence[Outgoing]) -> None:
        await self._ledger.published()

    def fanout_outdated(self) -> bool:
        return bool(self._desk.positions.rewinds)

    async def fanout_starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """Candles: from the lowest position of our partitions, and where one is rewound, from the time asked for."""
        assert self._context is not None
        bus, positions = self._context.bus, self._desk.positions
        ends = {place.partition: end for place, end in (await bus.end_offsets(places)).items()}
        rewound = {}
        for partition, time_us in positions.rewinds.items():
            since_ms = max(0, time_us // 1000 - AHEAD_MS)
            found = await bus.offsets_at(dict.fromkeys(places, since_ms))
            rewound[partition] = {place.partition: offset for place, offset in found.items()}
        starts = positions.open(ends, rewound)
        return {place: starts[place.partition] for place in places}

    async def _write(self, records: Sequence[Outgoing], positions: Mapping[int, ReadPosition] | None = None) -> None:
        """Commit what is not in the ledger yet; after a RetryableError the same again, unchanged."""
        if self._pending is None:
            moved = {p: at for p, at in (positions or {}).items() if self._positions.get(p) != at}
            self._pending = self._changes(records, moved)
            self._positions = {**self._positions, **moved}
        if self._pending != Changes():
            try:
                await self._ledger.commit(self._pending)
            except OrderIdReusedError as error:
                await self._refuse(error)
        self._pending = None
        self._desk.stored()

    async def _refuse(self, error: OrderIdReusedError) -> None:
        """Write the dead letter of the assessment behind an order whose id is another one's; then begin anew.

        It may have been read long before the record that is at hand: a step's orders are placed at a bar. What of it is
        not in the ledger is not committed. Raises SkippedRecordError; FatalError when no assessment asked for it.
        """
        assert self._context is not None
        context, order, asking = self._context, error.order, list[Record]()
        place = Place(BY_EVENT[RiskAssessed].name, self._desk.partition_of(order.account_id))
        begin = max((await context.bus.committed(context.service, [place]))[place] or 0, 0)
        begin = max(begin, (await context.bus.begin_offsets([place]))[place])
        async for record in read_between(context.bus, {place: begin}, {place: context.position(place) or 0}):
            with suppress(ContractViolationError):
                if record.value is not None and not context.passes_over(record):
                    event = await read_record(context.codec, record)
                    asking += [record] * (isinstance(event, RiskAssessed) and _asks_for(event, order))
        if not asking:
            raise FatalError(str(error)) from error
        await context.refuse(asking[-1], error)
        raise SkippedRecordError(str(error)) from error

    def _rows(self) -> Iterator[AccountRow]:
        """Accounts that differ from their rows."""
        for account in self._desk.changed():
            account_id, partition, state = (
                account.account_id,
                self._desk.partition_of(account.account_id),
                account.saved(),
            )
            if self._written.differs(partition, account_id, state):
                yield AccountRow(account_id, partition, account.time_us, state)

    def _changes(self, records: Sequence[Outgoing], positions: Mapping[int, ReadPosition]) -> Changes:
        journal = self._desk.journal()
        return Changes(
            accounts=tuple(self._rows()),
            orders=tuple(event for event in journal if isinstance(event, OrderChanged)),
            fills=tuple(event for event in journal if isinstance(event, OrderFilled)),
            outbox=tuple(records),
            positions=positions,
        )


def _asks_for(event: RiskAssessed, order: OrderChanged) -> bool:
    """Is an order one of those that an assessment approved?"""
    same = (event.account_id, event.evaluation_id) == (order.account_id, order.evaluation_id)
    wanted = order.client_order_id, order.side, order.qty
    return same and any((one.client_order_id, one.side, one.qty) == wanted for one in event.intents)
