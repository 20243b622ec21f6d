"""Mark candles and settled funding of a venue, asked for through ccxt."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from tradewire.ingest.adapters.ccxt_instruments import MALFORMED
from tradewire.ingest.adapters.live_beside import SETTLEMENTS_PER_PAGE, MarksAndFunding, settlement
from tradewire.trading.bars_csv import DecimalBar

log = logging.getLogger(__name__)
Ask = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""What is asked for, and the call: gives the answer, however many attempts it takes."""


class CcxtMarksAndFunding(MarksAndFunding):
    """What a venue of perpetuals says beside its last prices; nothing where ccxt knows no way to ask.

    ``market`` gives ccxt's market of a symbol.
    """

    def __init__(self, exchange: Any, interval: str, market: Callable[[str], Mapping[str, Any]], ask: Ask) -> None:
        self._exchange, self._interval, self._market, self._ask = exchange, interval, market, ask

    async def marks(self, symbol: str, since_us: int, count: int) -> list[DecimalBar]:
        market = self._market(symbol)
        if not market.get("swap") or not self._exchange.has.get("fetchMarkOHLCV"):
            return []
        rows = await self._ask(
            f"mark klines of {symbol}",
            lambda: self._exchange.fetch_mark_ohlcv(market["symbol"], self._interval, since_us // 1000, count),
        )
        return list(_bars(rows))

    async def settlements(self, symbol: str, since_us: int, until_us: int) -> list[tuple[int, Decimal]]:
        """The venue's list, page after page."""
        market = self._market(symbol)
        if not market.get("swap") or not self._exchange.has.get("fetchFundingRateHistory"):
            return []
        found: list[tuple[int, Decimal]] = []
        while since_us <= until_us:
            rows = await self._ask(
                f"funding of {symbol}",
                partial(
                    self._exchange.fetch_funding_rate_history, market["symbol"], since_us // 1000, SETTLEMENTS_PER_PAGE
                ),
            )
            found += [settlement(row["timestamp"], str(row["fundingRate"])) for row in rows]
            if len(rows) < SETTLEMENTS_PER_PAGE:
                break
            since_us = rows[-1]["timestamp"] * 1000 + 1000
        return found


def _bars(rows: Iterable[Sequence[Any]]) -> Iterator[DecimalBar]:
    """Marks; those that can't be read are left out, as those are that the venue lacks."""
    for row in rows:
        try:
            opened, high, low, close = (Decimal(str(cell)) for cell in row[1:5])
            yield DecimalBar(int(row[0]) * 1000, opened, high, low, close, Decimal(0))
        except MALFORMED as error:
            log.warning("a mark kline can't be read: %.80r: %s", row, error, extra={"event": "mark_refused"})
