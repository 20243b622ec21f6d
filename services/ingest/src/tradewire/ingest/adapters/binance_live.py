"""Closed candles of Binance USDⓈ-M futures as they close: by WebSocket, and by REST what the streams did not bring.

Marks, and where they are asked for quotes and trades, leave as they come; of those nothing is asked for again.

A bar that has not come some seconds after its close is asked for, whatever the reason: start, cut connection, silent
stream, lost message, crash. So holes are found by time, never by what a connection says of itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from tradewire.binance.wire import FieldError
from tradewire.ingest.adapters.binance_figures import figures
from tradewire.ingest.adapters.binance_instruments import ListedInstruments
from tradewire.ingest.adapters.binance_messages import KlineClosed, Observation, observations
from tradewire.ingest.adapters.binance_public import BinancePublic
from tradewire.ingest.adapters.binance_streams import MarketStreams
from tradewire.ingest.adapters.live_beside import LiveBeside
from tradewire.ingest.adapters.polling import PollPolicy
from tradewire.ingest.domain import CandleGate, FundingWatch, Mark, Verdict, interval_us, position_us
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError
from tradewire.ports.events import (
    CandleClosed,
    GapDetected,
    GapKind,
    InstrumentChanged,
    InstrumentStatus,
    LeverageBracket,
)
from tradewire.ports.intervals import INTERVALS_US
from tradewire.ports.market_data import MarketDataPort
from tradewire.ports.message import Event
from tradewire.ports.metrics import Figure
from tradewire.trading.bars_csv import RawBar

VENUE = "binance"
PATIENCE_S = 0.5
"""How often time is looked at while no message comes."""
ASKED_AT_ONCE = 8
"""Symbols whose candles are asked for beside one another."""
MARK_STREAM = "markPrice"
"""Read of every symbol: each 3 s, so it is a sign of life of the connection too."""
EXTRA_STREAMS = MappingProxyType({"quote": "bookTicker", "trade": "aggTrade"})
"""What may be followed besides → stream."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LiveMarket:
    """What is followed; ``extra``: quote, trade. ``late_s``: after its close a bar that no stream brought is asked
    for; ``instruments_s``: between looks at the instruments. Both in the venue's time.
    """

    symbols: tuple[str, ...]
    interval: str
    brackets: tuple[LeverageBracket, ...] = ()
    extra: tuple[str, ...] = ()
    late_s: float = 3.0
    instruments_s: float = 60.0


@dataclass(slots=True)
class _Track:
    """One symbol's bars: ``next_us`` is the open time of the one that is due, ``ask_us`` the earliest time (the
    venue's) of the next question for it. ``live``: bars that come by REST from now on were missed by a stream.
    """

    gate: CandleGate
    next_us: int
    funding: FundingWatch
    ask_us: int = 0
    live: bool = False


