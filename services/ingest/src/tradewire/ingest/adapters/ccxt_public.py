"""Public closed candles of a venue by REST, without keys, through ccxt."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import ccxt.async_support as ccxt

from tradewire.ingest.adapters.ccxt_beside import CcxtMarksAndFunding
from tradewire.ingest.adapters.ccxt_instruments import MALFORMED, instrument_of
from tradewire.ingest.adapters.live_beside import LiveBeside
from tradewire.ingest.adapters.polling import Backoff, PollPolicy
from tradewire.ingest.domain import CandleGate, Verdict, interval_us, position_us
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.events import GapDetected, InstrumentChanged, LeverageBracket
from tradewire.ports.intervals import INTERVALS_US
from tradewire.ports.market_data import MarketDataPort
from tradewire.ports.message import Event
from tradewire.trading.bars_csv import BarFault, RawBar

CELLS = 6
TIME_MS_MAX = 253_402_300_800_000
"""The year 10,000: no event is later."""

_log = logging.getLogger(__name__)
_TRANSIENT = (ccxt.NetworkError, ccxt.BadResponse)


@dataclass(slots=True)
class _Feed:
    """One symbol's gate, and the open time (µs) from which its next rows are asked for."""

    gate: CandleGate
    next_us: int


class CcxtPublic(MarketDataPort):
    """A live source of closed candles; it never ends and marks no last bar.

    ``exchange_id`` is ccxt's (``binanceusdm``), ``venue`` ours, ``symbols`` the venue's own. Numbers are kept as
    the text the venue sent, marks and funding among them where it offers any. ``brackets`` stand in for those that
    venues tell to account holders only. ``base_url`` replaces scheme and host of every address. Raises FatalError
    for no symbols, and for an exchange or interval that ccxt does not have.
    """

    def __init__(
        self,
        exchange_id: str,
        symbols: Sequence[str],
        interval: str,
        clock: ClockPort,
        *,
        venue: str,
        brackets: tuple[LeverageBracket, ...],
        policy: PollPolicy | None = None,
        base_url: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        if not symbols:
            raise FatalError("symbols: found none, allowed at least one")
        policy = policy or PollPolicy()
        self._exchange = _exchange(exchange_id, interval, policy=policy, base_url=base_url)
        self._symbols, self._interval, self._venue = tuple(symbols), interval, venue
        self._interval_us = interval_us(interval)
        told = CcxtMarksAndFunding(self._exchange, interval, self._market, self._ask)
        self._beside = LiveBeside(told, self._interval_us)
        self._clock, self._brackets, self._policy, self._sleep = clock, brackets, policy, sleep
        self._backoff = Backoff(policy, rng or random.Random())  # noqa: S311
        self._venue_ahead_us: int | None = None

    async def instruments(self) -> list[InstrumentChanged]:
        """Filters and fees as the venue tells them now, taken to hold from the start of the history on."""
        await self._ask("exchangeInfo", lambda: self._exchange.load_markets(reload=True))
        valid_from_us = self._history_start_us()
        return [
            instrument_of(
                self._market(symbol),
                venue=self._venue,
                interval=self._interval,
                brackets=self._brackets,
                valid_from_us=valid_from_us,
            )
            for symbol in self._symbols
        ]

    async def markets(self) -> set[tuple[str, str]]:
        return {(self._venue, symbol) for symbol in self._symbols}

    async def events(self, resume_after_us: Mapping[tuple[str, str], int]) -> AsyncIterator[Event]:
        """Closed candles: first what was missed since the given closes, then each bar as it closes.

        Bars that the venue left out are asked for once more; if they come then, a ``GapDetected`` of kind FILLED
        says so. Raises RetryableError after the policy's attempts, FatalError for a symbol the venue lacks.
        """
        await self._ask("exchangeInfo", self._exchange.load_markets)
        await self._measure_clock()
        feeds = [self._feed(symbol, resume_after_us.get((self._venue, symbol))) for symbol in self._symbols]
        while True:
            verdicts = [verdict for feed in feeds for verdict in await self._new(feed)]
            for verdict in sorted(verdicts, key=lambda item: (position_us(item), item.venue, item.symbol)):
                yield verdict
            await self._sleep(self._wait_s(feeds))
            await self._measure_clock()

    def clock_offset_s(self) -> float | None:
        return None if self._venue_ahead_us is None else self._venue_ahead_us / 1e6

    async def close(self) -> None:
        await self._exchange.close()

    def _feed(self, symbol: str, resume_after_us: int | None) -> _Feed:
        self._market(symbol)
        last_open_us = None if resume_after_us is None else resume_after_us - self._interval_us
        gate = CandleGate(self._venue, symbol, self._interval, last_open_us=last_open_us)
        return _Feed(gate, self._history_start_us() if resume_after_us is None else resume_after_us)

    async def _new(self, feed: _Feed) -> list[Verdict]:
        """All that has closed since the feed's last row."""
        gate, verdicts = feed.gate, list[Verdict]()
        while feed.next_us + self._interval_us <= self._venue_now_us():
            rows = await self._closed_rows(gate.symbol, feed.next_us, self._policy.page_bars)
            if not rows:
                break
            page: list[Verdict] = []
            for row in rows:
                if gate.due_us is not None and row.open_time_us > gate.due_us:
                    page += await self._backfill(gate, before_us=row.open_time_us)
                page += gate.offer(row, now_us=self._venue_now_us())
            verdicts += await self._beside.join(gate.symbol, page)
            feed.next_us = max(feed.next_us, rows[-1].open_time_us) + self._interval_us
        return verdicts

    async def _backfill(self, gate: CandleGate, *, before_us: int) -> list[Verdict]:
        """Ask again for the bars from the gate's next one up to ``before_us``; what is still missing stays so."""
        assert gate.due_us is not None, "a gap has a bar before it"
        first_us = gate.due_us
        count = min(self._policy.page_bars, (before_us - first_us) // self._interval_us)
        await self._sleep(self._policy.settle_s)
        rows = await self._closed_rows(gate.symbol, first_us, count)
        verdicts: list[Verdict] = []
        for row in rows:
            if row.open_time_us < before_us:
                verdicts += gate.offer(row, now_us=self._venue_now_us())
        if [verdict for verdict in verdicts if isinstance(verdict, GapDetected)] == [] and gate.due_us == before_us:
            verdicts.append(gate.filled(first_open_us=first_us, count=count))
        return verdicts

    async def _closed_rows(self, symbol: str, since_us: int, limit: int) -> list[RawBar | BarFault]:
        """Up to ``limit`` rows from ``since_us`` on, without the one that is still open: venues send that too."""
        unified = self._market(symbol)["symbol"]
        rows = await self._ask(
            f"klines of {symbol}",
            lambda: self._candles(unified, since_us // 1000, limit),
        )
        closed_us = self._venue_now_us() - self._interval_us
        return [row for row in _rows(rows, since_us) if row.open_time_us <= closed_us]

    async def _candles(self, unified: str, since_ms: int, limit: int) -> list[list[Any]]:
        """ccxt's rows. Raises BadResponse where ccxt would pass over what it can't read: no JSON, rows not rows."""
        rows: list[list[Any]] = await self._exchange.fetch_ohlcv(unified, self._interval, since_ms, limit)
        answer = self._exchange.last_json_response
        if answer is None or (isinstance(answer, list) and len(answer) != len(rows)):
            found = "no JSON" if answer is None else f"{len(answer)} rows, {len(rows)} of them readable"
            raise ccxt.BadResponse(f"found {found}, allowed a list of candles")
        if isinstance(answer, dict) and not rows:
            raise ccxt.BadResponse(f"found {str(answer)[:80]}, allowed a list of candles")
        return rows

    async def _ask(self, what: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Ask until there is an answer. Raises RetryableError after the policy's attempts, FatalError at once when
        the venue refuses for good."""
        for failures in range(1, self._policy.attempts + 1):
            try:
                return await call()
            except _TRANSIENT as error:
                if failures == self._policy.attempts:
                    raise RetryableError(f"{self._venue}: {what}: {failures} attempts failed: {error}") from error
                wait_s = self._backoff.wait_s(failures, retry_after_s=self._retry_after_s(error))
                _log.warning("%s: %s failed, next try in %.1f s: %s", self._venue, what, wait_s, error)
                await self._sleep(wait_s)
            except MALFORMED as error:  # out of ccxt, which reads answers as it expects them
                if failures == self._policy.attempts:
                    found = f"an answer that can't be read: {type(error).__name__}: {error}"
                    raise RetryableError(f"{self._venue}: {what}: {failures} attempts brought {found}") from error
                await self._sleep(self._backoff.wait_s(failures, retry_after_s=None))
            except ccxt.BaseError as error:
                raise FatalError(f"{self._venue}: {what}: {error}") from error
        raise AssertionError("attempts is at least 1")

    def _retry_after_s(self, error: Exception) -> float | None:
        """What the venue asks us to wait, after 429 and 418."""
        if not isinstance(error, ccxt.DDoSProtection):
            return None
        told = str((self._exchange.last_response_headers or {}).get("Retry-After", ""))
        return float(told) if told.isascii() and told.isdigit() else None

    async def _measure_clock(self) -> None:
        """Learn how far the venue's clock is ahead of ours: it alone says which bars have closed."""
        if not self._exchange.has["fetchTime"]:
            return
        asked_us = self._clock.now_us()
        told_ms = await self._ask("time", self._time_ms)
        self._venue_ahead_us = told_ms * 1000 - (asked_us + self._clock.now_us()) // 2

    async def _time_ms(self) -> int:
        return int(await self._exchange.fetch_time())

    def _venue_now_us(self) -> int:
        return self._clock.now_us() + (self._venue_ahead_us or 0)

    def _history_start_us(self) -> int:
        bars = self._venue_now_us() // self._interval_us - self._policy.history_bars
        return bars * self._interval_us

    def _wait_s(self, feeds: Sequence[_Feed]) -> float:
        """Seconds to the next question: until the next bar has settled, or a fixed time when one is late."""
        open_us = min(feed.next_us for feed in feeds) + self._interval_us - self._venue_now_us()
        return open_us / 1e6 + self._policy.settle_s if open_us > 0 else self._policy.poll_s

    def _market(self, symbol: str) -> Mapping[str, Any]:
        found = (self._exchange.markets_by_id or {}).get(symbol)
        if not found:
            raise FatalError(f"{self._venue}: symbol: found {symbol!r}, allowed one that the venue lists")
        market: Mapping[str, Any] = found[0]
        return market


def _exchange(exchange_id: str, interval: str, *, policy: PollPolicy, base_url: str | None) -> Any:
    if exchange_id not in ccxt.exchanges:
        raise FatalError(f"exchange: found {exchange_id!r}, allowed an id of ccxt, e.g. binanceusdm")
    # number=str: ccxt hands on the venue's text instead of making floats of it.
    options = {
        "number": str,
        "timeout": round(policy.timeout_s * 1000),
        "enableRateLimit": True,
        "enableLastJsonResponse": True,
    }
    if policy.rate_limit_ms is not None:
        options["rateLimit"] = policy.rate_limit_ms
    exchange = getattr(ccxt, exchange_id)(options)
    offered = [name for name in INTERVALS_US if name in exchange.timeframes]
    if interval not in offered:
        raise FatalError(f"interval: found {interval!r}, allowed {', '.join(offered)}, as {exchange_id} offers them")
    if exchange.precisionMode != ccxt.TICK_SIZE:
        raise FatalError(f"exchange {exchange_id}: found precision by digits, allowed by tick size")
    if base_url:
        apis = exchange.urls["api"]
        exchange.urls["api"] = {name: base_url + urlsplit(url).path for name, url in apis.items()}
    return exchange


def _rows(candles: Sequence[Any], since_us: int) -> Iterator[RawBar | BarFault]:
    """Rows as text; one that is no candle is a fault, where the row before it was."""
    time_us = since_us
    for candle in candles:
        if (
            not isinstance(candle, Sequence)
            or isinstance(candle, str)
            or len(candle) < CELLS
            or not _is_time(candle[0])
        ):
            yield BarFault(time_us, "row", str(candle)[:80], "open time in ms, open, high, low, close, volume")
            continue
        time_us = candle[0] * 1000
        open_, high, low, close, volume = ("" if cell is None else str(cell) for cell in candle[1:CELLS])
        yield RawBar(time_us, open_, high, low, close, volume)


def _is_time(cell: object) -> bool:
    return isinstance(cell, int) and not isinstance(cell, bool) and 0 <= cell < TIME_MS_MAX
