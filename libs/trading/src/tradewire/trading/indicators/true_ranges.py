"""True range of a bar, and the array form of its average."""

from __future__ import annotations

from tradewire.trading.indicators.decimals import ULP, decimal_within, unit_within
from tradewire.trading.indicators.lanes import (
    SETTLING,
    follow,
    follow_eight,
    length_of_eight,
    right_of_eight,
    settle_eight,
)
from tradewire.trading.indicators.model import FloatArray
from tradewire.trading.indicators.stretches import Columns, Params, fill_unknown, mean_of, unit_of_sums, whole
from tradewire.trading.indicators.windows import NAN

RANGE_SIZE = 2  # slots of `true_range`: count, previous close
BLOCK = 128  # bars of each lane whose true ranges are still in the nearest cache when they are averaged


def larger(a: float, b: float) -> float:
    """The larger of two numbers, a on a tie and if a is NaN; `max` may treat the sign of zero differently."""
    return b if b > a else a


def smaller(a: float, b: float) -> float:
    """The smaller of two numbers, a on a tie and if either is NaN."""
    return b if b < a else a


def reach(high: float, low: float, before: float) -> float:
    """True range of a bar after a bar that closed at `before`, as floats; infinite or NaN if high or low is."""
    return larger(larger(high - low, abs(high - before)), abs(low - before))


def widest(high: float, low: float, before: float) -> float:
    """True range of a bar after a bar that closed at `before`: the decimal within the rounding of the prices."""
    return decimal_within(reach(high, low, before), abs(high) + abs(before), 3.0 * ULP)


def true_range(s: list[float], k: int, high: float, low: float, close: float) -> float:
    """True range; NaN on the first bar, which has no close before it."""
    before = s[k + 1]
    s[k + 1] = close
    if s[k] == 0.0:
        s[k] = 1.0
        return NAN
    return widest(high, low, before)


def spans(columns: Columns, start: int, stop: int, out: FloatArray) -> bool:
    """True ranges from bar `start` ≥ 1 to before `stop`; False when a close among them is infinite or NaN."""
    high, low, close = columns[0][start:stop], columns[1][start:stop], columns[2][start:stop]
    before, span = columns[2][start - 1 : stop - 1], out[start:stop]
    holes = 0
    unit = unit_of_sums(high, before)
    if unit == 0.0:
        for i in range(len(span)):
            holes += close[i] - close[i] != 0.0
            span[i] = widest(high[i], low[i], before[i])
        return holes == 0
    for i in range(len(span)):
        holes += close[i] - close[i] != 0.0
        size = abs(high[i]) + abs(before[i])
        span[i] = unit_within(reach(high[i], low[i], before[i]), size, 3.0 * ULP, unit)
    return holes == 0


def follow_spans(
    columns: Columns, start: int, value: float, weight: float, out: FloatArray, lane: int, settling: int
) -> int:
    """Average of the true ranges in eight lanes, as `lanes.follow_in_lanes`, a block while it is in the nearest cache.

    Returns the first bar that is still to be done, `start` also when a close is infinite or NaN.
    """
    for k in range(1, 8):
        if not spans(columns, start + k * lane - settling, start + k * lane, out):
            return start
    early = out[start + lane - settling :]
    b, c, d, e, f, g, h, _ = settle_eight(early, lane, settling, weight, early)
    starts = (value, b, c, d, e, f, g, h)
    ends = starts
    for block in range(start, start + lane, BLOCK):
        bars = min(BLOCK, start + lane - block)
        for k in range(8):
            if not spans(columns, block + k * lane, block + k * lane + bars, out):
                return start
        ends = follow_eight(out[block:], lane, bars, ends, weight, out[block:])
    return start + right_of_eight(ends, starts) * lane


def average(columns: Columns, params: Params, outputs: Columns) -> bool:
    """The average true range over a stretch without holes; see `stretches`.

    A hole in high or low is in the true range, hence in all averages from there on; one in close may be in neither.
    """
    high, low, close = columns
    out = outputs[0]
    n = int(params[0])
    if not (whole(high[:1]) and whole(low[:1]) and whole(close[:1])):
        return False
    seeded = min(n + 1, len(out))
    found = spans(columns, 1, seeded, out)
    if len(out) <= n:
        found = found and whole(out[1:])
    else:
        value, weight = mean_of(out, 1, n), 1.0 / n
        out[n] = value
        start, settling = seeded, SETTLING * n
        lane = length_of_eight(len(out) - start, settling)
        if lane > 0:
            start = follow_spans(columns, start, value, weight, out, lane, settling)
        found = spans(columns, start, len(out), out) and found
        follow(out, start, out[start - 1], weight, out)
        found = found and whole(out[-1:])
    fill_unknown(out, n)
    return found