class BinanceLive(MarketDataPort):
    """A live source; it never ends and marks no last bar. Raises FatalError for no symbols or no such interval."""

    def __init__(
        self, rest: BinancePublic, streams: MarketStreams, market: LiveMarket, clock: ClockPort, *, policy: PollPolicy
    ) -> None:
        if not market.symbols:
            raise FatalError("symbols: found none, allowed at least one")
        if market.interval not in INTERVALS_US:
            raise FatalError(f"interval: found {market.interval!r}, allowed {', '.join(INTERVALS_US)}")
        self._rest, self._streams, self._market, self._clock, self._policy = rest, streams, market, clock, policy
        self._interval_us = interval_us(market.interval)
        self._beside = LiveBeside(rest, self._interval_us)
        self._instruments = ListedInstruments(market.symbols, market.interval, market.brackets)
        self._tracks: dict[str, _Track] = {}
        self._resume_after_us: dict[str, int | None] = {}
        self._asking = asyncio.Semaphore(ASKED_AT_ONCE)
        self._ahead_us: int | None = None
        self._latest_us = self._instruments_us = self._backfilled = 0

    async def instruments(self) -> list[InstrumentChanged]:
        """Rules, brackets and status as the venue tells them, dated from now: nobody says since when they hold."""
        await self._measure_clock()
        return await self._changed_instruments()

    async def markets(self) -> Collection[tuple[str, str]]:
        return [(VENUE, symbol) for symbol in self._market.symbols]

    async def events(self, resume_after_us: Mapping[tuple[str, str], int]) -> AsyncIterator[Event]:
        """Closed candles: first what was missed since the given closes, then each bar as it closes.

        Bars that a stream did not bring are marked and, when all of a hole came, reported as FILLED. Raises
        RetryableError, and FatalError for a symbol that was never followed and that is not listed, or not readably.
        """
        await self._measure_clock()
        if not self._instruments.names:
            await self._changed_instruments()
        self._resume_after_us = {symbol: resume_after_us.get((VENUE, symbol)) for symbol in self._market.symbols}
        for symbol in self._market.symbols:
            self._follow(symbol)
        kinds = (f"kline_{self._market.interval}", MARK_STREAM, *(EXTRA_STREAMS[name] for name in self._market.extra))
        self._streams.open(self._rest.session, self._market.symbols, self._instruments.listed, kinds)
        while True:
            messages = await self._streams.next(PATIENCE_S)
            if self._streams.changed:
                self._streams.changed, self._instruments_us = False, 0
                await self._measure_clock()
            rows, seen = self._sorted_out(messages)
            for event in seen:
                yield event
            for event in await self._round(rows):
                yield event

    def clock_offset_s(self) -> float | None:
        return None if self._ahead_us is None else self._ahead_us / 1e6

    def figures(self) -> Iterator[Figure]:
        yield from figures(self._streams.counts, self._backfilled)
        yield from self._rest.figures()

    async def close(self) -> None:
        await self._streams.close()
        await self._rest.close()

    # ---- candles ----

    def _follow(self, symbol: str) -> None:
        """Begin with a symbol. Raises FatalError for one that was never followed and is not known."""
        resume_after_us = self._resume_after_us[symbol]
        if symbol not in self._instruments:
            why = self._instruments.unreadable.get(symbol)
            if resume_after_us is None and why is not None:
                raise FatalError(f"{VENUE}: {symbol}: its rules can't be read: {why}")
            if resume_after_us is None:
                raise FatalError(f"{VENUE}: symbol: found {symbol!r}, allowed one that the venue lists")
            _log.warning("binance: %s is not listed%s; followed again when it is", symbol, " readably" if why else "")
            return
        last_open_us = None if resume_after_us is None else resume_after_us - self._interval_us
        gate = CandleGate(VENUE, symbol, self._market.interval, last_open_us=last_open_us)
        next_us = self._history_start_us() if resume_after_us is None else resume_after_us
        self._tracks[symbol] = _Track(gate, next_us, FundingWatch(VENUE, symbol), live=resume_after_us is not None)

    async def _round(self, rows: defaultdict[str, list[RawBar]]) -> list[Event]:
        """What to publish after these finished klines, and after the time that has passed."""
        events: list[Event] = []
        if self._now_us() >= self._instruments_us:
            events += await self._changed_instruments()
            await self._take_listed()
        late = [symbol for symbol, track in self._tracks.items() if symbol in rows or self._is_late(track)]
        found = await asyncio.gather(*(self._verdicts(self._tracks[symbol], rows[symbol]) for symbol in late))
        verdicts = [verdict for part in found for verdict in part]
        return events + sorted(verdicts, key=lambda item: (position_us(item), item.symbol))

    def _sorted_out(self, messages: Sequence[Mapping[str, Any]]) -> tuple[defaultdict[str, list[RawBar]], list[Event]]:
        """Finished klines by symbol, and what leaves as it comes. Every message tells the venue's time."""
        rows: defaultdict[str, list[RawBar]] = defaultdict(list)
        seen: list[Event] = []
        for observation in self._observed(messages):
            self._latest_us = max(self._latest_us, observation.time_us)
            content, track = observation.content, self._tracks.get(observation.symbol)
            if track is None:
                continue
            if isinstance(content, KlineClosed):
                rows[observation.symbol].append(content.row)
            elif isinstance(content, Mark):
                seen += track.funding.offer(content)
            else:
                seen.append(content)
        return rows, seen

    def _observed(self, messages: Sequence[Mapping[str, Any]]) -> Iterator[Observation]:
        for message in messages:
            try:
                yield from observations(message, venue=VENUE, line=0)
            except FieldError as error:
                _log.warning("binance: a message can't be read: %s", error)

    async def _verdicts(self, track: _Track, rows: Sequence[RawBar]) -> list[Verdict]:
        """What to publish for a symbol: finished klines that arrived, and before them what they show to be missing."""
        async with self._asking:
            verdicts: list[Verdict] = []
            for row in rows:
                if row.open_time_us > track.next_us:
                    verdicts += await self._backfill(track, before_us=row.open_time_us)
                verdicts += track.gate.offer(replace(row, row=None), now_us=self._now_us())
                track.next_us = max(track.next_us, track.gate.due_us or 0)
                track.live = True
            if self._is_late(track):
                waits_us = self._late_us if track.live else round(self._policy.settle_s * 1e6)
                verdicts += await self._backfill(track, before_us=self._now_us() - waits_us)
            told = [self._explained(verdict) for verdict in verdicts]
            return await self._beside.join(track.gate.symbol, told)

    async def _backfill(self, track: _Track, *, before_us: int) -> list[Verdict]:
        """Bars from the one that is due up to those that closed by ``before_us``, as far as the venue has them."""
        first_us, was_live, verdicts = track.next_us, track.live, list[Verdict]()
        while track.next_us + self._interval_us <= before_us:
            rows = await self._closed_rows(track, before_us)
            if not rows:
                break
            for row in rows:
                verdicts += track.gate.offer(row, now_us=self._now_us())
            track.next_us = rows[-1].open_time_us + self._interval_us
        track.live = True
        came = sum(isinstance(verdict, CandleClosed) for verdict in verdicts)
        if not came:
            track.ask_us = self._now_us() + round(self._policy.poll_s * 1e6)
            self._instruments_us = 0  # a symbol that stands still has no bars: ask for its status
        if not was_live:
            return verdicts
        self._backfilled += came
        marked = [v.model_copy(update={"backfilled": True}) if isinstance(v, CandleClosed) else v for v in verdicts]
        whole = came and came == (track.next_us - first_us) // self._interval_us
        return [*marked, track.gate.filled(first_open_us=first_us, count=came)] if whole else marked

    async def _closed_rows(self, track: _Track, before_us: int) -> list[RawBar]:
        """A page of rows that closed by ``before_us``; where one is missing between them they are asked for again.

        A row counts as closed when the venue shows a later one: no clock is trusted with that.
        """
        for attempt in range(2):
            count = min(self._policy.page_bars, (before_us - track.next_us) // self._interval_us + 2)
            rows = (await self._rest.klines(track.gate.symbol, track.next_us, count))[:-1]
            rows = [row for row in rows if row.open_time_us + self._interval_us <= before_us]
            if not rows or rows[-1].open_time_us == track.next_us + (len(rows) - 1) * self._interval_us or attempt:
                return rows
            await asyncio.sleep(self._policy.settle_s)
        raise AssertionError("the second answer is taken as it is")

    def _explained(self, verdict: Verdict) -> Verdict:
        """A report of missing bars says so when the venue had halted the symbol meanwhile."""
        if not isinstance(verdict, GapDetected) or verdict.kind is not GapKind.MISSING:
            return verdict
        if not self._instruments.was_halted(verdict.symbol, verdict.after_us or 0):
            return verdict
        return verdict.model_copy(update={"field": "status", "found": "halted", "allowed": "TRADING"})

    def _is_late(self, track: _Track) -> bool:
        known = self._instruments[track.gate.symbol]
        if known.status is not InstrumentStatus.TRADING and track.ask_us > known.valid_from_us:
            return False  # asked since it stands still
        due_us = track.next_us + self._interval_us + self._late_us
        return self._now_us() >= max(due_us, track.ask_us)

    @property
    def _late_us(self) -> int:
        return round(self._market.late_s * 1e6)

    # ---- instruments and time ----

    async def _take_listed(self) -> None:
        """Follow symbols that came onto the list, over the connections that are open."""
        for symbol in self._market.symbols:
            if symbol in self._instruments and symbol not in self._tracks:
                self._follow(symbol)
        await self._streams.subscribe()

    async def _changed_instruments(self) -> list[InstrumentChanged]:
        """Instruments that are new or not as they were; how often each is funded is learnt with them."""
        listed = await self._rest.symbols()
        self._instruments.brackets |= await self._rest.brackets()
        changed = self._instruments.changed(listed, self._now_us())
        await self._rest.learn_funding_intervals()
        self._instruments_us = self._now_us() + round(self._market.instruments_s * 1e6)
        return changed

    async def _measure_clock(self) -> None:
        """Learn how far the venue's clock is ahead of ours: it alone says which bars have closed."""
        asked_us = self._clock.now_us()
        told_us = await self._rest.time_ms() * 1000
        self._ahead_us = told_us - (asked_us + self._clock.now_us()) // 2

    def _now_us(self) -> int:
        """The venue's time: by its clock, or later where a message says so."""
        return max(self._clock.now_us() + (self._ahead_us or 0), self._latest_us)

    def _history_start_us(self) -> int:
        return (self._now_us() // self._interval_us - self._policy.history_bars) * self._interval_us
