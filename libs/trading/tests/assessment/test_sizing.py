"""How large an entry is, by method: rounded down to the step, capped, never negative."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.ports.events import SizingMethod
from tradewire.testkit.builders import instrument, sizing
from tradewire.trading.assessment.sizing import entry_qty, is_cut, quantize_price

FINITE = st.floats(min_value=1e-30, max_value=1e12, allow_nan=False)
VOLATILITY = {"inputs": {"volatility": 0.5}}


def qty(
    method: SizingMethod, value: float, *, equity: Any = 10_000, stop: float | None = None, **other: Any
) -> Decimal:
    """At a close of 300 and a step of 0.001."""
    how = sizing(method, value, **other)
    return entry_qty(how, equity=Decimal(str(equity)), close=Decimal(300), stop_distance=stop, instrument=instrument())


@pytest.mark.parametrize(
    ("method", "value", "other", "expected"),
    [
        (SizingMethod.FIXED_QTY, 1.2345, {}, "1.234"),
        (SizingMethod.FIXED_NOTIONAL, 1_000, {}, "3.333"),
        (SizingMethod.FRACTION_OF_EQUITY, 0.5, {}, "16.666"),
        (SizingMethod.RISK_PER_TRADE, 0.01, {"stop": 7.0}, "14.285"),
        (SizingMethod.RISK_PER_TRADE, 0.01, {"stop": None}, "0"),
        (SizingMethod.RISK_PER_TRADE, 0.01, {"stop": 0.0}, "0"),
        (SizingMethod.VOLATILITY_TARGET, 0.2, VOLATILITY, "13.333"),
        (SizingMethod.VOLATILITY_TARGET, 0.2, {"inputs": {"volatility": 0.0}}, "0"),
        (SizingMethod.VOLATILITY_TARGET, 0.2, {}, "0"),
        (SizingMethod.FIXED_QTY, 100, {"max_leverage": 2.0}, "66.666"),
        (SizingMethod.FIXED_QTY, 66, {"max_leverage": 2.0}, "66"),
        (SizingMethod.FIXED_QTY, 0.0009, {}, "0"),
    ],
)
def test_entry_when_sized_then_as_its_method_says_rounded_down(
    method: SizingMethod, value: float, other: dict[str, Any], expected: str
) -> None:
    assert qty(method, value, **other) == Decimal(expected)


@pytest.mark.parametrize("method", list(SizingMethod))
def test_entry_when_equity_is_negative_then_no_method_sells_instead_of_buying(method: SizingMethod) -> None:
    assert qty(method, 1.0, equity=-1, stop=1.0, max_leverage=1.0, **VOLATILITY) == 0


@given(
    method=st.sampled_from(list(SizingMethod)),
    value=FINITE,
    equity=st.decimals(-(10**9), 10**9, places=8),
    stop=st.none() | FINITE,
    volatility=st.just(0.0) | FINITE,
    leverage=st.none() | st.floats(0.1, 125),
)
def test_entry_when_inputs_are_anything_then_finite_on_the_step_and_within_the_cap(
    method: SizingMethod, value: float, equity: Decimal, stop: float | None, volatility: float, leverage: float | None
) -> None:
    found = qty(method, value, equity=equity, stop=stop, max_leverage=leverage, inputs={"volatility": volatility})
    assert found.is_finite()
    assert found >= 0
    if found < 10**20:
        assert found % Decimal("0.001") == 0
    if leverage is not None:
        assert found * 300 <= max(Decimal(repr(leverage)) * equity, Decimal(0)) * Decimal("1.000000000000000000001")


@given(value=st.decimals(0, 10**9, places=10))
def test_quantize_price_when_any_number_then_the_nearest_tick(value: Decimal) -> None:
    market = instrument()
    price = max(value, market.tick_size)
    assert abs(quantize_price(price, market) - price) <= market.tick_size / 2


def test_quantize_price_when_below_a_tick_then_one_tick() -> None:
    assert quantize_price(Decimal("-3"), instrument()) == Decimal("0.1")


@given(
    share=st.decimals("0.0001", 20, places=4),
    equity=st.decimals("0.01", 10**9, places=8),
    close=st.decimals("0.00000001", 10**6, places=8),
)
def test_entry_when_sized_then_the_exact_quotient_rounded_down_once(
    share: Decimal, equity: Decimal, close: Decimal
) -> None:
    how, terms = sizing(SizingMethod.FRACTION_OF_EQUITY, float(share)), instrument()

    found = entry_qty(how, equity=equity, close=close, stop_distance=None, instrument=terms)

    asked = Fraction(share) * Fraction(equity) / Fraction(close)
    assert Fraction(found) <= asked < Fraction(found) + Fraction(terms.step_size)
    assert found % terms.step_size == 0


@pytest.mark.parametrize(
    ("max_leverage", "cut"), [(None, False), (0.5, False), (0.499, True), (0.49999999, False), (2.0, False)]
)
def test_an_entry_is_cut_when_the_cap_takes_a_step_from_what_the_method_asks_for(
    max_leverage: float | None, cut: bool
) -> None:
    how = sizing(SizingMethod.FRACTION_OF_EQUITY, 0.5, max_leverage=max_leverage)

    found = is_cut(how, equity=Decimal(10_000), close=Decimal(300), stop_distance=None, instrument=instrument())
    assert found is cut
