"""A symbol's rules as ``exchangeInfo`` tells them, and whether an order keeps them. Decimal only.

Source: Binance docs, "Common Definition: Filters" and "Exchange Information". Filters change while the venue runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tradewire.binance.errors import ErrorCode
from tradewire.binance.wire import FieldError, decimal_of


@dataclass(frozen=True, slots=True)
class Filters:
    """Bounds of prices (quote per base), quantities (base) and notional (quote); 0 switches a rule off.

    ``market_*``: of market orders. ``multiplier_up``, ``multiplier_down``: of a limit price to the mark price.
    """

    tick_size: Decimal
    min_price: Decimal
    max_price: Decimal
    step_size: Decimal
    min_qty: Decimal
    max_qty: Decimal
    market_step_size: Decimal
    market_min_qty: Decimal
    market_max_qty: Decimal
    min_notional: Decimal = Decimal(0)
    multiplier_up: Decimal = Decimal(0)
    multiplier_down: Decimal = Decimal(0)
    max_orders: int = 200
    max_algo_orders: int = 10

    @classmethod
    def read(cls, symbol: Mapping[str, Any]) -> Filters:
        """The filters of a symbol of ``exchangeInfo``. Raises FieldError for one that is missing or wrong."""
        by_type = {item.get("filterType"): item for item in symbol.get("filters", ())}

        def number(kind: str, name: str, default: str | None = None) -> Decimal:
            value = by_type.get(kind, {}).get(name, default)
            return decimal_of(f"{kind}.{name}", value)

        lot = {name: number("LOT_SIZE", name) for name in ("stepSize", "minQty", "maxQty")}
        market = {name: number("MARKET_LOT_SIZE", name, format(value, "f")) for name, value in lot.items()}
        return cls(
            tick_size=number("PRICE_FILTER", "tickSize"),
            min_price=number("PRICE_FILTER", "minPrice", "0"),
            max_price=number("PRICE_FILTER", "maxPrice", "0"),
            step_size=lot["stepSize"],
            min_qty=lot["minQty"],
            max_qty=lot["maxQty"],
            market_step_size=market["stepSize"],
            market_min_qty=market["minQty"],
            market_max_qty=market["maxQty"],
            min_notional=number("MIN_NOTIONAL", "notional", "0"),
            multiplier_up=number("PERCENT_PRICE", "multiplierUp", "0"),
            multiplier_down=number("PERCENT_PRICE", "multiplierDown", "0"),
            max_orders=_count(by_type.get("MAX_NUM_ORDERS", {}), 200),
            max_algo_orders=_count(by_type.get("MAX_NUM_ALGO_ORDERS", {}), 10),
        )


def _count(item: Mapping[str, Any], default: int) -> int:
    value = item.get("limit", default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FieldError("limit", found=value, allowed="a whole number ≥ 0")
    return value


def price_fault(filters: Filters, price: Decimal) -> ErrorCode | None:
    """Why a limit or trigger price is refused; None when it is kept."""
    if price <= 0:
        return ErrorCode.PRICE_LESS_THAN_ZERO
    if filters.min_price and price < filters.min_price:
        return ErrorCode.PRICE_LESS_THAN_MIN_PRICE
    if filters.max_price and price > filters.max_price:
        return ErrorCode.PRICE_GREATER_THAN_MAX_PRICE
    if filters.tick_size and price % filters.tick_size:
        return ErrorCode.PRICE_NOT_INCREASED_BY_TICK_SIZE
    return None


def collar_fault(filters: Filters, price: Decimal, mark: Decimal, *, buys: bool) -> ErrorCode | None:
    """Why a limit price is too far from the mark price."""
    if buys and filters.multiplier_up and price > mark * filters.multiplier_up:
        return ErrorCode.PRICE_HIGHER_THAN_MULTIPLIER_UP
    if not buys and filters.multiplier_down and price < mark * filters.multiplier_down:
        return ErrorCode.PRICE_LOWER_THAN_MULTIPLIER_DOWN
    return None


def qty_fault(filters: Filters, qty: Decimal, *, market: bool) -> ErrorCode | None:
    """Why a quantity is refused."""
    step, least, most = (
        (filters.market_step_size, filters.market_min_qty, filters.market_max_qty)
        if market
        else (filters.step_size, filters.min_qty, filters.max_qty)
    )
    if qty <= 0:
        return ErrorCode.QTY_LESS_THAN_ZERO
    if qty < least:
        return ErrorCode.QTY_LESS_THAN_MIN_QTY
    if qty > most:
        return ErrorCode.QTY_GREATER_THAN_MAX_QTY
    if step and qty % step:
        return ErrorCode.QTY_NOT_INCREASED_BY_STEP_SIZE
    return None
