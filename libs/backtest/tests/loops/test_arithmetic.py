"""The loop's 64-bit arithmetic equals the exchange's unbounded integers."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tradewire.backtest.loops import arithmetic as module
from tradewire.trading.exchange import fixed_point

from .entrance import entrance

arithmetic = entrance(module)

SMALL = st.integers(0, 10**11)
AMOUNT = st.integers(-(10**17), 10**17)
RATE = st.integers(0, 10**8 - 1)


@settings(deadline=None)
@given(AMOUNT, st.integers(-(10**15), 10**15))
@example(50_000_000, 1)
@example(150_000_000, 1)
@example(-50_000_000, 1)
def test_notional_is_half_even(left: int, right: int) -> None:
    expected = fixed_point.mul_div(left, right, fixed_point.SCALE)
    assume(abs(expected) < 9e18)
    assert arithmetic.notional(left, right) == expected


@settings(deadline=None)
@given(st.integers(0, 9 * 10**18), RATE)
def test_a_fee_is_rounded_up(amount: int, rate: int) -> None:
    assert arithmetic.share_up(amount, rate) == fixed_point.mul_div_ceil(amount, rate, fixed_point.SCALE)


@settings(deadline=None)
@given(st.integers(1, 10**14), st.sampled_from([-1, 1]), st.integers(0, 10**7), st.sampled_from([1, 1000, 10**6]))
def test_a_taker_price_is_slipped_and_put_on_the_tick_against_the_taker(
    price: int, sign: int, slippage: int, tick: int
) -> None:
    if sign > 0:
        slipped = fixed_point.mul_div_ceil(price, fixed_point.SCALE + slippage, fixed_point.SCALE)
        expected = fixed_point.ceil_to(slipped, tick)
    else:
        slipped = fixed_point.mul_div_floor(price, fixed_point.SCALE - slippage, fixed_point.SCALE)
        expected = max(fixed_point.floor_to(slipped, tick), tick)
    assert arithmetic.taker_price(price, sign, slippage, tick) == expected


@settings(deadline=None)
@given(
    st.integers(1, 10**13),
    st.floats(1e-7, 1e5, allow_subnormal=False),
    st.sampled_from([-1, 1]),
    st.sampled_from([10**5, 10**6, 5 * 10**7]),
)
@example(10**10 + 5 * 10**5, 0.425, 1, 10**6)
@example(10_250_000_000, 0.42500000000000004, 1, 10**6)
def test_a_level_is_the_decimal_one_half_even_to_the_tick(base: int, distance: float, sign: int, tick: int) -> None:
    exact = Decimal(base).scaleb(-8) + sign * Decimal(repr(distance))
    unit = Decimal(tick).scaleb(-8)
    expected = max((exact / unit).to_integral_value() * unit, unit)
    assert arithmetic.tick_price(base, distance, sign, tick) == int(expected.scaleb(8))


@given(st.integers(-9 * 10**18, 9 * 10**18), st.integers(1, 10**13))
@example(9 * 10**18, 1)
@example(-9 * 10**18, 1)
@example(9 * 10**18 - 1, 3)
def test_whole_steps_are_those_of_a_division_of_integers(amount: int, step: int) -> None:
    assert arithmetic.whole_steps(amount, step) == amount // step
