"""Building blocks over the last n values, as plain functions on a slice of a flat state.

Each block owns the slots from `k` on, starts from zeros, ignores NaN (an inner block still warming up) and
returns NaN until its window is full.

Sums never subtract what leaves the window, so no rounding error outlives it. A ring of n slots is filled in
turns; at the end of a turn each slot becomes the sum from itself to the last one, and from then on the
window's sum is that of the slot where the old part starts plus the running sum of the new turn (the queue
made of two stacks): O(1) a bar, amortised.
"""

from __future__ import annotations

NAN = float("nan")


def ring_size(n: float) -> int:
    """Slots of `delayed`: count, position, n values."""
    return 2 + int(n)


def delayed(s: list[float], k: int, n: int, x: float) -> float:
    """Value of n ≥ 1 bars ago."""
    if x != x:
        return NAN
    i = int(s[k + 1])
    old = s[k + 2 + i]
    s[k + 2 + i] = x
    i += 1
    s[k + 1] = 0.0 if i == n else float(i)
    if s[k] < n:
        s[k] += 1.0
        return NAN
    return old


def total_size(n: float) -> int:
    """Slots of `total`: count, position, sum of this turn, n values."""
    return 3 + int(n)


def total(s: list[float], k: int, n: int, x: float) -> float:
    """Sum of the last n values."""
    if x != x:
        return NAN
    i = int(s[k + 1])
    s[k + 2] += x
    s[k + 3 + i] = x
    i += 1
    if i == n:
        s[k] = float(n)
        s[k + 1] = 0.0
        s[k + 2] = 0.0
        return accumulate_back(s, k + 3, n)
    s[k + 1] = float(i)
    if s[k] < n:
        return NAN
    return s[k + 3 + i] + s[k + 2]


STEADY_SIZE = 2  # slots of `steady`: value, run


def steady(s: list[float], k: int, x: float) -> float:
    """How many values in a row, up to this one, are equal."""
    s[k + 1] = s[k + 1] + 1.0 if x == s[k] else 1.0
    s[k] = x
    return s[k + 1]


def accumulate_back(s: list[float], start: int, n: int) -> float:
    """Turn n slots into their own sums from each slot to the last one; return the sum of all."""
    running = 0.0
    for j in range(start + n - 1, start - 1, -1):
        running += s[j]
        s[j] = running
    return running


def spread_size(n: float) -> int:
    """Slots of `variance`: count, position, anchor, two sums of this turn, twice n values."""
    return 5 + 2 * int(n)


def variance(s: list[float], k: int, n: int, x: float) -> float:
    """Population variance of the last n values, unit of x squared; exactly 0.0 over n equal values.

    Sums are taken of distances to an anchor inside the window, the newest value of the last full turn: sums
    of squared prices would lose half of the digits.
    """
    if x != x:
        return NAN
    i = int(s[k + 1])
    d = x - s[k + 2]
    s[k + 3] += d
    s[k + 4] += d * d
    s[k + 5 + i] = x
    i += 1
    if i == n:
        i = 0
        anchor(s, k, n, x)
    s[k + 1] = float(i)
    if s[k] < n:
        return NAN
    mean = (s[k + 5 + i] + s[k + 3]) / n
    spread = (s[k + 5 + n + i] + s[k + 4]) / n - mean * mean
    return spread if spread > 0.0 else 0.0


def anchor(s: list[float], k: int, n: int, x: float) -> None:
    """Close a turn of `variance`: its newest value becomes the anchor, the ring sums from each slot on."""
    s[k] = float(n)
    s[k + 2] = x
    s[k + 3] = 0.0
    s[k + 4] = 0.0
    for j in range(k + 5, k + 5 + n):
        s[j] -= x
        s[j + n] = s[j] * s[j]
    accumulate_back(s, k + 5, n)
    accumulate_back(s, k + 5 + n, n)


def spread_mean(s: list[float], k: int, n: int) -> float:
    """Mean of the window of `variance`, whose update must come first."""
    return s[k + 2] + (s[k + 5 + int(s[k + 1])] + s[k + 3]) / n


def extreme_size(n: float) -> int:
    """Slots of `highest` and `lowest`: count, head, length, n values, n bar numbers."""
    return 3 + 2 * int(n)


def highest(s: list[float], k: int, n: int, x: float) -> float:
    """Highest of the last n values, by a monotonic queue in a ring: O(1) amortised."""
    if x != x:
        return NAN
    bar = s[k] + 1.0
    s[k] = bar
    head = int(s[k + 1])
    length = int(s[k + 2])
    values = k + 3
    bars = values + n
    if length > 0 and s[bars + head] <= bar - n:
        head = 0 if head + 1 == n else head + 1
        length -= 1
    while length > 0:
        last = head + length - 1
        if last >= n:
            last -= n
        if s[values + last] > x:
            break
        length -= 1
    last = head + length
    if last >= n:
        last -= n
    s[values + last] = x
    s[bars + last] = bar
    s[k + 1] = float(head)
    s[k + 2] = length + 1.0
    if bar < n:
        return NAN
    return s[values + head]


def lowest(s: list[float], k: int, n: int, x: float) -> float:
    """Lowest of the last n values; same slots as `highest`."""
    return -highest(s, k, n, -x)


def extreme_age(s: list[float], k: int, n: int) -> float:
    """Bars since the extreme of `highest` or `lowest`, the newest one on ties; its update must come first."""
    return s[k] - s[k + 3 + n + int(s[k + 1])]
