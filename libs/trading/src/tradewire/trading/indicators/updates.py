"""Incremental forms written out straight for the averages that most strategies use.

A step calls the building blocks of its arithmetic; in the interpreter the calls cost more than the arithmetic. Each
form here does in one function what its step does to one more ordinary bar, on the same slots and in the same order,
so that bits and states are the same. All else - a wrong number of inputs, another type than float, a hole, the
warm-up - is left to the step (`otherwise`).
"""

from __future__ import annotations

import math

from tradewire.trading.indicators.decimals import SMALLEST, ULP, decimal_within, distance, zero_within
from tradewire.trading.indicators.deviations import band_rounding
from tradewire.trading.indicators.gaps import STEP
from tradewire.trading.indicators.model import Update
from tradewire.trading.indicators.windows import accumulate_back, anchor

State = list[float]
Params = tuple[float, ...]


def sma(s: State, params: Params, otherwise: Update) -> Update:
    """Slots from 1 on as in `sums.signed_mean`: count, position, sum of this turn, n values; value before, equal ones.

    Values below 0, and what follows them, are left to the step.
    """
    n = int(params[0])
    last, ring, behind, before, run, below = n - 1, 4, 5, 4 + n, 5 + n, 6 + n

    def update(*inputs: float) -> tuple[float, ...]:
        try:
            (x,) = inputs
        except ValueError:
            return otherwise(*inputs)
        if x.__class__ is not float or x - x != 0.0 or s[1] < n or x < 0.0 or s[below] != 0.0:
            return otherwise(*inputs)
        s[0] += 1.0
        i = int(s[2])
        s[ring + i] = x
        if i == last:
            s[2] = s[3] = 0.0
            mean = accumulate_back(s, ring, n) / n
        else:
            s[2] = i + 1.0
            s[3] = running = s[3] + x
            mean = (s[behind + i] + running) / n
        if x != s[before]:
            s[before], s[run] = x, 1.0
            return (x if n == 1 else mean,)
        s[before] = x
        s[run] = equal = s[run] + 1.0
        return (x if equal >= n else mean,)

    return update


def averaged(s: State, n: int, weight: float, otherwise: Update) -> Update:
    """Slots as in `gaps.signed` from 1 on: count, value, bound. From a value below 0 on it is left to the step."""

    def update(*inputs: float) -> tuple[float, ...]:
        try:
            (x,) = inputs
        except ValueError:
            return otherwise(*inputs)
        if x.__class__ is not float or x - x != 0.0 or s[1] < n or x < 0.0 or s[3] != 0.0:
            return otherwise(*inputs)
        s[0] += 1.0
        value = s[2]
        s[2] = value = value + (x - value) * weight
        return (value,)

    return update


def ema(s: State, params: Params, otherwise: Update) -> Update:
    """Exponential average."""
    n = int(params[0])
    return averaged(s, n, 2.0 / (n + 1.0), otherwise)


def rma(s: State, params: Params, otherwise: Update) -> Update:
    """Wilder's average."""
    n = int(params[0])
    return averaged(s, n, 1.0 / n, otherwise)


def rsi(s: State, params: Params, otherwise: Update) -> Update:
    """Slots from 1 on as in `momentum.relative_strength`: count, value before, twice count and average, index."""
    n = int(params[0])
    weight = 1.0 / n

    def update(*inputs: float) -> tuple[float, ...]:
        try:
            (x,) = inputs
        except ValueError:
            return otherwise(*inputs)
        if x.__class__ is not float or x - x != 0.0 or s[3] < n:
            return otherwise(*inputs)
        s[0] += 1.0
        change = distance(x, s[2])
        s[2] = x
        gain, loss = s[4], s[6]
        s[4] = gain = gain + ((change if change > 0.0 else 0.0) - gain) * weight
        s[6] = loss = loss + ((-change if change < 0.0 else 0.0) - loss) * weight
        if change != 0.0 or s[1] < 2.0 or n == 1:
            s[7] = 100.0 * (gain / (gain + loss)) if gain + loss != 0.0 else 0.0
        return (s[7],)

    return update


