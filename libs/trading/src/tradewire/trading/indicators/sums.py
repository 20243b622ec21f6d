"""Sums that know what rounding can be in them, so that an exact zero is shown as zero; slots and rules as in `windows`.

A value is off by at most what its caller says (`off`), and by some units of rounding of itself that stand for its
decimals and for up to 15 operations. A window of n such values is summed with at most n roundings, each at most
u = 2⁻⁵³ of the sizes so far. So the sum is off by at most the sum of off + (n + 8) · 2u · |x|, which is kept in a
window of its own: nothing that has left the window widens it.

A sum over all bars is compensated (Neumaier, 1974): what each addition rounds off is kept beside it. What is left is
the rounding of the values, 8 · 2u of their sizes, and a few units of rounding of the sum itself, which decide no sign.
"""

from __future__ import annotations

from tradewire.trading.indicators.averages import mean_size
from tradewire.trading.indicators.decimals import ULP, zero_within
from tradewire.trading.indicators.windows import NAN, STEADY_SIZE, steady, total, total_size

RUNNING_SIZE = 3  # slots of `running`: sum, what rounding took from it, sizes of all values


def summed_size(n: float) -> int:
    """Slots of `summed`: bound of rounding, then those of `total` twice."""
    return 1 + 2 * total_size(n)


def summed(s: list[float], k: int, n: int, x: float, off: float) -> float:
    """Sum of the last n values; 0 within its rounding, which slot k holds."""
    if x != x:
        return NAN
    whole = total(s, k + 1, n, x)
    bound = total(s, k + 4 + n, n, off + (n + 8.0) * 2.0 * ULP * abs(x))
    if whole != whole:
        return NAN
    s[k] = bound
    return zero_within(whole, bound)


def averaged_size(n: float) -> int:
    """Slots of `averaged`: those of `summed`, then those of `steady`."""
    return summed_size(n) + STEADY_SIZE


def averaged(s: list[float], k: int, n: int, x: float, off: float) -> float:
    """Mean of the last n values; of equal values exactly that value. Slot k holds the bound of rounding of n means."""
    if x != x:
        return NAN
    whole = summed(s, k, n, x, off)
    return x if steady(s, k + 7 + 2 * n, x) >= n else whole / n


def signed_mean_size(n: float) -> int:
    """Slots of `signed_mean`: those of `sma`, whether a value was below 0, and those of `total` for the sizes."""
    return mean_size(n) + 1 + total_size(n)


def signed_mean(s: list[float], k: int, n: int, x: float) -> float:
    """The mean of `averages.sma`; 0 within its rounding, which only a value below 0 can make of more than nothing.

    Until there is one, sizes are the values themselves, and so are their sums.
    """
    if x != x:
        return NAN
    below = k + 5 + n
    if x < 0.0 and s[below] == 0.0:
        s[below] = 1.0
        for j in range(3 + n):
            s[below + 1 + j] = s[k + j]
    whole = total(s, k, n, x)
    if s[below] != 0.0:
        size = total(s, below + 1, n, abs(x))
        if size == size:
            whole = zero_within(whole, (n + 8.0) * 2.0 * ULP * size)
    return x if steady(s, k + 3 + n, x) >= n else whole / n


def running(s: list[float], k: int, x: float) -> float:
    """Sum of all values so far; 0 within the rounding of the values."""
    before = s[k]
    after = before + x
    s[k] = after
    s[k + 1] += (before - after) + x if abs(before) >= abs(x) else (x - after) + before
    s[k + 2] += abs(x)
    return zero_within(after + s[k + 1], 16.0 * ULP * s[k + 2])
