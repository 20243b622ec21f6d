"""The account's fills, which Binance shows by symbol, as one sequence with one cursor."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

from tradewire.binance.replies import UserTrade
from tradewire.execution.adapters.binance_orders import fill_of
from tradewire.execution.adapters.binance_rest import BinanceRest, read_reply
from tradewire.ports.broker import FillPage, VenueFill

PAGE_MAX: Final = 1000
"""Most rows of one reply. Source: Binance docs, "Account Trade List"."""
WINDOW_MS: Final = 7 * 86_400_000
"""Longest time between ``startTime`` and ``endTime`` there."""

Place = dict[str, int]
"""Where the reading of a symbol stands: ``{"id": the next trade id}``, or before its first fill ``{"ms": a time}``."""
OwnId = Callable[[str, int], Awaitable[str]]
"""(symbol, the venue's order id) → client order id."""


class BinanceFills:
    """``own_id``: of the order that a fill belongs to; ``quote``: the asset of prices, PnL and fees."""

    def __init__(self, rest: BinanceRest, own_id: OwnId, quote: str) -> None:
        self._rest, self._own_id, self._quote = rest, own_id, quote
        self._since_ms: dict[str, int | None] = {}

    def list_symbol(self, symbol: str, since_us: int | None) -> None:
        """Read a symbol from a time on, unless the cursor says from where; None: from now. The earliest counts."""
        known = self._since_ms.get(symbol)
        wanted = [since_us // 1000 if since_us is not None else None, known]
        self._since_ms[symbol] = min((time_ms for time_ms in wanted if time_ms is not None), default=None)

    async def since(self, cursor: str) -> FillPage:
        """The next fills of every symbol, by time. Raises RetryableError, FatalError."""
        places: dict[str, Place] = json.loads(cursor) if cursor else {}
        found: list[VenueFill] = []
        for symbol in sorted(self._since_ms.keys() | places.keys()):
            place = places.get(symbol) or await self._start(symbol)
            places[symbol], trades = await self._read(symbol, place)
            for trade in trades:
                fill = fill_of(trade, await self._own_id(symbol, trade.order_id), self._quote)
                found.append(await self._valued(fill))
        found.sort(key=lambda fill: (fill.time_us, fill.symbol, int(fill.venue_trade_id)))
        return FillPage(tuple(found), json.dumps(places, sort_keys=True) if places else cursor)

    async def _start(self, symbol: str) -> Place:
        """Where a symbol without a place in the cursor begins."""
        since_ms = self._since_ms[symbol]
        return {"ms": await self._rest.time_us() // 1000 if since_ms is None else since_ms}

    async def _read(self, symbol: str, place: Place) -> tuple[Place, list[UserTrade]]:
        """One page of a symbol, and where the next one begins."""
        if "id" in place:
            rows = await self._rows(symbol, fromId=place["id"])
        else:
            rows = await self._rows(symbol, startTime=place["ms"], endTime=place["ms"] + WINDOW_MS)
        if rows:
            return {"id": rows[-1].trade_id + 1}, rows
        return (place if "id" in place else await self._later(place)), []

    async def _later(self, place: Place) -> Place:
        """Pass over a week without a fill, once it is over."""
        now_ms = await self._rest.time_us() // 1000
        return {"ms": place["ms"] + WINDOW_MS} if place["ms"] + WINDOW_MS < now_ms else place

    async def _rows(self, symbol: str, **place: int) -> list[UserTrade]:
        rows = await self._rest.ask_of(symbol, "/fapi/v1/userTrades", limit=PAGE_MAX, **place)
        return sorted((read_reply(UserTrade, row) for row in rows or ()), key=lambda trade: trade.trade_id)

    async def _valued(self, fill: VenueFill) -> VenueFill:
        """A fill with the value of a commission that another asset (BNB) paid, at its mark price now, if it has one."""
        if not fill.fee_asset:
            return fill
        symbol = f"{fill.fee_asset}{self._quote}"
        told = await self._rest.ask_of(symbol, "/fapi/v1/premiumIndex")
        if told is None:
            return replace(fill, fee_valued=False)
        return replace(fill, fee=(fill.fee_paid * Decimal(told["markPrice"])).quantize(Decimal("1e-8")))
