"""How far the values of a window are from their mean, by the decimals of the distances between them.

Slots, sums and turns are those of `windows.variance`, which the bands read: beside a price its last digits are enough.
Here the distances themselves are the result, and prices near 1e9 with ticks of 0.01 have some six digits of them as
floats. So each is taken to its decimal. With distances exact to u = 2⁻⁵³, Q the sum of their squares and V the
variance, V is off by at most (n + 8) · 2u · Q / n. The anchor is in the window, so Q is at most n² · V: the variance
of 20 values is off by less than 1.3e-13 of itself.
"""

from __future__ import annotations

import math

from tradewire.trading.indicators.decimals import ULP, distance, settled, zero_within
from tradewire.trading.indicators.windows import NAN, accumulate_back


def deviate(s: list[float], k: int, n: int, x: float) -> float:
    """Population variance of the last n values; exactly 0.0 over n equal values."""
    if x != x:
        return NAN
    i = int(s[k + 1])
    d = distance(x, s[k + 2])
    s[k + 3] += d
    s[k + 4] += d * d
    s[k + 5 + i] = x
    i += 1
    if i == n:
        i = 0
        close_turn(s, k, n, x)
    s[k + 1] = float(i)
    if s[k] < n:
        return NAN
    mean = (s[k + 5 + i] + s[k + 3]) / n
    spread = squares(s, k, n) / n - mean * mean
    return spread if spread > 0.0 else 0.0


def close_turn(s: list[float], k: int, n: int, x: float) -> None:
    """End a turn: its newest value becomes the anchor, the ring sums from each slot on."""
    s[k] = float(n)
    s[k + 2] = x
    s[k + 3] = 0.0
    s[k + 4] = 0.0
    for j in range(k + 5, k + 5 + n):
        s[j] = distance(s[j], x)
        s[j + n] = s[j] * s[j]
    accumulate_back(s, k + 5, n)
    accumulate_back(s, k + 5 + n, n)


def squares(s: list[float], k: int, n: int) -> float:
    """Sum of the squared distances to the anchor, once `deviate` knows the variance."""
    return s[k + 5 + n + int(s[k + 1])] + s[k + 4]


def band_rounding(n: float, factor: float, middle: float, deviation: float) -> float:
    """What a band can be off by, and the mean: each of the n values is at most middle ± √n · deviation away from 0.

    The distances of `windows.variance` are off by u of two values each, and so is the deviation; its sums are off by
    (n + 8) · 2u of n times itself.
    """
    return (n + 8.0) * (4.0 * ULP) * (1.0 + factor) * (abs(middle) + n * deviation)


def centre(s: list[float], k: int, n: int) -> float:
    """Mean of the window."""
    mean = s[k + 2] + (s[k + 5 + int(s[k + 1])] + s[k + 3]) / n
    return settled(mean, abs(s[k + 2]) + math.sqrt(squares(s, k, n)), n)


def centre_rounding(s: list[float], k: int, n: int) -> float:
    """What `off_centre` can be off by.

    Sizes of the distances add up to at most the root of n times their squares.
    """
    return (n + 8.0) * 2.0 * ULP * math.sqrt(n * squares(s, k, n)) / n


def off_centre(s: list[float], k: int, n: int, x: float) -> float:
    """What x, the newest value, is above the mean of the window: exactly 0.0 on it."""
    apart = n * distance(x, s[k + 2]) - (s[k + 5 + int(s[k + 1])] + s[k + 3])
    return zero_within(apart / n, centre_rounding(s, k, n))
