"""Array forms of the averages that most strategies use, over a stretch without holes.

Each does the arithmetic of its step in the same order, so the bits are the same: sums of different turns are taken
side by side, as no turn needs another's, and what is made of the sums is the same for every bar, so that the compiler
does several at once. Compiled by numba; parameters are the checked ones, as floats, and every output has the length
of the inputs. An array form says whether its inputs were whole, and whether no output is so near to 0 that its rounding
would decide the sign, which the bound in the step does; what it left in the outputs counts only if both are so.
"""

from __future__ import annotations

import math

import numpy as np

from tradewire.trading.indicators.decimals import HIGHEST_EXPONENT, LOWEST_EXPONENT, SMALLEST, UNITS
from tradewire.trading.indicators.deviations import band_rounding
from tradewire.trading.indicators.model import FloatArray

Columns = tuple[FloatArray, ...]
Params = tuple[float, ...]

EXPONENT = 0x7FF0_0000_0000_0000  # the bits of an exponent; infinite numbers and NaN have all of them
SIZE = 0x7FFF_FFFF_FFFF_FFFF  # the bits of a number without its sign, in the order of their sizes
EXPONENT_BITS, BIAS = 52, 1022
BLOCK = 512  # bars whose sums are still in the nearest cache when the bands are made of them


def whole(x: FloatArray) -> bool:
    """Is no value infinite or NaN?"""
    bits = x.view(np.int64)
    largest = bits[:0].sum()
    for i in range(len(bits)):
        exponent = bits[i] & EXPONENT
        largest = exponent if exponent > largest else largest
    return bool(largest < EXPONENT)


def unit_of_sums(a: FloatArray, b: FloatArray) -> float:
    """Unit of decimals of the size of each |a| + |b|; 0 where they do not all have the same one.

    They have, where all numbers have one exponent: each sum then has the next.
    """
    if len(a) == 0:
        return 0.0
    left, right = a.view(np.int64), b.view(np.int64)
    unlike = left[:0].sum()
    for i in range(len(left)):
        unlike |= (left[i] ^ left[0]) | (right[i] ^ left[0])
    exponent = ((left[0] & SIZE) >> EXPONENT_BITS) - BIAS + 1
    if unlike & EXPONENT != 0 or exponent < LOWEST_EXPONENT or exponent > HIGHEST_EXPONENT:
        return 0.0
    return float(UNITS[exponent - LOWEST_EXPONENT])


def positive(x: FloatArray) -> bool:
    """Is every value finite, and from 0 on?"""
    bits = x.view(np.int64)
    largest = bits[:0].sum()
    signs = bits[:0].sum()
    for i in range(len(bits)):
        exponent = bits[i] & EXPONENT
        largest = exponent if exponent > largest else largest
        signs |= bits[i]
    return bool(largest < EXPONENT and signs >= 0)


def fill_unknown(out: FloatArray, end: int) -> None:
    """NaN before bar `end`."""
    out[: min(end, len(out))] = math.nan


def mean_of(x: FloatArray, start: int, n: int) -> float:
    """Mean of n values: the seed of a recursive average; see `averages.seeded`."""
    value = 0.0
    for i in range(n):
        value += (x[start + i] - value) / (i + 1.0)
    return value


def sma(columns: Columns, params: Params, outputs: Columns) -> bool:
    """Mean of the last n values: of the last full turn what is still in the window, and the running turn."""
    x, out = columns[0], outputs[0]
    n = int(params[0])
    fill_unknown(out, n - 1)
    start = 0
    while start + 5 * n <= len(x):  # each block is summed and divided while it is in the nearest cache
        stop = start + 4 * n
        if not sum_four_turns(x[start:stop], n, out[start : stop + n - 1]) and not whole(x[start:stop]):
            return False
        if not divide(out[start:stop], params[0], x[start:stop]):
            return False
        keep_equal(x, max(start, n) - 1, stop - n, n, out)
        start = stop
    if not positive(x[start:]):
        return False
    sum_turns(x, start, n, out)
    divide(out[start:], params[0], x[start:])
    keep_equal(x, max(start, n) - 1, len(x), n, out)
    return True


def keep_equal(x: FloatArray, start: int, stop: int, n: int, out: FloatArray) -> None:
    """The mean of n equal values is that value; see `averages.sma`.

    ``start``, and before ``stop``: ends of turns. Each window holds one, and the half of its other values before it or
    after it. So only where the value at that distance is the same is it worth to look how far equal values reach.
    """
    half = (n - 1) // 2
    before, ends, after = x[start - half :], x[start:], x[min(start + half, len(x) - 1) :]
    furthest = len(after) - 1
    for i in range(0, stop - start, n):
        if (before[i] == ends[i]) | (after[min(i, furthest)] == ends[i]):
            keep_run(x, start + i, n, out)


