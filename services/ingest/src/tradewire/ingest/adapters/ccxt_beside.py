"""Mark candles and settled funding of a venue, asked for through ccxt and joined to its closed candles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from tradewire.ingest.adapters.beside import Beside
from tradewire.ingest.domain import Verdict
from tradewire.ports.events import CandleClosed
from tradewire.trading.alignment import MINUTE_US
from tradewire.trading.bars_csv import DecimalBar

SETTLEMENTS_PER_PAGE = 1000
LAST_DIGIT = Decimal("0.00000001")

Ask = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""What is asked for, and the call: gives the answer, however many attempts it takes."""


class CcxtBeside:
    """What a venue of perpetuals says beside its last prices; nothing where ccxt knows no way to ask.

    A settlement that the venue lists too late for its own bar is told with the next one, so that none is lost while
    the process runs.
    """

    def __init__(self, exchange: Any, interval: str, interval_us: int, ask: Ask) -> None:
        self._exchange, self._interval, self._interval_us, self._ask = exchange, interval, interval_us, ask
        self._told_us: dict[str, int] = {}

    async def join(self, market: Mapping[str, Any], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """The verdicts on one market's rows in order, the candles with their mark and funding."""
        candles = [found for found in verdicts if isinstance(found, CandleClosed)]
        if not candles or not market.get("swap"):
            return list(verdicts)
        beside = Beside(await self._marks(market, candles), await self._rates(market, candles))
        return [beside.join(found) if isinstance(found, CandleClosed) else found for found in verdicts]

    async def _marks(self, market: Mapping[str, Any], candles: Sequence[CandleClosed]) -> dict[int, DecimalBar]:
        """Mark candles by open time (µs); those whose prices do not nest are left out."""
        if not self._exchange.has.get("fetchMarkOHLCV"):
            return {}
        first_us, last_us = candles[0].open_time_us, candles[-1].open_time_us
        count = (last_us - first_us) // self._interval_us + 1
        rows = await self._ask(
            f"mark klines of {market['id']}",
            lambda: self._exchange.fetch_mark_ohlcv(market["symbol"], self._interval, first_us // 1000, count),
        )
        bars = [_bar(row) for row in rows if None not in row[:5]]
        return {
            bar.open_time_us: bar
            for bar in bars
            if 0 < bar.low <= min(bar.open, bar.close) and max(bar.open, bar.close) <= bar.high
        }

    async def _rates(self, market: Mapping[str, Any], candles: Sequence[CandleClosed]) -> dict[int, Decimal]:
        """Rates settled since those told last, by the open time (µs) of the bar that tells them."""
        if not self._exchange.has.get("fetchFundingRateHistory"):
            return {}
        told_us = self._told_us.get(market["id"], candles[0].open_time_us)
        rates: defaultdict[int, Decimal] = defaultdict(Decimal)
        for time_us, rate in await self._settlements(market, told_us + MINUTE_US, candles[-1].close_time_us):
            teller = next((candle for candle in candles if candle.close_time_us >= time_us), None)
            if teller is not None and time_us > told_us:
                rates[teller.open_time_us] += rate
                told_us = time_us
        self._told_us[market["id"]] = told_us
        return dict(rates)

    async def _settlements(self, market: Mapping[str, Any], since_us: int, until_us: int) -> list[tuple[int, Decimal]]:
        """(nominal time in µs, rate) in order, page after page. Venues record them some ms after the nominal time."""
        found: list[tuple[int, Decimal]] = []
        while since_us <= until_us:
            rows = await self._ask(
                f"funding of {market['id']}",
                partial(
                    self._exchange.fetch_funding_rate_history, market["symbol"], since_us // 1000, SETTLEMENTS_PER_PAGE
                ),
            )
            for row in rows:
                time_us = row["timestamp"] * 1000
                rate = Decimal(str(row["fundingRate"])).quantize(LAST_DIGIT)
                found.append((time_us - time_us % MINUTE_US, rate))
            if len(rows) < SETTLEMENTS_PER_PAGE:
                break
            since_us = rows[-1]["timestamp"] * 1000 + 1000
        return found


def _bar(row: Sequence[Any]) -> DecimalBar:
    opened, high, low, close = (Decimal(str(cell)) for cell in row[1:5])
    return DecimalBar(row[0] * 1000, opened, high, low, close, Decimal(0))
