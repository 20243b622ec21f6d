"""How large an entry is."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tradewire.ports.events import InstrumentChanged, Sizing, SizingMethod


def quantize_price(price: Decimal, instrument: InstrumentChanged) -> Decimal:
    """``price`` rounded half-even to the instrument's tick, quote per base; at least one tick."""
    return max((price / instrument.tick_size).to_integral_value() * instrument.tick_size, instrument.tick_size)


def exact(value: float) -> Decimal:
    """A float64 as the decimal that Python prints for it: the shortest that reads back equal."""
    return Decimal(repr(value))


def entry_qty(
    sizing: Sizing,
    *,
    equity: Decimal,
    close: Decimal,
    stop_distance: float | None,
    instrument: InstrumentChanged,
) -> Decimal:
    """Quantity of an entry, base: the exact quotient, rounded down to the step once; 0 when the inputs give none.

    fraction_of_equity: value × equity ÷ close; fixed_notional: value ÷ close; fixed_qty: value;
    risk_per_trade: value × equity ÷ stop distance, so that a stop hit loses that share of equity;
    volatility_target: value ÷ realized volatility per year × equity ÷ close.
    ``max_leverage`` caps the notional at that multiple of equity. Equity and close in quote and quote per base.
    """
    qty = _wanted(sizing, equity, close, stop_distance)
    if sizing.max_leverage is not None:
        qty = min(qty, _most(sizing.max_leverage, equity, close))
    return max(qty // Fraction(instrument.step_size), 0) * instrument.step_size


def is_cut(
    sizing: Sizing, *, equity: Decimal, close: Decimal, stop_distance: float | None, instrument: InstrumentChanged
) -> bool:
    """Whether ``max_leverage`` makes the entry smaller, by a step at least, than its method asks for."""
    if sizing.max_leverage is None:
        return False
    step = Fraction(instrument.step_size)
    return _most(sizing.max_leverage, equity, close) // step < _wanted(sizing, equity, close, stop_distance) // step


def _most(max_leverage: float, equity: Decimal, close: Decimal) -> Fraction:
    return Fraction(exact(max_leverage)) * Fraction(equity) / Fraction(close)


def _wanted(sizing: Sizing, equity: Decimal, close: Decimal, stop_distance: float | None) -> Fraction:
    """What the method asks for, base."""
    value, money, price = Fraction(exact(sizing.value)), Fraction(equity), Fraction(close)
    match sizing.method:
        case SizingMethod.FRACTION_OF_EQUITY:
            return value * money / price
        case SizingMethod.FIXED_NOTIONAL:
            return value / price
        case SizingMethod.FIXED_QTY:
            return value
        case SizingMethod.RISK_PER_TRADE:
            return value * money / Fraction(exact(stop_distance)) if stop_distance else Fraction(0)
        case SizingMethod.VOLATILITY_TARGET:
            volatility = sizing.inputs.get("volatility", 0.0)
            return value / Fraction(exact(volatility)) * money / price if volatility > 0 else Fraction(0)
