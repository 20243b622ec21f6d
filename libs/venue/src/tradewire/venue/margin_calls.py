"""MARGIN_CALL: positions whose margin is nearly used up are told of, once until they are safe again.

Source: Binance docs, "User Data Streams, Event: Margin Call". At which ratio it is sent is not documented: inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from tradewire.binance.user_stream import MarginCall, MarginCallPosition
from tradewire.binance.wire import Wire
from tradewire.trading.exchange import from_e8
from tradewire.trading.exchange.account import Position
from tradewire.venue.amounts import money
from tradewire.venue.books import VenueBooks, book_of

DANGER_PERCENT: Final = 80
"""Maintenance margin as a share of the margin balance, from which on a call is made."""


class MarginCalls:
    """``tell`` takes messages of the user stream."""

    def __init__(self, books: VenueBooks, tell: Callable[[Wire], None]) -> None:
        self._books, self._tell = books, tell
        self._called: set[str] = set()

    def look(self, now_ms: int) -> None:
        """Call for margin where that is new."""
        endangered = {position.spec.symbol: position for position in self._endangered()}
        new = [position for name, position in endangered.items() if name not in self._called]
        self._called = set(endangered)
        if new:
            wallet = money(self._books.exchange.account.cross_wallet_e8) if any(p.is_cross for p in new) else None
            rows = tuple(map(_row, new))
            self._tell(MarginCall(event_time_ms=now_ms, cross_wallet_balance=wallet, positions=rows))

    def _endangered(self) -> Iterator[Position]:
        account = self._books.exchange.account
        cross = list(account.cross_positions())
        balance_e8 = account.cross_wallet_e8 + sum(position.unrealized_e8 for position in cross)
        if _is_dangerous(sum(position.maintenance_e8 for position in cross), balance_e8):
            yield from (position for position in cross if position.qty_e8)
        for position in account.open_positions():
            isolated_e8 = position.margin_e8 + position.unrealized_e8
            if not position.is_cross and _is_dangerous(position.maintenance_e8, isolated_e8):
                yield position


def _is_dangerous(maintenance_e8: int, balance_e8: int) -> bool:
    return maintenance_e8 > 0 and maintenance_e8 * 100 >= balance_e8 * DANGER_PERCENT


def _row(position: Position) -> MarginCallPosition:
    symbol, side = book_of(position.spec.symbol)
    return MarginCallPosition(
        symbol=symbol,
        position_side=side,
        amount=from_e8(position.qty_e8),
        margin_type="CROSSED" if position.is_cross else "ISOLATED",
        isolated_wallet=money(position.margin_e8),
        mark_price=from_e8(position.mark_e8),
        unrealized=money(position.unrealized_e8),
        maintenance_margin=money(position.maintenance_e8),
    )
