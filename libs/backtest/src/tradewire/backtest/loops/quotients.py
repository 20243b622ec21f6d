"""Whole steps in an exact quotient of decimals, in compiled loops: what `Fraction` gives, without wide integers.

A number is held as the sum of two floats, of which the second is at most half a unit in the last place of the first
(Dekker 1971, "A floating-point technique for extending the available precision"), so with 106 bits. Products of two
such numbers are off by less than 2⁻¹⁰³ of themselves. A quotient here is made of at most seven factors above and below
its line, and one more product tells what a number of steps leaves over: all of it is off by less than 2⁻⁹⁹ of the
quotient. `NEAR` is above that. A quotient of decimals with fewer than 2⁹⁶ units above its line cannot come nearer to a
whole number without being one: the answer is exact there, and one in 2⁹⁰ of longer ones may be taken for the whole
number that it nearly is.
"""

from __future__ import annotations

import math

import numpy as np

from tradewire.backtest.compiled import ZERO, compiled_inside

NEAR = 2.0**-96
"""Of a quotient: what is left over is nothing below it."""
SPLITTER = 2.0**27 + 1.0
CARE = 1e-14
"""Of a quotient of floats: the nine roundings in it come to 1e-15."""
FAINT = 1e-28
"""Amounts and divisors below it are no decimals that anyone asks for: floats decide."""
MOST_STEPS = 2**62
"""In place of any larger number of steps."""
_TENS = tuple((float(10**power), float(10**power - int(float(10**power)))) for power in range(46))
"""Powers of ten, each exact: 5⁴⁵ has 105 bits."""
_LOW_BITS = 32
Wide = tuple[float, float]


@compiled_inside
def _integer(number: float) -> int:
    units: int = np.int64(number)  # type: ignore[assignment]  # an int to numba
    return units


@compiled_inside
def wide(number: int) -> Wide:
    """A whole number from 0 to 2⁶³ - 1."""
    high, low = float(number >> _LOW_BITS) * 2.0**_LOW_BITS, float(number & (2**_LOW_BITS - 1))
    total = high + low
    return total, low - (total - high)


@compiled_inside
def _half(number: float) -> float:
    """The upper 26 bits."""
    scaled = SPLITTER * number
    return scaled - (scaled - number)


@compiled_inside
def times(left: Wide, right: Wide) -> Wide:
    """The product."""
    product = left[0] * right[0]
    a, c = _half(left[0]), _half(right[0])
    b, d = left[0] - a, right[0] - c
    rest = ((a * c - product) + a * d + b * c) + b * d
    rest += left[0] * right[1] + left[1] * right[0]
    total = product + rest
    return total, rest - (total - product)


@compiled_inside
def ten_to(power: int) -> Wide:
    """A power of ten, from 0 on; beyond 10⁴⁵ not exact."""
    if power < len(_TENS):
        return _TENS[power]
    return 10.0**power, 0.0


@compiled_inside
def decimal_of(number: float) -> tuple[int, int]:
    """A float above 0 as the decimal that Python prints for it: whole number and power of ten that divides it."""
    if number >= 1e15:
        return _integer(min(number, 9e18)), 0
    power = 14 - math.floor(math.log10(number))
    least = 0.5 * (np.nextafter(number, np.inf) - number)
    whole = ZERO
    below = 0.5 * least if math.frexp(number)[0] == 0.5 else least  # floats under a power of two lie twice as close
    for digits in range(15, 18):  # the first that reads back is the shortest
        tens = ten_to(power)
        high, low = times((number, 0.0), tens)
        nearest = np.rint(high)
        whole = _integer(nearest) + _integer(np.rint(low + (high - nearest)))
        off = (float(whole - _integer(nearest)) - (high - nearest)) - low
        if digits == 17 or -below * tens[0] <= off <= least * tens[0]:
            break
        if off < 0.0 and off + 1.0 <= least * tens[0]:
            whole += 1
            break
        power += 1
    return whole, power


@compiled_inside
def whole_quotient(above: Wide, below: Wide) -> int:
    """``above // below``, both above 0; `MOST_STEPS` where it is more."""
    if above[0] >= below[0] * MOST_STEPS:
        return MOST_STEPS
    steps = _integer(above[0] / below[0])
    for _ in range(2):  # the first float is off by up to a thousand steps of 2⁶², the second by less than one
        left = _left(above, below, steps)
        steps += _integer(np.rint(left / below[0]))
    left = _left(above, below, steps)
    if left < -NEAR * above[0]:
        steps -= 1
    return steps


@compiled_inside
def _left(above: Wide, below: Wide, steps: int) -> float:
    """What that many steps leave over; below 0 where they are too many."""
    taken = times(wide(steps), below)
    return (above[0] - taken[0]) + (above[1] - taken[1])


@compiled_inside
def steps_within(amount: float, money: int, divisor: float, close: int, step: int, tens: int) -> int:
    """``amount * money * 10**tens / (divisor * close * step)`` rounded down, the floats being decimals; all above 0.

    `MOST_STEPS` where it is more. Floats decide where they are surely on one side of a whole number.
    """
    near = amount * float(money) / (divisor * float(close) * float(step)) * 10.0**tens
    if not near < MOST_STEPS:
        return MOST_STEPS
    if near < 0.5 or abs(near - np.rint(near)) > CARE * near or min(amount, divisor) < FAINT:
        return _integer(near)
    whole, places = decimal_of(amount)
    above, below = times(wide(whole), wide(money)), times(wide(close), wide(step))
    if divisor != 1.0:
        part, parts = decimal_of(divisor)
        below, places = times(below, wide(part)), places - parts
    if tens >= places:
        above = times(above, ten_to(tens - places))
    else:
        below = times(below, ten_to(places - tens))
    return whole_quotient(above, below)
