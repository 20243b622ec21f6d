"""Between the messages' decimals and the simulated exchange's integers in 1e-8 units."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import CandleClosed, InstrumentChanged, OrderIntent
from tradewire.trading.exchange import (
    Bar,
    Bracket,
    InstrumentSpec,
    MarkBar,
    NewOrder,
    OrderType,
    Side,
    TimeInForce,
    bounded_e8,
    to_e8,
    to_unbounded_e8,
)
from tradewire.trading.language.intervals import INTERVALS_US, origin_us


def e8(value: Decimal) -> int:
    """A decimal in 1e-8 units, exact. Raises ContractViolationError for more than 8 decimals, or more than 64 bits."""
    return _checked(to_e8, value)


def _checked(convert: Callable[[Decimal], int], value: Decimal) -> int:
    try:
        return convert(value)
    except ValueError as error:
        raise ContractViolationError(str(error)) from error


def bar_of(candle: CandleClosed) -> Bar:
    """A candle as the exchange takes it.

    Raises ContractViolationError when its prices do not nest, or its times are not those of a bar of its interval:
    one that claims a later close than its own would keep the bars before that close out.
    """
    length_us = INTERVALS_US.get(candle.interval)
    if length_us is None:
        raise ContractViolationError(f"interval {candle.interval!r}; allowed: {', '.join(INTERVALS_US)}")
    if candle.close_time_us - candle.open_time_us != length_us:
        span_us = candle.close_time_us - candle.open_time_us
        raise ContractViolationError(f"bar of {candle.interval}: found a span of {span_us} µs, allowed {length_us}")
    if (candle.open_time_us - origin_us(length_us)) % length_us:
        raise ContractViolationError(f"bar of {candle.interval}: opens at {candle.open_time_us} µs, off its grid")
    try:
        return Bar(
            candle.open_time_us,
            candle.close_time_us,
            e8(candle.open),
            e8(candle.high),
            e8(candle.low),
            e8(candle.close),
            _checked(to_unbounded_e8, candle.volume),
        )
    except ValueError as error:
        raise ContractViolationError(str(error)) from error


def mark_of(candle: CandleClosed) -> MarkBar | None:
    """The mark price over a candle; None where the venue had none.

    Raises ContractViolationError when some of its prices are missing or they do not nest.
    """
    prices = (candle.mark_open, candle.mark_high, candle.mark_low, candle.mark_close)
    if prices == (None, None, None, None):
        return None
    opened, high, low, close = (e8(price) for price in prices if price is not None) if None not in prices else (0,) * 4
    try:
        return MarkBar(opened, high, low, close)
    except ValueError as error:
        raise ContractViolationError(f"mark {prices}: {error}") from error


def funding_of(candle: CandleClosed) -> int:
    """The funding rate settled in a candle, 1e-8; 0 where none was."""
    return 0 if candle.funding_rate is None else e8(candle.funding_rate)


def spec_of(instrument: InstrumentChanged) -> InstrumentSpec:
    """An instrument as the exchange takes it."""
    return InstrumentSpec(
        venue=instrument.venue,
        symbol=instrument.symbol,
        tick_e8=e8(instrument.tick_size),
        step_e8=e8(instrument.step_size),
        min_qty_e8=e8(instrument.min_qty),
        max_qty_e8=_checked(bounded_e8, instrument.max_qty),
        min_notional_e8=e8(instrument.min_notional),
        maker_fee_e8=e8(instrument.maker_fee),
        taker_fee_e8=e8(instrument.taker_fee),
        liquidation_fee_e8=e8(instrument.liquidation_fee),
        price_collar_e8=e8(instrument.price_collar_ratio),
        brackets=tuple(
            Bracket(
                e8(b.notional_floor),
                _checked(bounded_e8, b.notional_cap),
                e8(b.maintenance_ratio),
                e8(b.maintenance_amount),
                b.max_leverage,
            )
            for b in instrument.brackets
        ),
    )


def order_of(intent: OrderIntent, symbol: str, strategy_id: str) -> NewOrder:
    """An intent as the exchange takes it."""
    return NewOrder(
        client_order_id=intent.client_order_id,
        symbol=symbol,
        side=Side(intent.side.value),
        type=OrderType(intent.order_type.value),
        qty_e8=e8(intent.qty),
        price_e8=e8(intent.price) if intent.price is not None else 0,
        stop_price_e8=e8(intent.stop_price) if intent.stop_price is not None else 0,
        callback_distance_e8=e8(intent.trailing_distance) if intent.trailing_distance is not None else 0,
        time_in_force=TimeInForce(intent.time_in_force.value),
        reduce_only=intent.reduce_only,
        oco_group=intent.oco_group or "",
        activate_on=intent.parent_id or "",
        strategy_id=strategy_id,
    )
