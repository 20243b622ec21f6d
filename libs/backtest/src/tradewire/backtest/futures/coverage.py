"""What the compiled loop models of accounts, strategies and orders. The exchange itself takes whatever is beyond.

The tables name what the loop knows; what there is comes from the models. So a limit, a sizing method, a protection, an
order type or a field of orders that a model gains goes to the exchange until the loop is taught it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from tradewire.backtest.futures.open_orders import ENTRY, EXIT, GUARDS, NEVER, STOP, TAKE, TRAIL
from tradewire.ports.events import RiskLimitsChanged
from tradewire.trading.exchange.orders import NewOrder, Order, OrderType
from tradewire.trading.language import CompiledStrategy, SizingMethod
from tradewire.trading.limit_bounds import META

RATIO_LIMITS: Mapping[str, tuple[str, float]] = {
    "max_order_notional": ("order_notional", 1e8),
    "max_position_notional": ("position_notional", 1e8),
    "max_gross_exposure": ("gross", 1e8),
    "max_net_exposure": ("net", 1e8),
    "max_leverage": ("leverage", 1.0),
    "max_concentration_ratio": ("concentration", 1.0),
    "max_drawdown_ratio": ("drawdown", 1.0),
}
"""Limits that the loop judges in floats: their field of `Limits`, and its units in one of the limit's."""
OTHER_LIMITS = frozenset({"max_daily_loss", "max_orders_per_minute", "price_collar_ratio", "max_data_age_s"})
"""Limits that the loop judges in integers; the age of data is judged on live bars only, and history has none."""
DISTANCES: Mapping[str, str] = {
    "stop_loss": "stop_distance",
    "take_profit": "take_profit_distance",
    "trailing_stop": "trailing_distance",
}
"""Protections that the loop sends: where a strategy's answers have their distances. In the order of the guards."""
SIZING_METHODS = frozenset(
    {
        SizingMethod.FRACTION_OF_EQUITY,
        SizingMethod.FIXED_NOTIONAL,
        SizingMethod.FIXED_QTY,
        SizingMethod.RISK_PER_TRADE,
        SizingMethod.VOLATILITY_TARGET,
    }
)
"""Sizing methods that the loop computes."""
_GUARD_PLACES: Mapping[OrderType, int] = {
    OrderType.STOP_MARKET: STOP,
    OrderType.TAKE_PROFIT_MARKET: TAKE,
    OrderType.TRAILING_STOP_MARKET: TRAIL,
}
_ORDER_FIELDS = frozenset(
    {
        "client_order_id",
        "symbol",
        "side",
        "type",
        "qty_e8",
        "stop_price_e8",
        "callback_distance_e8",
        "reduce_only",
        "oco_group",
        "activate_on",
        "strategy_id",
    }
)
"""Fields of an order that the loop goes by, or that change nothing."""


def entries_covered(strategy: CompiledStrategy, limits: RiskLimitsChanged | None) -> bool:
    """Whether the loop knows all that the strategy's entries are sized, guarded and judged by."""
    return (
        strategy.sizing.method in SIZING_METHODS
        and DISTANCES.keys() >= strategy.protect.keys()
        and not unknown_limits(limits)
    )


def unknown_limits(limits: RiskLimitsChanged | None) -> list[str]:
    """The limits that are set and that the loop does not judge."""
    if limits is None:
        return []
    known = RATIO_LIMITS.keys() | OTHER_LIMITS
    names = type(limits).model_fields
    return [name for name in names if name not in (*META, *known) and getattr(limits, name) is not None]


def place_of(order: Order) -> int | None:
    """Where the loop's book has an open order; None for one of a kind that the loop does not know."""
    request = order.request
    if any(_asks(request, field) for field in fields(request) if field.name not in _ORDER_FIELDS):
        return None
    if request.type is OrderType.MARKET:
        return EXIT if request.reduce_only else ENTRY
    place = _GUARD_PLACES.get(request.type)
    return None if place is None else place + (GUARDS if order.cancel_us != NEVER else 0)


def _asks(request: NewOrder, field: Any) -> bool:
    """Whether an order asks for something by a field, rather than leaving it at its default."""
    return field.default is MISSING or getattr(request, field.name) != field.default
