"""Compiled arithmetic is Python's exact arithmetic, rounding and sign included."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tradewire.backtest.loops import arithmetic as module
from tradewire.trading.exchange import fixed_point

from .entrance import entrance

arithmetic = entrance(module)

LARGEST = 9 * 10**18
signed = st.integers(-(2**62), 2**62)
unsigned = st.integers(0, 2**62)
divisors = st.one_of(st.just(10**8), st.integers(1, 125), st.integers(1, 2**32 - 1))


@settings(deadline=None)  # the first call compiles
@given(left=signed, right=signed, divisor=divisors)
def test_mul_div_rounds_half_to_even(left: int, right: int, divisor: int) -> None:
    exact = fixed_point.mul_div(left, right, divisor)
    assume(abs(exact) < LARGEST)
    assert arithmetic.mul_div(left, right, divisor) == exact


@settings(deadline=None)  # the first call compiles
@given(quotient=st.integers(-(10**10), 10**10), rest=st.integers(-2, 2), divisor=st.sampled_from([2, 10, 10**8]))
def test_mul_div_near_the_half(quotient: int, rest: int, divisor: int) -> None:
    left = quotient * divisor + divisor // 2 + rest
    assert arithmetic.mul_div(left, 1, divisor) == fixed_point.mul_div(left, 1, divisor)


@settings(deadline=None)  # the first call compiles
@given(left=unsigned, right=unsigned, divisor=divisors)
def test_mul_div_ceil_rounds_up(left: int, right: int, divisor: int) -> None:
    exact = fixed_point.mul_div_ceil(left, right, divisor)
    assume(exact < LARGEST)
    assert arithmetic.mul_div_ceil(left, right, divisor) == exact


@settings(deadline=None)  # the first call compiles
@given(qty=st.integers(-(10**15), 10**15), price=st.integers(1, 10**14))
def test_notional(qty: int, price: int) -> None:
    exact = fixed_point.notional(qty, price)
    assume(abs(exact) < LARGEST)
    assert arithmetic.notional(qty, price) == exact


@settings(deadline=None)  # the first call compiles
@given(left=unsigned, right=unsigned, divisor=divisors)
def test_mul_div_floor_rounds_down(left: int, right: int, divisor: int) -> None:
    exact = fixed_point.mul_div_floor(left, right, divisor)
    assume(exact < LARGEST)
    assert arithmetic.mul_div_floor(left, right, divisor) == exact


@settings(deadline=None)  # the first call compiles
@given(cost=unsigned, qty=st.integers(1, 2**62 - 1))
def test_average_price_divides_by_any_quantity(cost: int, qty: int) -> None:
    exact = fixed_point.mul_div(cost, fixed_point.SCALE, qty)
    assume(exact < LARGEST)
    assert arithmetic.average_price(cost, qty) == exact


@settings(deadline=None)  # the first call compiles
@given(steps=st.integers(0, 10**6), parts=st.integers(1, 10**9))
def test_average_price_rounds_the_half_to_even(steps: int, parts: int) -> None:
    cost, qty = (2 * steps + 1) * parts, 2 * fixed_point.SCALE * parts
    assert arithmetic.average_price(cost, qty) == fixed_point.mul_div(cost, fixed_point.SCALE, qty)
