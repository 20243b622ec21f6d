"""A recorded WebSocket session of Binance, played again."""

from __future__ import annotations

import asyncio
import gzip
import heapq
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

from tradewire.binance.wire import FieldError
from tradewire.ingest.adapters.binance_messages import KlineClosed, Observation, observations
from tradewire.ingest.adapters.instruments_file import read_instruments
from tradewire.ingest.adapters.pace import FULL_SPEED, Pace, Pacer
from tradewire.ingest.domain import CandleGate, FundingWatch, Mark
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed, GapDetected, GapKind, InstrumentChanged
from tradewire.ports.market_data import MarketDataPort
from tradewire.ports.message import Event

REORDER_US = 10_000_000
"""Streams of one symbol overtake each other on the wire: a kline's final message was seen 2.0 s after its close,
trades and quotes up to 0.15 s apart. Within this span they are put in event time; what comes later is reported."""

Timed = tuple[int, Event]
"""An event with its event time (µs): a candle's is its close."""


class RecordedSession(MarketDataPort):
    """Closed klines, trades, best quotes and marks of a ``.jsonl`` or ``.jsonl.gz`` file; a stream with an end.

    Each line is a message, bare or under ``msg`` with the recorder's notes. ``instruments_file`` may be left out
    when only prices matter. Times must lie before the clock's.
    """

    def __init__(
        self,
        path: Path,
        clock: ClockPort,
        *,
        venue: str = "binance",
        instruments_file: Path | None = None,
        pace: Pace = FULL_SPEED,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._path, self._clock, self._venue = path, clock, venue
        self._instruments = read_instruments(instruments_file) if instruments_file else []
        self._pace, self._sleep = pace, sleep
        self._last: dict[tuple[str, str], int] | None = None

    async def instruments(self) -> list[InstrumentChanged]:
        return list(self._instruments)

    async def markets(self) -> set[tuple[str, str]]:
        return {(self._venue, symbol) for symbol, _ in await self._last_candles()}

    async def events(self, resume_after_us: Mapping[tuple[str, str], int]) -> AsyncIterator[Event]:
        """Events by event time. The file was read before, to learn which candles are the last ones.

        Raises FatalError for a file, or a line of it, that can't be read.
        """
        last = await self._last_candles()
        pacer = Pacer(self._pace, self._clock, self._sleep)
        for time_us, event in self._judged():
            symbol = getattr(event, "symbol", "")
            if time_us <= resume_after_us.get((self._venue, symbol), -1):
                continue
            await pacer.until(time_us)
            if isinstance(event, CandleClosed) and last[symbol, event.interval] == event.close_time_us:
                yield event.model_copy(update={"last_of_stream": True})
            else:
                yield event

    async def close(self) -> None:
        """The file is open only while it is read."""

    async def _last_candles(self) -> dict[tuple[str, str], int]:
        """Close time (µs) of the last good candle per (symbol, interval)."""
        if self._last is None:
            self._last = await asyncio.to_thread(self._find_last_candles)
        return self._last

    def _find_last_candles(self) -> dict[tuple[str, str], int]:
        return {
            (event.symbol, event.interval): event.close_time_us
            for _, event in self._judged()
            if isinstance(event, CandleClosed)
        }

    def _judged(self) -> Iterator[Timed]:
        """Events of the whole file in event time, faults among them."""
        gates: dict[tuple[str, str], CandleGate] = {}
        in_order = in_event_time(with_settlements(self._observations(), self._venue), self._venue)
        for observation in in_order:
            content = observation.content
            if isinstance(content, KlineClosed):
                key = observation.symbol, content.interval
                if key not in gates:
                    gates[key] = CandleGate(self._venue, *key)
                for verdict in gates[key].offer(content.row, now_us=self._clock.now_us()):
                    yield observation.time_us, verdict
            elif not isinstance(content, Mark):
                yield observation.time_us, content

    def _observations(self) -> Iterator[Observation]:
        for line, text in self._lines():
            try:
                record = json.loads(text)
                message = record.get("msg", record) if isinstance(record, dict) else None
                if not isinstance(message, dict | list):
                    raise FieldError("msg", found=text[:80], allowed="a message")
                wrapped = {"data": message} if isinstance(message, list) else message
                yield from observations(wrapped, venue=self._venue, line=line)
            except ValueError as error:
                raise FatalError(f"{self._path}, line {line}: {error}") from error

    def _lines(self) -> Iterator[tuple[int, str]]:
        opened = gzip.open if self._path.suffix == ".gz" else open
        try:
            with opened(self._path, "rt", encoding="utf-8") as lines:
                for number, text in enumerate(lines, start=1):
                    if text.strip():
                        yield number, text
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise FatalError(f"{self._path}: can't be read: {error}") from error


def with_settlements(arriving: Iterator[Observation], venue: str) -> Iterator[Observation]:
    """Observations with marks turned into mark prices and, where one lies behind them, funding settlements."""
    watches: dict[str, FundingWatch] = {}
    for observation in arriving:
        content, symbol = observation.content, observation.symbol
        if not isinstance(content, Mark):
            yield observation
            continue
        if symbol not in watches:
            watches[symbol] = FundingWatch(venue, symbol)
        for event in watches[symbol].offer(content):
            yield Observation(symbol, observation.stream, event.event_time_us, event)


def in_event_time(arriving: Iterator[Observation], venue: str) -> Iterator[Observation]:
    """Observations by event time, equal ones as they came. Waits ``REORDER_US`` of event time for stragglers.

    One that comes later than that is not put in: a ``GapDetected`` of kind OUT_OF_ORDER takes its place.
    """
    waiting: list[tuple[int, int, Observation]] = []
    latest_us = 0
    for number, observation in enumerate(arriving):
        latest_us = max(latest_us, observation.time_us)
        horizon_us = latest_us - REORDER_US
        told = observation if observation.time_us >= horizon_us else _late(observation, venue, horizon_us)
        heapq.heappush(waiting, (told.time_us, number, told))
        while waiting[0][0] < horizon_us:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def _late(observation: Observation, venue: str, horizon_us: int) -> Observation:
    """The report of a straggler, at the moment that it should have come before."""
    content = observation.content
    fault = GapDetected(
        venue=venue,
        symbol=observation.symbol,
        interval=observation.stream,
        kind=GapKind.OUT_OF_ORDER,
        event_time_us=content.row.open_time_us if isinstance(content, KlineClosed) else observation.time_us,
        missing=0,
        field="event_time",
        found=f"{observation.time_us} µs",
        allowed=f"≥ {horizon_us} µs",
        row=content.row.row if isinstance(content, KlineClosed) else None,
    )
    return Observation(observation.symbol, observation.stream, horizon_us, fault)
