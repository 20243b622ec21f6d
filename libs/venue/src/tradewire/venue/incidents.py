"""Faults of the market as they come due: silence, a wrong clock, halts, other filters, the venue's own orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

from tradewire.binance.orders import BinanceOrderType, BinanceTimeInForce, PositionSide
from tradewire.trading.exchange import NewOrder, Side, from_e8, to_e8
from tradewire.trading.exchange import OrderType as ExchangeType
from tradewire.venue.account import VenueAccount
from tradewire.venue.amounts import ZERO
from tradewire.venue.books import book_name
from tradewire.venue.faults import ScriptedFault
from tradewire.venue.listing import Listing
from tradewire.venue.market import TRADING
from tradewire.venue.records import StoredOrder

HALTED: Final = "BREAK"
PREFIXES: Final = {"liquidation": "autoclose-", "adl": "adl_autoclose"}


class Incidents:
    """What is due and what lasts. ``thin``: symbols of a thin book.

    ``relist`` puts a symbol's new state in force, None takes it off the list; ``enlist`` puts a new one on it.
    """

    def __init__(
        self,
        faults: list[ScriptedFault],
        account: VenueAccount,
        relist: Callable[[str, Listing | None], None],
        enlist: Callable[[str], None],
        start_us: int,
    ) -> None:
        self._account, self._relist, self._enlist = account, relist, enlist
        self._due = [(start_us + round(fault.at_s * 1e6), fault) for fault in faults]
        self._ends: list[tuple[int, ScriptedFault]] = []
        self.clock_ahead_ms = 0
        self.silent = False
        self.thin: set[str] = set()

    def next_us(self, end_us: int) -> int | None:
        """The next moment up to ``end_us`` at which something begins or ends."""
        times = [at_us for at_us, _ in (*self._due, *self._ends) if at_us <= end_us]
        return min(times, default=None)

    def happen(self, now_us: int) -> None:
        """Let everything begin and end that is due."""
        for at_us, fault in [item for item in self._ends if item[0] <= now_us]:
            self._ends.remove((at_us, fault))
            self._end(fault)
        for at_us, fault in [item for item in self._due if item[0] <= now_us]:
            self._due.remove((at_us, fault))
            self._begin(fault)
            if fault.seconds:
                self._ends.append((at_us + round(fault.seconds * 1e6), fault))

    def _begin(self, fault: ScriptedFault) -> None:
        listing = self._account.listings.get(fault.symbol)
        match fault.kind:
            case "silent":
                self.silent = True
            case "clock":
                self.clock_ahead_ms = fault.ahead_ms
            case "thin_book":
                self.thin.add(fault.symbol)
            case "list":
                self._enlist(fault.symbol)
            case "halt" if listing is not None:
                self._relist(fault.symbol, replace(listing, status=HALTED))
            case "delist" if listing is not None:
                self._close_out(fault.symbol, "settlement_autoclose-")
                self._relist(fault.symbol, None)
            case "filters" if listing is not None:
                self._relist(fault.symbol, changed(listing, fault))
            case "liquidation" | "adl":
                self._close_out(fault.symbol, PREFIXES[fault.kind])

    def _end(self, fault: ScriptedFault) -> None:
        listing = self._account.listings.get(fault.symbol)
        match fault.kind:
            case "silent":
                self.silent = False
            case "clock":
                self.clock_ahead_ms = 0
            case "thin_book":
                self.thin.discard(fault.symbol)
            case "halt" if listing is not None:
                self._relist(fault.symbol, replace(listing, status=TRADING))

    def _close_out(self, symbol: str, prefix: str) -> None:
        """The venue closes a symbol's positions with orders of its own."""
        for side in PositionSide:
            position = self._account.books.exchange.account.positions.get(book_name(symbol, side))
            if position is None or not position.qty_e8:
                continue
            closes = Side.SELL if position.qty_e8 > 0 else Side.BUY
            order = self._order(symbol, side, closes, from_e8(abs(position.qty_e8)), prefix)
            new = NewOrder(
                order.internal_id,
                book_name(symbol, side),
                closes,
                ExchangeType.MARKET,
                qty_e8=to_e8(order.qty),
                reduce_only=True,
            )
            self._account.add(order)
            self._account.take(self._account.books.submit(new, {symbol: position.last_e8}))

    def _order(self, symbol: str, side: PositionSide, closes: Side, qty: Decimal, prefix: str) -> StoredOrder:
        order_id, now_ms = self._account.ids.next("order"), self._account.now_ms()
        return StoredOrder(
            order_id,
            prefix if prefix == "adl_autoclose" else f"{prefix}{now_ms}{order_id}",
            str(order_id),
            symbol,
            closes,
            side,
            BinanceOrderType.MARKET,
            BinanceOrderType.MARKET,
            BinanceTimeInForce.IOC,
            qty,
            ZERO,
            reduce_only=False,
            time_ms=now_ms,
            update_ms=now_ms,
        )


def changed(listing: Listing, fault: ScriptedFault) -> Listing:
    """A symbol with the filters that a fault names."""
    tick, step = fault.tick_size or listing.filters.tick_size, fault.step_size or listing.filters.step_size
    least = fault.min_notional or listing.filters.min_notional
    filters = replace(listing.filters, tick_size=tick, step_size=step, market_step_size=step, min_notional=least)
    spec = replace(listing.spec, tick_e8=to_e8(tick), step_e8=to_e8(step), min_notional_e8=to_e8(least))
    return replace(listing, filters=filters, spec=spec)
