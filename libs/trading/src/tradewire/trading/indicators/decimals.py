"""Floats that stand for decimals: what their sums and differences are, and when one is beyond another.

A float is the nearest to its decimal, off by at most u = 2⁻⁵³ of itself, and each operation rounds by another u. So
1.1 + 0.2 and 1.2 + 0.1 are different floats, though no price differs. An indicator that asks which of two such results
is larger, or divides by their distance, must not ask about roundings. Two ways lead out:

**Sums of inputs** are decimals again. `nearest_decimal` takes a result to the decimal that it stands for: to a whole
number N of 10⁻ᵏ with N < 2⁴⁹. A sum of m values, scaled, is off by at most (m + 1) · u · N, less than 1/2 for m ≤ 6, so
that N is exactly that of the decimals, if these have at most k decimals: at least 13 significant digits. The float of
N / 10ᵏ is the nearest to the decimal, so equal decimals are equal floats, and unequal ones differ. Numbers with more
digits are rounded to that many.

**Differences of two numbers** (`distance`) are taken to their decimal only where one is within the rounding of the two
numbers, so that distances of what has more digits, or no decimals, keep all their digits. A sum of n of them, of sizes
that add up to S, is off by less than (n + 8) · 2u · S; `settled` takes a result within that for the 0 that it stands
for.

**Results of a recursion** (a trailing stop) have no such digits. `beyond` takes two of them for equal when they are
within 2⁻⁴⁰ of themselves, which is above what rounding can amount to, and below what a tick can be. The bound of each
recursion stands where it is used.
"""

from __future__ import annotations

import math

LOWEST_EXPONENT, HIGHEST_EXPONENT = -40, 49
DIGITS = 49  # bits of the whole numbers that decimals are rounded to
UNITS = tuple(
    10.0 ** min(22, len(str((1 << (DIGITS + 40)) >> (exponent + 40))) - 1)  # 10²² is the last power that is a float
    for exponent in range(LOWEST_EXPONENT, HIGHEST_EXPONENT + 1)
)
"""By the exponent of a size: the largest power of ten whose product with any such size is below 2⁴⁹."""
ULP = 2.0**-53
"""Half of the distance between floats next to 1: what rounds off at most."""
ROUNDER = 1.5 * 2.0**52
"""Floats from here on have no fraction: adding it rounds half to even."""
ROUNDING = 2.0**-40
"""Relative distance within which results of a recursion are equal."""
FAINT = 1e-200
"""Averages below it no longer fade over bars that add nothing: their ratio stays, and they never underflow."""
SMALLEST = 1e-300
"""Next to nothing floats lose their digits one by one."""
LIFT = 2.0**400
"""What averages of different pace are multiplied by in place of that, which is exact and leaves their ratio as it is.

Lifted, they are below 1e-79, so that they change nothing of what the next bar adds.
"""


def decimal_share(x: float, size: float, parts: float) -> float:
    """The decimal that `x` stands for, a sum or difference of numbers up to `size`, divided by 1 to 4 `parts`."""
    exponent = math.frexp(size)[1]
    if exponent < LOWEST_EXPONENT or exponent > HIGHEST_EXPONENT:
        return x / parts
    unit = UNITS[exponent - LOWEST_EXPONENT]
    return (x * unit + ROUNDER - ROUNDER) / (unit * parts)  # whole numbers below 2⁵³, so rounded once


def nearest_decimal(x: float, size: float) -> float:
    """The decimal that `x` stands for, a sum or difference of numbers up to `size`."""
    return decimal_share(x, size, 1.0)


def decimal_within(x: float, size: float, off: float) -> float:
    """The decimal within `off` of the size from a number; the number itself where there is none."""
    exponent = math.frexp(size)[1]
    if exponent < LOWEST_EXPONENT or exponent > HIGHEST_EXPONENT:
        return x
    unit = UNITS[exponent - LOWEST_EXPONENT]
    return unit_within(x, size, off, unit)


def unit_within(x: float, size: float, off: float, unit: float) -> float:
    """The same, of a whole number of units."""
    scaled = x * unit
    whole = scaled + ROUNDER - ROUNDER
    return whole / unit if abs(scaled - whole) <= off * (size * unit) else x


def distance(a: float, b: float) -> float:
    """a - b: the decimal within the rounding of both numbers, of their difference and of its scale, if there is one."""
    return distance_within(a, b, abs(a) + abs(b))


def distance_within(a: float, b: float, size: float) -> float:
    """a - b as `distance`, of numbers whose sizes add up to at most `size`.

    Distances with one `size` are in the order of the floats: a part of a range is never longer than the range.
    """
    return decimal_within(a - b, size, 3.0 * ULP)


def zero_within(x: float, off: float) -> float:
    """0 where a number is within what it can be off by, or too small for floats to fade on; else the number."""
    return 0.0 if abs(x) <= off + SMALLEST else x


def settled(x: float, size: float, n: float) -> float:
    """0 where a sum of n numbers, whose sizes add up to `size`, is within its rounding of it; else the sum."""
    return 0.0 if abs(x) <= (n + 8.0) * 2.0 * ULP * size else x


def half_way(a: float, b: float) -> float:
    """Half way between two decimals."""
    return distance(a, -b) / 2.0


def typical_price(high: float, low: float, close: float) -> float:
    """Mean of three decimals; equal for equal sums."""
    return decimal_share(high + low + close, abs(high) + abs(low) + abs(close), 3.0)


def beyond(a: float, b: float) -> bool:
    """Is a above b by more than rounding?"""
    return a - b > ROUNDING * (abs(a) + abs(b))
