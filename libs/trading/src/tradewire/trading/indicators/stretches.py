"""Array forms of the averages that most strategies use, over a stretch without holes.

Each does the arithmetic of its step in the same order, so the bits are the same: sums of different turns are taken
side by side, as no turn needs another's, and what is made of the sums is the same for every bar, so that the compiler
does several at once. Compiled by numba; parameters are the checked ones, as floats, and every output has the length
of the inputs. An array form says whether its inputs were whole; what it left in the outputs counts only if so.
"""

from __future__ import annotations

import math

import numpy as np

from tradewire.trading.indicators.model import FloatArray

Columns = tuple[FloatArray, ...]
Params = tuple[float, ...]

EXPONENT = 0x7FF0_0000_0000_0000  # the bits of an exponent; infinite numbers and NaN have all of them
BLOCK = 512  # bars whose sums are still in the nearest cache when the bands are made of them


def whole(x: FloatArray) -> bool:
    """Is no value infinite or NaN?"""
    bits = x.view(np.int64)
    largest = bits[:0].sum()
    for i in range(len(bits)):
        exponent = bits[i] & EXPONENT
        largest = exponent if exponent > largest else largest
    return bool(largest < EXPONENT)


def fill_unknown(out: FloatArray, end: int) -> None:
    """NaN before bar `end`."""
    out[: min(end, len(out))] = math.nan


def mean_of(x: FloatArray, start: int, n: int) -> float:
    """Mean of n values: the seed of a recursive average."""
    value = 0.0
    for i in range(start, start + n):
        value += x[i]
    return value / n


def sma(columns: Columns, params: Params, outputs: Columns) -> bool:
    """Mean of the last n values: of the last full turn what is still in the window, and the running turn."""
    x, out = columns[0], outputs[0]
    n = int(params[0])
    fill_unknown(out, n - 1)
    start = 0
    while start + 5 * n <= len(x):  # each block is looked at, summed and divided while it is in the nearest cache
        stop = start + 4 * n
        if not whole(x[start:stop]):
            return False
        sum_four_turns(x[start:stop], n, out[start : stop + n - 1])
        divide(out, start, stop, n)
        start = stop
    if not whole(x[start:]):
        return False
    sum_turns(x, start, n, out)
    divide(out, start, len(out), n)
    return True


def divide(out: FloatArray, start: int, stop: int, n: int) -> None:
    """Divide the values from `start` up to `stop`."""
    for i in range(start, stop):
        out[i] /= n


def sum_four_turns(x: FloatArray, n: int, out: FloatArray) -> None:
    """Sums over the windows that end in four turns, and the older parts of those that end in the turn after them.

    The older parts of the windows that end in the first turn are in `out` before.
    """
    a, b, c, d = x[:n], x[n : 2 * n], x[2 * n : 3 * n], x[3 * n :]
    k, p, q, r = out[n - 1 : 2 * n - 1], out[2 * n - 1 : 3 * n - 1], out[3 * n - 1 : 4 * n - 1], out[4 * n - 1 :]
    e, f, g, h = 0.0, 0.0, 0.0, 0.0
    for back in range(n):
        j = n - 1 - back
        e += a[j]
        f += b[j]
        g += c[j]
        h += d[j]
        k[j], p[j], q[j], r[j] = e, f, g, h
    k, p, q, r = out[: n - 1], out[n : 2 * n - 1], out[2 * n : 3 * n - 1], out[3 * n : 4 * n - 1]
    e, f, g, h = 0.0, 0.0, 0.0, 0.0
    for j in range(n - 1):
        e += a[j]
        f += b[j]
        g += c[j]
        h += d[j]
        k[j] += e
        p[j] += f
        q[j] += g
        r[j] += h


def sum_turns(x: FloatArray, start: int, n: int, out: FloatArray) -> None:
    """The same turn by turn, from the turn that begins at `start` to the last bar."""
    for first in range(start, len(x), n):
        running = 0.0
        for i in range(first, min(first + n - 1, len(x))):
            running += x[i]
            out[i] += running
        last = first + n - 1
        if last < len(x):
            running = 0.0
            for i in range(last, first - 1, -1):
                running += x[i]
                if i + n - 1 < len(x):
                    out[i + n - 1] = running


def bollinger(columns: Columns, params: Params, outputs: Columns) -> bool:
    """Mean and standard deviations around it, of distances to the last value of the last full turn."""
    x = columns[0]
    upper, middle, lower = outputs
    n, factor = int(params[0]), params[1]
    if not whole(x):
        return False
    old, older = np.zeros((2, n + 1)), np.zeros((2, n + 1))
    anchor, done = 0.0, 0
    for start in range(0, len(x), n):
        end = min(start + n, len(x))
        old, older = older, old
        sum_distances(x[start:end], anchor, older, old, upper[start:end], middle[start:end], lower[start:end])
        anchor = x[end - 1]
        if end - done >= BLOCK or end == len(x):
            make_bands(upper[done:end], middle[done:end], lower[done:end], n, factor)
            done = end
    for out in outputs:
        fill_unknown(out, n - 1)
    return True


def sum_distances(
    x: FloatArray,
    anchor: float,
    older: FloatArray,
    newer: FloatArray,
    plain: FloatArray,
    anchors: FloatArray,
    square: FloatArray,
) -> None:
    """Sums of the distances to the anchor and of their squares over the windows that end in one turn.

    older: sums over the turn before from each bar to the last, shape (2, n + 1), the last ones zero; newer: room for
    those of this turn.
    """
    n = newer.shape[1] - 1
    sums, squares, next_sums, next_squares = older[0], older[1], newer[0], newer[1]
    last = len(x) - 1
    forward, forward_squares, backward, backward_squares = 0.0, 0.0, 0.0, 0.0
    for i in range(len(x)):
        d = x[i] - anchor
        forward += d
        forward_squares += d * d
        plain[i], anchors[i], square[i] = sums[i + 1] + forward, anchor, squares[i + 1] + forward_squares
        d = x[last - i] - x[last]
        backward += d
        backward_squares += d * d
        next_sums[last - i], next_squares[last - i] = backward, backward_squares
    if len(x) == n:
        plain[last], anchors[last], square[last] = backward, x[last], backward_squares


def make_bands(upper: FloatArray, middle: FloatArray, lower: FloatArray, n: int, factor: float) -> None:
    """Bands in the place of the sums, the anchors and the sums of squares."""
    for i in range(len(upper)):
        mean = upper[i] / n
        spread = lower[i] / n - mean * mean
        width = factor * math.sqrt(spread if spread > 0.0 else 0.0)
        middle[i] += mean
        upper[i] = middle[i] + width
        lower[i] = middle[i] - width
