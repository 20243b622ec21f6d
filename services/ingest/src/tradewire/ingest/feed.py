"""From a market data source to batches of messages, held back while ingest is paused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

from tradewire.ingest.domain import CandleLinks, tells_where_to_go_on
from tradewire.ports.events import (
    CandleClosed,
    ControlChanged,
    GapDetected,
    InstrumentChanged,
    MarkPriceUpdated,
    TopOfBook,
    TradeSeen,
)
from tradewire.ports.market_data import MarketDataPort
from tradewire.ports.message import Attributes, Emit, Envelope, Event, WaitReason, Work, root_id
from tradewire.ports.metrics import Figure, Metric
from tradewire.runtime.bus.tasks import stopped
from tradewire.runtime.service import LastPublished
from tradewire.trading.controls import Controls

BATCH_EVENTS_MAX = 500
QUEUE_EVENTS_MAX = 2_000
SERVICE = "ingest"
CLOCK_OFFSET = Metric(
    "tradewire_exchange_clock_offset_seconds",
    "gauge",
    (),
    "How far the venue's clock is ahead of ours, when last asked; absent for recorded data.",
)
METRICS = (CLOCK_OFFSET,)


class Feed:
    """Instruments first, then market events in the source's order, whatever the pace of the reader."""

    def __init__(self, source: MarketDataPort) -> None:
        self._source = source
        self.controls = Controls()
        self._running = asyncio.Event()
        self._running.set()
        self._published = 0
        self._faults = 0
        self._ended = False
        self._links = CandleLinks()

    def on_control(self, event: ControlChanged, envelope: Envelope) -> Iterable[Emit]:
        """Pause or go on."""
        self.controls.apply(event, envelope.offset)
        return self._obey()

    def on_control_deleted(self, scope: str, envelope: Envelope) -> Iterable[Emit]:
        """The record of a scope was deleted: nothing is asked of it any more."""
        self.controls.lift(scope, envelope.offset)
        return self._obey()

    def _obey(self) -> Iterable[Emit]:
        if self.controls.paused(SERVICE):
            self._running.clear()
        else:
            self._running.set()
        return ()

    async def batches(self, last_published: LastPublished) -> AsyncIterator[Sequence[Emit]]:
        """What to publish, resuming behind the last candle of each ``venue:symbol``."""
        yield [emit_of(instrument) for instrument in await self._source.instruments()]
        markets = {f"{venue}:{symbol}": (venue, symbol) for venue, symbol in await self._source.markets()}
        published = await last_published(markets, tells_where_to_go_on)
        resume = {markets[key]: self._links.resume(events) for key, events in published.items()}
        queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE_EVENTS_MAX)
        reading = asyncio.create_task(self._read(queue, resume))
        try:
            while not self._ended:
                event = await queue.get()
                await self._running.wait()
                batch = self._batch(event, queue)
                if batch:
                    yield batch
            await reading
        finally:
            await stopped(reading)

    async def _read(self, queue: asyncio.Queue[Event | None], resume: Mapping[tuple[str, str], int]) -> None:
        try:
            async for event in self._source.events(resume):
                await self._running.wait()  # else the source would run ahead, and all of it go out when resumed
                await queue.put(event)
        finally:
            await queue.put(None)

    def _batch(self, event: Event | None, queue: asyncio.Queue[Event | None]) -> list[Emit]:
        batch: list[Emit] = []
        while event is not None:
            batch.append(emit_of(self._links.linked(event)))
            self._faults += isinstance(event, GapDetected)
            if len(batch) == BATCH_EVENTS_MAX or queue.empty():
                break
            event = queue.get_nowait()
        self._ended = event is None
        self._published += len(batch)
        return batch

    def waits(self) -> Iterator[WaitReason]:
        """A feed that an operator paused."""
        if not self._running.is_set():
            yield WaitReason("paused", "an operator to resume it")

    def figures(self) -> Iterator[Figure]:
        """The venue's clock, where it has one, and what the source tells of itself."""
        yield from self._source.figures()
        if (offset_s := self._source.clock_offset_s()) is not None:
            yield Figure(CLOCK_OFFSET, (), offset_s)

    def status(self) -> dict[str, object]:
        """For /health."""
        return {
            "paused": not self._running.is_set(),
            "published": self._published,
            "faults": self._faults,
            "ended": self._ended,
            "controls": self.controls.levels(),
        }


def emit_of(event: Event) -> Emit:
    """A market event as the root of a trace, with an id made of what the venue said and when."""
    match event:
        case CandleClosed():
            stream, time_us = f"candle:{event.interval}", event.close_time_us
            attributes: Attributes = {
                "tradewire.symbol": event.symbol,
                "tradewire.interval": event.interval,
                "tradewire.event_time_us": time_us,
            }
            work = Work("candle.closed", attributes)
        case InstrumentChanged():
            stream, time_us, work = "instrument", event.valid_from_us, Work("instrument.changed")
        case GapDetected():
            stream, time_us = f"gap:{event.interval}:{event.kind}:{event.row or 0}", event.event_time_us
            work = Work("gap.detected", {"tradewire.gap.kind": event.kind.value}, logged=True)
        case MarkPriceUpdated():
            stream, time_us, work = "mark", event.event_time_us, Work("mark.updated")
        case TradeSeen():
            stream, time_us, work = f"trade:{event.trade_id}", event.event_time_us, Work("trade.seen")
        case TopOfBook():
            stream, time_us, work = f"quote:{event.update_id}", event.event_time_us, Work("quote.seen")
        case _:
            raise AssertionError(f"a market data source yields no {type(event).__name__}")
    return Emit(event, event_id=root_id(event.venue, event.symbol, stream, time_us), work=work)
