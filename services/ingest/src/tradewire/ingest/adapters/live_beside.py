"""Mark candles and settled funding of a venue that is asked, joined to its closed candles."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from tradewire.ingest.adapters.beside import Beside
from tradewire.ingest.domain import Verdict
from tradewire.ports.events import CandleClosed
from tradewire.trading.alignment import MINUTE_US
from tradewire.trading.bars_csv import DecimalBar

SETTLEMENTS_PER_PAGE = 1000
LAST_DIGIT = Decimal("0.00000001")


class MarksAndFunding(Protocol):
    """What a venue of perpetuals tells beside its last prices; nothing where there is no way to ask."""

    @abstractmethod
    async def marks(self, symbol: str, since_us: int, count: int) -> list[DecimalBar]:
        """Up to ``count`` mark candles from ``since_us`` on."""

    def may_have_settled(self, symbol: str, after_us: int, first_us: int, until_us: int) -> bool:
        """Whether to ask for settlements after a time, for candles from ``first_us`` up to ``until_us``."""
        return True

    @abstractmethod
    async def settlements(self, symbol: str, since_us: int, until_us: int) -> list[tuple[int, Decimal]]:
        """(nominal time in µs, rate) in order."""


class LiveBeside:
    """Joins what the venue says beside its last prices.

    A settlement that the venue lists too late for its own bar is told with the next one, so that none is lost while
    the process runs.
    """

    def __init__(self, venue: MarksAndFunding, interval_us: int) -> None:
        self._venue, self._interval_us = venue, interval_us
        self._told_us: dict[str, int] = {}

    async def join(self, symbol: str, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """The verdicts on one market's rows in order, the candles with their mark and funding."""
        candles = [found for found in verdicts if isinstance(found, CandleClosed)]
        if not candles:
            return list(verdicts)
        beside = Beside(await self._marks(symbol, candles), await self._rates(symbol, candles))
        return [beside.join(found) if isinstance(found, CandleClosed) else found for found in verdicts]

    async def _marks(self, symbol: str, candles: Sequence[CandleClosed]) -> dict[int, DecimalBar]:
        """Mark candles by open time (µs); those whose prices do not nest are left out."""
        first_us, last_us = candles[0].open_time_us, candles[-1].open_time_us
        count = (last_us - first_us) // self._interval_us + 1
        return {
            bar.open_time_us: bar
            for bar in await self._venue.marks(symbol, first_us, count)
            if 0 < bar.low <= min(bar.open, bar.close) and max(bar.open, bar.close) <= bar.high
        }

    async def _rates(self, symbol: str, candles: Sequence[CandleClosed]) -> dict[int, Decimal]:
        """Rates settled since those told last, by the open time (µs) of the bar that tells them."""
        told_us = self._told_us.setdefault(symbol, candles[0].open_time_us)
        if not self._venue.may_have_settled(symbol, told_us, candles[0].open_time_us, candles[-1].close_time_us):
            return {}
        rates: defaultdict[int, Decimal] = defaultdict(Decimal)
        for time_us, rate in await self._venue.settlements(symbol, told_us + MINUTE_US, candles[-1].close_time_us):
            teller = next((candle for candle in candles if candle.close_time_us >= time_us), None)
            if teller is not None and time_us > told_us:
                rates[teller.open_time_us] += rate
                told_us = time_us
        self._told_us[symbol] = told_us
        return dict(rates)


def settlement(time_ms: int, rate: str) -> tuple[int, Decimal]:
    """(nominal time in µs, rate). Venues record settlements some ms after the nominal time."""
    time_us = time_ms * 1000
    return time_us - time_us % MINUTE_US, Decimal(rate).quantize(LAST_DIGIT)
