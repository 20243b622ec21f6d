"""Telemetry's state: the log store, written before offsets are committed; the books, read again at a start."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, RetryableError
from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    IndicatorsUpdated,
    MarkPriceUpdated,
    OrderChanged,
    OrderFilled,
    RiskAssessed,
    StrategyEvaluated,
    TelemetryStateSaved,
    TopOfBook,
)
from tradewire.ports.message import Event
from tradewire.ports.telemetry import LogStorePort, TelemetryPort
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.codec.messages import read_record
from tradewire.runtime.dead_letters.kept import KeptLetters, Letter
from tradewire.runtime.loop.failures import ENDING, SkippedRecordError, tell_how_to_skip, violation_of
from tradewire.runtime.loop.resuming import last_messages
from tradewire.runtime.observe.instance_status import InstanceStatus, seen_instances
from tradewire.runtime.service import StoreContext
from tradewire.runtime.stores.changelog import ChangelogStore
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.telemetry.domain.entries import entry_of
from tradewire.telemetry.domain.snapshots import Snapshots

log = logging.getLogger(__name__)

ACCOUNT_PARTITIONS = BY_EVENT[AccountStateChanged].partitions
MARKET = {
    BY_EVENT[event].name: messages_max
    for event, messages_max in (
        (CandleClosed, 3_000),
        (IndicatorsUpdated, 3_000),
        (MarkPriceUpdated, 1_000),
        (TopOfBook, 1_000),
    )
}
"""Read again for charts and for the newest of each series: so many messages of each partition."""
FORGET_EVERY_SECONDS = 3600.0
LETTERS_MAX = 1_000
"""Dead letters that are looked at, of each partition of each service."""
STATES, FILLS = BY_EVENT[AccountStateChanged].name, BY_EVENT[OrderFilled].name
NEWEST = tuple(BY_EVENT[event].name for event in (OrderChanged, StrategyEvaluated, RiskAssessed))
"""Read again only as far back as the books are deep."""


def _nothing() -> None:
    """No one is told."""


class MetricsPort(TelemetryPort, Protocol):
    """Metrics that show themselves from ``open`` to ``close``."""

    def open(self) -> None:
        """Show."""

    def close(self) -> None:
        """Hide."""


def _of_accounts(partitions: Sequence[int]) -> list[int]:
    return [number for number in partitions if number < ACCOUNT_PARTITIONS]


class TelemetryStore(ChangelogStore):
    """Writes what the desk has seen to the log store, then to the metrics. At least once: both know repeated ids. Then
    the changelog gets snapshots of the books.

    ``restored`` is called when the books were read again or have let go of accounts.
    """

    def __init__(
        self,
        desk: TelemetryDesk,
        log_store: LogStorePort,
        metrics: MetricsPort,
        clock: ClockPort,
        *,
        restored: Callable[[], None] = _nothing,
        restore_records_max: int,
        keep_us: int,
    ) -> None:
        self._desk, self._log_store, self._metrics, self._clock = desk, log_store, metrics, clock
        self._begun_anew, self._restore_records_max, self._keep_us = restored, restore_records_max, keep_us
        self._snapshots = Snapshots(desk.books, fills_max=max(1, restore_records_max // 2))
        forgotten = self._snapshots.forget
        super().__init__(
            TelemetryStateSaved, changed=self._snapshots.changed, restored=self._part_read, forgotten=forgotten
        )
        self._letters: KeptLetters | None = None
        self._held: set[int] = set()
        self._forgot_at_s: float | None = None

    async def open(self, context: StoreContext) -> None:
        await super().open(context)
        self._letters = KeptLetters(context.bus, records_max=LETTERS_MAX, with_values=False)
        await super().release(range(ACCOUNT_PARTITIONS))  # what a worker before in this process left
        await self._log_store.open()
        self._metrics.open()

    async def ping(self) -> None:
        await self._log_store.ping()

    async def close(self) -> None:
        self._metrics.close()
        await self._log_store.close()

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        """Read the books again: their snapshot, and the topics. Records to come repeat some of it; the books know."""
        assert self._context is not None
        bus, restored = self._context.bus, 0
        self._desk.books.forget(partitions)  # a try before may have read some of it
        await super().acquire(_of_accounts(partitions))
        async for record in self._of_sums(partitions):
            await self._restore(record)
            restored += 1
        self._desk.books.settle()
        for topic in (*NEWEST, *MARKET):
            most = MARKET.get(topic, self._restore_records_max)
            for record in await last_messages(bus, self._clock, await self._places(topic, partitions), most):
                await self._restore(record)
                restored += 1
        self._held.update(partitions)
        self._begun_anew()
        log.info("books restored", extra={"event": "books_restored", "records": restored})
        return ()

    async def _of_sums(self, partitions: Sequence[int]) -> AsyncGenerator[Record]:
        """Every account state that is kept, and the fills: those that no snapshot has, and the newest to be shown."""
        assert self._context is not None
        bus = self._context.bus
        places = [*await self._places(STATES, partitions), *await self._places(FILLS, partitions)]
        begins, ends = await bus.begin_offsets(places), await bus.end_offsets(places)
        starts = dict(begins)
        for place, begin in begins.items():
            known = self._snapshots.take_back(place.partition, end=ends[place]) if place.topic == FILLS else None
            if known is not None:
                starts[place] = max(begin, min(known, ends[place] - self._restore_records_max))
            if begin > (known or 0):
                self._context.lost(place, known or 0, begin, why="the books' sums, peaks and curves begin after them")
        async for record in read_between(bus, starts, ends):
            yield record

    def _part_read(self, partition: int, event: Event) -> None:
        assert isinstance(event, TelemetryStateSaved), "the changelog carries no other"
        self._snapshots.restored(partition, event)

    async def _places(self, topic: str, partitions: Sequence[int]) -> list[Place]:
        assert self._context is not None
        count = await self._context.bus.partitions(topic)
        return [Place(topic, partition) for partition in partitions if partition < count]

    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        """Where the partitions end now. Raises RetryableError, also before ``open``."""
        if self._context is None:
            raise RetryableError("not connected yet")
        return dict(await self._context.bus.end_offsets(list(places)))

    async def instances(self) -> list[InstanceStatus]:
        """What each instance last said of itself. Raises RetryableError, also before ``open``."""
        if self._context is None:
            raise RetryableError("not connected yet")
        return await seen_instances(self._context.bus, self._context.codec, self._clock)

    async def dead_letters(self) -> tuple[list[Letter], bool]:
        """The newest dead letters of all services, and whether those are all. Raises RetryableError, also before
        ``open``.
        """
        if self._letters is None:
            raise RetryableError("not connected yet")
        return await self._letters.read(), self._letters.is_complete

    def held(self) -> tuple[list[int], int]:
        """Partitions of accounts that the books show, and how many there are."""
        return [number for number in sorted(self._held) if number < ACCOUNT_PARTITIONS], ACCOUNT_PARTITIONS

    async def _restore(self, record: Record) -> None:
        """One record; what can't be read was dead-lettered when it came.

        So was what fails the books, but retention may have removed its letter: it gets another, and the books, of which
        nobody knows what they are now, are read again without it. Raises SkippedRecordError.
        """
        assert self._context is not None
        codec = self._context.codec
        if record.value is None or self._context.passes_over(record):
            return
        try:
            event = await read_record(codec, record)
            self._desk.restore(event, codec.decode_headers(record))
        except ContractViolationError as error:
            log.warning("left out of the books: %s", error, extra={"event": "restore_skipped", "offset": record.offset})
        except ENDING as error:
            tell_how_to_skip(record, self._context.service, error)
            raise
        except RetryableError:
            raise
        except Exception as error:
            await self._context.refuse(record, violation_of(error))
            raise SkippedRecordError(f"{record.topic}/{record.partition} offset {record.offset}: {error}") from error

    async def release(self, partitions: Sequence[int]) -> None:
        await super().release(_of_accounts(partitions))
        self._desk.books.forget(partitions)
        self._desk.market.forget(partitions)
        self._desk.history.forget(partitions)
        self._desk.candles.forget(partitions)
        self._held.difference_update(partitions)
        self._begun_anew()

    async def checkpoint(self) -> None:
        """Record what is unrecorded. Raises RetryableError, and then nothing is lost or committed."""
        unrecorded = self._desk.unrecorded()
        if unrecorded:
            now_us = self._clock.now_us()
            entries = [entry_of(seen, recorded_at_us=now_us) for seen in unrecorded]
            await self._log_store.record(entries)
            await self._metrics.record(entries)
            self._desk.recorded(len(unrecorded))
        await super().checkpoint()
        await self._forget_old()

    async def _forget_old(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._forgot_at_s is not None and now_s - self._forgot_at_s < FORGET_EVERY_SECONDS:
            return
        self._forgot_at_s = now_s
        await self._log_store.forget(self._clock.now_us() - self._keep_us)