def keep_run(x: FloatArray, end: int, n: int, out: FloatArray) -> None:
    """Where the n values of a window that holds bar `end` are equal, their mean is that value."""
    first, last = end, end
    while first > 0 and end - first < n - 1 and x[first - 1] == x[end]:
        first -= 1
    while last + 1 < len(x) and last - end < n - 1 and x[last + 1] == x[end]:
        last += 1
    for i in range(first + n - 1, last + 1):
        out[i] = x[i]


def divide(out: FloatArray, n: float, x: FloatArray) -> bool:
    """Divide all values; is each of x, of the same length, from 0 on?"""
    bits = x.view(np.int64)
    signs = bits[:0].sum()
    for i in range(len(out)):
        out[i] /= n
        signs |= bits[i]
    return bool(signs >= 0)


def sum_four_turns(x: FloatArray, n: int, out: FloatArray) -> bool:
    """Sums over the windows that end in four turns, and the older parts of those that end in the turn after them.

    The older parts of the windows that end in the first turn are in `out` before. False when a sum of a whole turn is
    infinite or NaN, as it is if any of its values is.
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
    turns = e + f + g + h
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
    return turns - turns == 0.0


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
    anchor, start, done = 0.0, 0, 0
    while start + 2 * n <= len(x):
        end, reach = start + n, start + 2 * n - 1
        turn = x[start:end]
        fine = sum_distances(turn, anchor, upper[start:reach], middle[start:end], lower[start:reach])
        if not fine and not whole(turn):
            return False
        anchor, start = turn[n - 1], end
        if end - done >= BLOCK:
            if not make_bands(upper[done:end], middle[done:end], lower[done:end], params[0], factor):
                return False
            done = end
    if not whole(x[start:]):
        return False
    sum_last_distances(x, start, anchor, n, outputs)
    if not make_bands(upper[done:], middle[done:], lower[done:], params[0], factor):
        return False
    for out in outputs:
        fill_unknown(out, n - 1)
    return True


def sum_distances(x: FloatArray, anchor: float, plain: FloatArray, anchors: FloatArray, square: FloatArray) -> bool:
    """As `sum_four_turns`, of one turn: the distances to each window's anchor, their squares, and the anchors.

    `anchor` is that of the windows that end in this turn but for the last, whose anchor is its newest value.
    """
    last = len(x) - 1
    ahead, ahead_squares, newest = plain[last:], square[last:], x[last]
    forward, forward_squares, backward, backward_squares = 0.0, 0.0, 0.0, 0.0
    for i in range(last):
        d = x[i] - anchor
        forward += d
        forward_squares += d * d
        plain[i] += forward
        anchors[i] = anchor
        square[i] += forward_squares
        d = x[last - i] - newest
        backward += d
        backward_squares += d * d
        ahead[last - i], ahead_squares[last - i] = backward, backward_squares
    d = x[0] - newest
    ahead[0], anchors[last], ahead_squares[0] = backward + d, newest, backward_squares + d * d
    return backward_squares - backward_squares == 0.0 and d - d == 0.0


def sum_last_distances(x: FloatArray, start: int, anchor: float, n: int, sums: Columns) -> None:
    """The same from the turn that begins at `start` to the last bar, less than two turns further."""
    plain, anchors, square = sums
    for first in range(start, len(x), n):
        forward, forward_squares = 0.0, 0.0
        for i in range(first, min(first + n - 1, len(x))):
            d = x[i] - anchor
            forward += d
            forward_squares += d * d
            plain[i], anchors[i], square[i] = plain[i] + forward, anchor, square[i] + forward_squares
        last = first + n - 1
        if last < len(x):
            anchor, anchors[last] = x[last], x[last]
            backward, backward_squares = 0.0, 0.0
            for i in range(last, first - 1, -1):
                d = x[i] - anchor
                backward += d
                backward_squares += d * d
                if i + n - 1 < len(x):
                    plain[i + n - 1], square[i + n - 1] = backward, backward_squares


def make_bands(upper: FloatArray, middle: FloatArray, lower: FloatArray, n: float, factor: float) -> bool:
    """Bands in the place of the sums, the anchors and the sums of squares; False where one is within its rounding."""
    close = 0
    for i in range(len(upper)):
        mean = upper[i] / n
        spread = lower[i] / n - mean * mean
        deviation = math.sqrt(spread if spread > 0.0 else 0.0)
        width = factor * deviation
        middle[i] += mean
        upper[i] = middle[i] + width
        lower[i] = middle[i] - width
        off = band_rounding(n, factor, middle[i], deviation) + SMALLEST
        close += abs(upper[i]) <= off
        close += abs(middle[i]) <= off
        close += abs(lower[i]) <= off
    return close == 0
