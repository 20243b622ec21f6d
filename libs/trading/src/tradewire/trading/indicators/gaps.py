"""Recursive averages as the gap between the newest value and the average, with the bound of what rounding is in it.

An average of weight w follows x by v += w · (x - v). Next to a price near 1e9 a float of v has no digits left for what
two averages differ by. The gap x - v has them: it grows by what x changes, which is a decimal, and shrinks by 1 - w.
While the seed builds up, v is the mean so far, and the weight is one in as many values as there are. The average
itself changes by w of the grown gap, which is what the next average of a chain follows.

Each step rounds a sum, a product and the weight: less than 8u of the grown gap and of the change, u = 2⁻⁵³. It adds
that to the bound, which shrinks as the gap does: the bound fades with what it stands for. The exact value behind a
result that is within its bound is 0, or too close to it for floats to tell.

`bounded` does the same for an average that is kept as itself: the average of what each step rounds. A step rounds the
average and what it is moved by, less than 8u of both and of the value that it reads, and v carries an error on for some
1/w bars. An average of values from 0 on needs no bound: nothing is taken from another, and its sign is theirs.
"""

from __future__ import annotations

from tradewire.trading.indicators.averages import seeded, smoothed
from tradewire.trading.indicators.decimals import SMALLEST, ULP, distance, zero_within
from tradewire.trading.indicators.windows import NAN

GAP_SIZE = 4  # slots of `follow`: count, gap, bound of the gap, bound of the average's change
STEP = 8.0 * ULP
BOUNDED_SIZE = 3  # slots of `bounded`: count and value as in `averages.smoothed`, bound


def follow(s: list[float], k: int, n: float, weight: float, change: float, off: float) -> float:
    """Advance the gap of an average by the change of what it follows; returns the change of the average.

    off: what the change can be off by. The first change is none; the average is known when slot k has counted to n.
    """
    if s[k] < n:
        s[k] += 1.0
        weight = 1.0 / s[k]
    if weight == 1.0:  # the first value, or an average of one bar
        s[k + 1] = 0.0
        s[k + 2] = 0.0
        s[k + 3] = off
        return change
    grown = s[k + 1] + change
    bound = s[k + 2] + off + STEP * (abs(grown) + abs(change))
    s[k + 1] = zero_within((1.0 - weight) * grown, 0.0)
    s[k + 2] = (1.0 - weight) * bound + SMALLEST
    s[k + 3] = weight * bound + SMALLEST
    return weight * grown


def chain_size(depth: int) -> int:
    """Slots of `chain`: previous value, then those of `follow` for each average."""
    return 1 + depth * GAP_SIZE


def chain(s: list[float], k: int, depth: int, n: int, x: float) -> float:
    """Advance exponential averages of n bars, each of the one before; returns the change of the last of them.

    NaN until the last is known, and on its first bar.
    """
    change = distance(x, s[k])
    off = STEP * abs(change)
    s[k] = x
    for j in range(depth):
        at = k + 1 + j * GAP_SIZE
        known = s[at] >= n
        change = follow(s, at, n, 2.0 / (n + 1.0), change, off)
        off = s[at + 3]
        if s[at] < n:
            return NAN
        if not known and j == depth - 1:
            return NAN
    return change


def chain_known(s: list[float], k: int, depth: int, n: int) -> bool:
    """Whether the last average of a chain is known."""
    return s[k + 1 + (depth - 1) * GAP_SIZE] >= n


def gap(s: list[float], k: int, j: int) -> float:
    """Gap of the j-th average of a chain, from 0, to what it follows."""
    return s[k + 2 + j * GAP_SIZE]


def gap_rounding(s: list[float], k: int, j: int) -> float:
    """What that gap can be off by."""
    return s[k + 3 + j * GAP_SIZE]


def change_rounding(s: list[float], k: int, depth: int) -> float:
    """What the change of the last of a chain can be off by."""
    return s[k + depth * GAP_SIZE]


def chain_value(s: list[float], k: int, depth: int, x: float) -> tuple[float, float]:
    """The average at a depth of a chain that follows x, from 1, and what it can be off by."""
    value = x
    off = STEP * abs(x)
    for j in range(depth):
        value -= gap(s, k, j)
        off += gap_rounding(s, k, j)
    return value, off


def bounded(s: list[float], k: int, n: int, weight: float, x: float, off: float) -> float:
    """Exponential average as `averages.smoothed`; 0 within its rounding.

    off: what x can be off by.
    """
    if x != x:
        return NAN
    before = s[k + 1]
    if s[k] < n:
        seeded(s, k, n, x)
        weight = 1.0 / s[k]
    else:
        s[k + 1] += (x - before) * weight
    s[k + 2] += (off + rounded(weight, x, before) - s[k + 2]) * weight
    return zero_within(s[k + 1], s[k + 2]) if s[k] >= n else NAN


def rounded(weight: float, x: float, before: float) -> float:
    """What a step of an average rounds, over the weight of the step."""
    return STEP * (1.0 / weight + 1.0) * (abs(x) + abs(before))


def signed(s: list[float], k: int, n: int, weight: float, x: float) -> float:
    """The average of all bars in state `s`; 0 within its rounding, which only a value below 0 needs a bound for.

    Until there is one, each bar rounds the average by at most 8u of itself.
    """
    if s[k + 2] == 0.0:
        if x >= 0.0:
            return smoothed(s, k, n, weight, x)
        s[k + 2] = s[0] * STEP * abs(s[k + 1])
    return bounded(s, k, n, weight, x, 0.0)
