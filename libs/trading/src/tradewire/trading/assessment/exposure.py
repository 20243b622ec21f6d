"""Exposure of an account state."""

from __future__ import annotations

from tradewire.ports.events import AccountStateChanged, OrderLeg
from tradewire.ports.risk import ZERO, Exposure, SymbolExposure


def exposure_of(state: AccountStateChanged) -> Exposure:
    """Exposure of an account state: positions at their marks and open orders that may add to them.

    Reduce-only orders can't add and are left out; an open order counts at its own price, else at the mark.
    """
    symbols = {p.symbol: SymbolExposure(held=p.qty * p.mark_price) for p in state.positions}
    marks = {p.symbol: p.mark_price for p in state.positions}
    for order in state.open_orders:
        if not order.reduce_only and order.leg in (OrderLeg.ENTRY, OrderLeg.EXIT, OrderLeg.FLATTEN):
            price = order.price if order.price is not None else marks.get(order.symbol, ZERO)
            before = symbols.get(order.symbol, SymbolExposure())
            symbols[order.symbol] = before.with_order(order.side, order.remaining * price)
    return Exposure(symbols)
