"""Array form of MACD, as its step: the gaps of two averages and of the signal's (`gaps`), in two lanes (`lanes`).

Changes of prices are taken to their decimals a block at a time, side by side where all prices of the block have one
exponent, as then all distances have one unit. The bounds of rounding are not followed bar by bar: where each output is
further from 0 than any bound can be, they decide nothing. Else the step is to do it.

A change of at most C is off by STEP · C. With a seed or a weight of n bars no gap is larger than n/2 · C, and a step
adds less than a = STEP · (n/2 + 3) · C to the bound, which comes to n/2 · a. The signal follows changes of at most 4C,
each off by the bounds of both averages.
"""

from __future__ import annotations

import math

import numpy as np

from tradewire.trading.indicators.gaps import STEP
from tradewire.trading.indicators.lanes import BLOCK, SETTLING, Triple, take_changes
from tradewire.trading.indicators.model import FloatArray
from tradewire.trading.indicators.stretches import (
    BIAS,
    EXPONENT_BITS,
    SIZE,
    Columns,
    Params,
    fill_unknown,
    whole,
)

MANTISSA = 0xF_FFFF_FFFF_FFFF
TINY = 1e-280
"""Above what gaps no longer fade to."""


def largest(x: FloatArray) -> int:
    """Bits of the largest size."""
    bits = x.view(np.int64)
    found = bits[:0].sum()
    for i in range(len(bits)):
        size = bits[i] & SIZE
        found = size if size > found else found
    return int(found)


def smallest(outputs: Columns, start: int, stop: int) -> int:
    """Bits of the smallest size in the outputs from `start` to before `stop`."""
    line, signal, histogram = outputs
    a, b, c = (
        line.view(np.int64)[start:stop],
        signal.view(np.int64)[start:stop],
        histogram.view(np.int64)[start:stop],
    )
    found = a[:0].sum() + SIZE
    for i in range(len(a)):
        first, second, third = a[i] & SIZE, b[i] & SIZE, c[i] & SIZE
        first = second if second < first else first
        first = third if third < first else first
        found = first if first < found else found
    return int(found)


def number_of(bits: int) -> float:
    """The number, from 0 on, that has these bits; next to nothing where it is less."""
    return math.ldexp(float((bits & MANTISSA) + MANTISSA + 1), (bits >> EXPONENT_BITS) - EXPONENT_BITS - BIAS - 1)


def rounding(change: float, fast: int, slow: int, n: int) -> float:
    """What no output is off by, twice, where no change is larger."""
    average = slow / 2.0 + 3.0
    both = 2.0 * (slow / 2.0) * average
    signal = n / 2.0 * (both + 2.0 * average + 4.0 * (n / 2.0 + 3.0))
    return 2.0 * STEP * change * (both + signal) + TINY


def settle(changes: FloatArray, bars: tuple[int, int], weights: Triple) -> Triple:
    """Gaps behind the first of `bars` to before the second, begun without any."""
    near, far, gap = 0.0, 0.0, 0.0
    fast, slow, weight = weights
    fast_keep, slow_keep, keep = 1.0 - fast, 1.0 - slow, 1.0 - weight
    for i in range(bars[0], bars[1]):
        near += changes[i]
        far += changes[i]
        gap = keep * (gap + (fast * near - slow * far))
        near *= fast_keep
        far *= slow_keep
    return near, far, gap


def diverge(bars: tuple[int, int], gaps: Triple, weights: Triple, outputs: Columns) -> Triple:
    """MACD from the first of `bars` to before the second, whose changes are in the place of the signal.

    gaps: of the fast, the slow and the signal's average, before and (returned) after; weights: in the same order.
    """
    near, far, gap = gaps
    fast, slow, weight = weights
    fast_keep, slow_keep, keep = 1.0 - fast, 1.0 - slow, 1.0 - weight
    line, signal, histogram = outputs
    for i in range(bars[0], bars[1]):
        near += signal[i]
        far += signal[i]
        gap = keep * (gap + (fast * near - slow * far))
        near *= fast_keep
        far *= slow_keep
        line[i], signal[i], histogram[i] = far - near, far - near - gap, gap
    return near, far, gap


