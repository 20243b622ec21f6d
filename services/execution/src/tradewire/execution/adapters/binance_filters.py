"""Orders are held against their symbol's filters before they leave: one that Binance would refuse costs no request."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from tradewire.binance.errors import MESSAGES, ErrorCode
from tradewire.binance.filters import Filters, price_fault, qty_fault
from tradewire.binance.wire import FieldError
from tradewire.execution.adapters.binance_rest import BinanceRest
from tradewire.ports.broker import Rejected
from tradewire.ports.clock import ClockPort
from tradewire.ports.events import OrderIntent, OrderType

FRESH_US: Final = 60_000_000
"""Filters change while the venue runs: only those read within this time refuse an order."""


class SymbolFilters:
    """The filters of all symbols, as read last. What depends on the mark price is left to the venue."""

    def __init__(self, rest: BinanceRest, clock: ClockPort) -> None:
        self._rest, self._clock = rest, clock
        self._known: dict[str, Filters] = {}
        self._fresh_until_us = 0

    async def read(self) -> None:
        """Read them anew. Raises RetryableError, FatalError."""
        told = await self._rest.ask("GET", "/fapi/v1/exchangeInfo")
        for row in told["symbols"]:
            with suppress(FieldError):  # filters of a new shape: the venue alone judges
                self._known[row["symbol"]] = Filters.read(row)
        self._fresh_until_us = self._clock.now_us() + FRESH_US

    async def refusal(self, symbol: str, intent: OrderIntent) -> Rejected | None:
        """Why the venue would refuse an order; None when its filters allow it. Raises as ``read``."""
        filters = self._known.get(symbol)
        if filters is None or filter_fault(filters, intent) is None:
            return None
        if self._clock.now_us() >= self._fresh_until_us:
            await self.read()
        filters = self._known[symbol]
        fault = filter_fault(filters, intent)
        return None if fault is None else Rejected(str(int(fault)), _detail(filters, intent, fault))


def filter_fault(filters: Filters, intent: OrderIntent) -> ErrorCode | None:
    """The filter that an order breaks, whatever the market does; None for none."""
    fault = qty_fault(filters, intent.qty, market=intent.order_type is not OrderType.LIMIT)
    for price in (intent.price, intent.stop_price):
        if fault is None and price is not None:
            fault = price_fault(filters, price)
    if fault is None and intent.order_type is OrderType.LIMIT and intent.price is not None and not intent.reduce_only:
        fault = ErrorCode.MIN_NOTIONAL if intent.qty * intent.price < filters.min_notional else None
    return fault


def _detail(filters: Filters, intent: OrderIntent, fault: ErrorCode) -> str:
    """What was found, and what is allowed."""
    market = intent.order_type is not OrderType.LIMIT
    step, least, most = (
        (filters.market_step_size, filters.market_min_qty, filters.market_max_qty)
        if market
        else (filters.step_size, filters.min_qty, filters.max_qty)
    )
    prices = ", ".join(f"{price:f}" for price in (intent.price, intent.stop_price) if price is not None)
    allowed = f"{least:f} to {most:f} in steps of {step:f}, notional ≥ {filters.min_notional:f}"
    ticks = f"; prices {prices}, allowed are steps of {filters.tick_size:f}" if prices else ""
    return f"{MESSAGES.get(fault, fault.name)} Not sent: quantity {intent.qty:f}, allowed is {allowed}{ticks}"