def atr(s: State, params: Params, otherwise: Update) -> Update:
    """Slots from 1 on as in `true_ranges.true_range`: count, previous close; as in `averages.rma`: count, value."""
    n = int(params[0])
    weight = 1.0 / n

    def update(*inputs: float) -> tuple[float, ...]:
        try:
            high, low, close = inputs
        except ValueError:
            return otherwise(*inputs)
        if not (high.__class__ is low.__class__ is close.__class__ is float) or s[3] < n:
            return otherwise(*inputs)
        if high - high != 0.0 or low - low != 0.0 or close - close != 0.0:
            return otherwise(*inputs)
        s[0] += 1.0
        before = s[2]
        s[2] = close
        span = high - low
        above, below = abs(high - before), abs(low - before)
        if above > span:
            span = above
        if below > span:
            span = below
        span = decimal_within(span, abs(high) + abs(before), 3.0 * ULP)
        value = s[4]
        s[4] = value = value + (span - value) * weight
        return (value,)

    return update


def bollinger(s: State, params: Params, otherwise: Update) -> Update:
    """Slots as in `windows.variance` from 1 on: count, position, anchor, two sums of this turn, twice n values."""
    n, factor = int(params[0]), params[1]
    ring, squares = 6, 6 + n
    root, rounding = math.sqrt, band_rounding(params[0], factor, 1.0, 0.0)

    def update(*inputs: float) -> tuple[float, ...]:
        try:
            (x,) = inputs
        except ValueError:
            return otherwise(*inputs)
        if x.__class__ is not float or x - x != 0.0 or s[1] < n:
            return otherwise(*inputs)
        s[0] += 1.0
        i = int(s[2])
        near = s[3]
        d = x - near
        s[4] = plain = s[4] + d
        s[5] = square = s[5] + d * d
        s[ring + i] = x
        i += 1
        if i == n:
            i, near, plain, square = 0, x, 0.0, 0.0
            anchor(s, 1, n, x)
        s[2] = float(i)
        mean = (s[ring + i] + plain) / n
        spread = (s[squares + i] + square) / n - mean * mean
        middle = near + mean
        deviation = root(spread if spread > 0.0 else 0.0)
        width = factor * deviation
        lower, off = middle - width, rounding * (abs(middle) + n * deviation)
        if lower > off + SMALLEST:
            return (middle + width, middle, lower)
        return (zero_within(middle + width, off), zero_within(middle, off), zero_within(lower, off))

    return update


def macd(s: State, params: Params, otherwise: Update) -> Update:
    """Slots from 1 on: the value before; then as in `gaps.follow` for fast, slow and signal."""
    weights = tuple(2.0 / (bars + 1.0) for bars in (min(params[:2]), max(params[:2]), params[2]))
    if 1.0 in weights:  # an average of one bar has no gap
        return otherwise
    fast, slow, weight = weights
    fast_keep, slow_keep, keep = 1.0 - fast, 1.0 - slow, 1.0 - weight
    n, least = params[2], SMALLEST

    def update(*inputs: float) -> tuple[float, ...]:
        try:
            (x,) = inputs
        except ValueError:
            return otherwise(*inputs)
        if x.__class__ is not float or x - x != 0.0 or s[10] < n:
            return otherwise(*inputs)
        s[0] += 1.0
        s[1], change = x, distance(x, s[1])
        size = abs(change)
        grown, late = s[3] + change, s[7] + change
        bound = s[4] + STEP * size + STEP * (abs(grown) + size)
        late_bound = s[8] + STEP * size + STEP * (abs(late) + size)
        near, far = fast_keep * grown, slow_keep * late
        s[3] = near = near if abs(near) > least else 0.0
        s[7] = far = far if abs(far) > least else 0.0
        s[4], s[8] = near_off, far_off = fast_keep * bound + least, slow_keep * late_bound + least
        s[5], s[9] = fast * bound + least, slow * late_bound + least
        moved = fast * grown - slow * late
        grown = s[11] + moved
        bound = s[12] + (s[5] + s[9]) + STEP * (abs(grown) + abs(moved))
        gap = keep * grown
        s[11] = gap = gap if abs(gap) > least else 0.0
        s[12] = off = keep * bound + least
        s[13] = weight * bound + least
        line, line_off = far - near, far_off + near_off
        signal = line - gap
        return (
            line if abs(line) > line_off + least else 0.0,
            signal if abs(signal) > line_off + off + least else 0.0,
            gap if abs(gap) > off + least else 0.0,
        )

    return update
