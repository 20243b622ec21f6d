"""Exposure of an account state."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tradewire.ports.events import AccountStateChanged, OpenOrder, OrderLeg
from tradewire.ports.risk import ZERO, Exposure, SymbolExposure


def exposure_of(state: AccountStateChanged) -> Exposure:
    """Exposure of an account state: positions at their marks and open orders that may add to them.

    Reduce-only orders can't add and are left out; an open order counts at its own price, else at the close that decided
    on it, which is what risk reserved when it approved it; FLATTEN's, which no close decided, count at the mark.
    """
    symbols = {p.symbol: SymbolExposure(held=p.qty * p.mark_price) for p in state.positions}
    marks = {p.symbol: p.mark_price for p in state.positions}
    for order in state.open_orders:
        if not order.reduce_only and order.leg in (OrderLeg.ENTRY, OrderLeg.EXIT, OrderLeg.FLATTEN):
            before = symbols.get(order.symbol, SymbolExposure())
            symbols[order.symbol] = before.with_order(order.side, order.remaining * _price(order, marks))
    return Exposure(symbols)


def _price(order: OpenOrder, marks: Mapping[str, Decimal]) -> Decimal:
    known = (order.price, order.reference_price, marks.get(order.symbol))
    return next((price for price in known if price is not None), ZERO)
