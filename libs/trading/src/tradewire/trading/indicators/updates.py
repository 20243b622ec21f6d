"""Incremental forms written out straight for the averages that most strategies use.

A step calls the building blocks of its arithmetic; in the interpreter the calls cost more than the arithmetic. Each
form here does in one function what its step does to one more ordinary bar, on the same slots and in the same order,
so that bits and states are the same. All else - a wrong number of inputs, another type than float, a hole, the
warm-up - is left to the step (`otherwise`).
"""

from __future__ import annotations

import math

from tradewire.trading.indicators.model import Update
from tradewire.trading.indicators.windows import accumulate_back, anchor

State = list[float]
Params = tuple[float, ...]


def sma(s: State, params: Params, otherwise: Update) -> Update:
    """Slots from 1 on as in `averages.sma`: count, position, sum of this turn, n values; value before, equal ones."""
    n = int(params[0])
    last, ring, behind, before, run = n - 1, 4, 5, 4 + n, 5 + n

    def update(*inputs: float) -> tuple[float, ...]:
        try:
            (x,) = inputs
        except ValueError:
            return otherwise(*inputs)
        if x.__class__ is not float or x - x != 0.0 or s[1] < n:
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
    """Slots as in `averages.smoothed` from 1 on: count, value."""

    def update(*inputs: float) -> tuple[float, ...]:
        try:
            (x,) = inputs
        except ValueError:
            return otherwise(*inputs)
        if x.__class__ is not float or x - x != 0.0 or s[1] < n:
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
        change = x - s[2]
        s[2] = x
        gain, loss = s[4], s[6]
        s[4] = gain = gain + ((change if change > 0.0 else 0.0) - gain) * weight
        s[6] = loss = loss + ((-change if change < 0.0 else 0.0) - loss) * weight
        if change != 0.0 or s[1] < 2.0 or n == 1:
            s[7] = 100.0 * (gain / (gain + loss)) if gain + loss != 0.0 else 0.0
        return (s[7],)

    return update


def atr(s: State, params: Params, otherwise: Update) -> Update:
    """Slots from 1 on as in `ranges.true_range`: count, previous close; as in `averages.rma`: count, value."""
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
        value = s[4]
        s[4] = value = value + (span - value) * weight
        return (value,)

    return update


def bollinger(s: State, params: Params, otherwise: Update) -> Update:
    """Slots as in `windows.variance` from 1 on: count, position, anchor, two sums of this turn, twice n values."""
    n, factor = int(params[0]), params[1]
    ring, squares = 6, 6 + n
    root = math.sqrt

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
        width = factor * root(spread if spread > 0.0 else 0.0)
        return (middle + width, middle, middle - width)

    return update


def macd(s: State, params: Params, otherwise: Update) -> Update:
    """Slots from 1 on: count and value of the fast, the slow and the signal's average."""
    fast, slow = min(params[0], params[1]), max(params[0], params[1])
    near_weight, far_weight, weight = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0), 2.0 / (params[2] + 1.0)
    n = params[2]

    def update(*inputs: float) -> tuple[float, ...]:
        try:
            (x,) = inputs
        except ValueError:
            return otherwise(*inputs)
        if x.__class__ is not float or x - x != 0.0 or s[5] < n:
            return otherwise(*inputs)
        s[0] += 1.0
        near, far, average = s[2], s[4], s[6]
        s[2] = near = near + (x - near) * near_weight
        s[4] = far = far + (x - far) * far_weight
        line = near - far
        s[6] = average = average + (line - average) * weight
        return (line, average, line - average)

    return update
