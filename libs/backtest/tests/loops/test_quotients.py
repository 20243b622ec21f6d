"""Steps in a quotient of decimals are those of fractions, at any size."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tradewire.backtest.loops import quotients as module

from .entrance import entrance

quotients = entrance(module)

LARGEST = 4 * 10**18
integers = st.one_of(st.integers(1, LARGEST), st.integers(0, 18).map(lambda power: 10**power), st.integers(1, 1000))
short = st.builds(lambda whole, places: float(Decimal(whole).scaleb(-places)), st.integers(1, 10**9), st.integers(0, 9))
decimals = st.one_of(short, st.floats(1e-20, 1e14, allow_subnormal=False))


def fraction(number: float) -> Fraction:
    return Fraction(Decimal(repr(number)))


@settings(max_examples=500, deadline=None)
@given(st.floats(1e-26, 9e14, allow_subnormal=False))
@example(0.1)
@example(0.30000000000000004)
@example(9007199254740993.0 / 1e5)
def test_a_float_is_the_decimal_that_python_prints_for_it(number: float) -> None:
    whole, power = quotients.decimal_of(number)
    assert Fraction(whole, 10**power) == fraction(number)


@settings(max_examples=1_000, deadline=None)
@given(decimals, integers, st.one_of(st.just(1.0), decimals), integers, integers, st.sampled_from([0, 8, 16]))
@example(0.1, 3 * 10**13, 1.0, 10**8, 1, 8)
@example(1e9, 1, 1.0, 1, 1, 8)
@example(99999999.99, 1, 1.0, 1, 1, 8)
def test_steps_are_those_of_fractions(
    amount: float, money: int, divisor: float, close: int, step: int, tens: int
) -> None:
    exact = fraction(amount) * money * 10**tens / (fraction(divisor) * close * step)
    assume(exact < LARGEST)
    assert quotients.steps_within(amount, money, divisor, close, step, tens) == exact // 1


@settings(max_examples=500, deadline=None)
@given(st.integers(1, LARGEST), st.integers(1, 10**10), st.integers(1, 10**6), st.integers(-1, 1))
def test_steps_next_to_a_whole_number_are_on_their_side(count: int, close: int, step: int, beside: int) -> None:
    amount = 0.01
    money = count * close * step // 10**6 + beside
    assume(0 < money < LARGEST)
    exact = fraction(amount) * money * 10**8 / (close * step)
    assert quotients.steps_within(amount, money, 1.0, close, step, 8) == exact // 1