def diverge_beside(
    bars: tuple[int, int], lane: int, gaps: tuple[Triple, Triple], weights: Triple, outputs: Columns
) -> tuple[Triple, Triple]:
    """The same for these bars and those that are `lane` later, side by side."""
    (near, far, gap), (late_near, late_far, late_gap) = gaps
    fast, slow, weight = weights
    fast_keep, slow_keep, keep = 1.0 - fast, 1.0 - slow, 1.0 - weight
    line, signal, histogram = outputs
    late_line, late_signal, late_histogram = line[lane:], signal[lane:], histogram[lane:]
    for i in range(bars[0], bars[1]):
        near += signal[i]
        far += signal[i]
        late_near += late_signal[i]
        late_far += late_signal[i]
        gap = keep * (gap + (fast * near - slow * far))
        late_gap = keep * (late_gap + (fast * late_near - slow * late_far))
        near *= fast_keep
        far *= slow_keep
        late_near *= fast_keep
        late_far *= slow_keep
        line[i], signal[i], histogram[i] = far - near, far - near - gap, gap
        late_line[i], late_histogram[i] = late_far - late_near, late_gap
        late_signal[i] = late_far - late_near - late_gap
    return (near, far, gap), (late_near, late_far, late_gap)


def weight_of(i: int, n: int, weight: float) -> float:
    """Weight of the value i bars after the first: while the seed builds up, one in as many values as there are."""
    return 1.0 / (i + 1.0) if i < n else weight


def seed(windows: tuple[int, int, int], weights: Triple, outputs: Columns) -> Triple:
    """Gaps on the first bar on which all three averages are known, and the outputs there."""
    fast, slow, n = windows
    line, signal, histogram = outputs
    near, far, gap = 0.0, 0.0, 0.0
    for i in range(1, slow + n - 1):
        far += signal[i]
        moved = -(weight_of(i, slow, weights[1]) * far)
        far *= 1.0 - weight_of(i, slow, weights[1])
        late = i - (slow - fast)
        if late > 0:
            near += signal[i]
            moved += weight_of(late, fast, weights[0]) * near
            near *= 1.0 - weight_of(late, fast, weights[0])
        known = i - (slow - 1)
        if known > 0:
            gap = (1.0 - weight_of(known, n, weights[2])) * (gap + moved)
    last = slow + n - 2
    line[last], signal[last], histogram[last] = far - near, far - near - gap, gap
    return near, far, gap


def diverge_in_lanes(
    x: FloatArray, start: int, gaps: Triple, weights: Triple, outputs: Columns, settling: int
) -> tuple[int, int, int, Triple]:
    """`diverge` in two lanes, of prices of which the changes are taken here.

    Returns the first bar that is still to be done, the largest change, the smallest output, and the gaps before that
    bar.
    """
    lane = (len(x) - start) // 2
    most, least = 0, SIZE
    if lane < 2 * settling:
        return start, most, least, gaps
    middle = start + lane
    take_changes(x, middle - settling, middle, outputs[1])
    guess = settle(outputs[1], (middle - settling, middle), weights)
    both = (gaps, guess)
    for block in range(start, middle, BLOCK):
        end = min(block + BLOCK, middle)
        take_changes(x, block, end, outputs[1])
        take_changes(x, block + lane, end + lane, outputs[1])
        most = max(most, largest(outputs[1][block:end]), largest(outputs[1][block + lane : end + lane]))
        both = diverge_beside((block, end), lane, both, weights, outputs)
        least = min(least, smallest(outputs, block, end), smallest(outputs, block + lane, end + lane))
    if both[0] == guess:
        return middle + lane, most, least, both[1]
    return middle, most, least, both[0]


def macd(columns: Columns, params: Params, outputs: Columns) -> bool:
    """Fast minus slow average, its own average, and their difference; all NaN before the last of them is known."""
    x = columns[0]
    fast, slow, n = int(min(params[0], params[1])), int(max(params[0], params[1])), int(params[2])
    known = slow + n - 2
    if not whole(x):
        return False
    if known >= len(x):
        for out in outputs:
            fill_unknown(out, known)
        return True
    weights = (2.0 / (fast + 1.0), 2.0 / (slow + 1.0), 2.0 / (n + 1.0))
    take_changes(x, 1, known + 1, outputs[1])
    most = largest(outputs[1][1 : known + 1])
    gaps = seed((fast, slow, n), weights, outputs)
    start, found, least, gaps = diverge_in_lanes(x, known + 1, gaps, weights, outputs, SETTLING * max(slow, n))
    take_changes(x, start, len(x), outputs[1])
    most = max(most, found, largest(outputs[1][start:]))
    diverge((start, len(x)), gaps, weights, outputs)
    least = min(least, smallest(outputs, known, known + 1), smallest(outputs, start, len(x)))
    for out in outputs:
        fill_unknown(out, known)
    return number_of(least) > rounding(number_of(most), fast, slow, n)
