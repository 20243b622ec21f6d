"""Building blocks over the last n values, as plain functions on a slice of a flat state.

Each block owns the slots from `k` on, starts from zeros, ignores NaN (an inner block still warming up) and
returns NaN until its window is full. Rings are rescanned once per turn, which costs O(1) a bar when
amortised and keeps a rounding error from outliving its window.
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
    """Slots of `total`: count, position, sum, n values."""
    return 3 + int(n)


def total(s: list[float], k: int, n: int, x: float) -> float:
    """Sum of the last n values."""
    if x != x:
        return NAN
    i = int(s[k + 1])
    if s[k] < n:
        s[k] += 1.0
        s[k + 2] += x
    else:
        s[k + 2] += x - s[k + 3 + i]
    s[k + 3 + i] = x
    i += 1
    if i == n:
        i = 0
        fresh = 0.0
        for j in range(k + 3, k + 3 + n):
            fresh += s[j]
        s[k + 2] = fresh
    s[k + 1] = float(i)
    if s[k] < n:
        return NAN
    return s[k + 2]


def spread_size(n: float) -> int:
    """Slots of `variance`: count, position, anchor, sum, sum of squares, run, previous, n values."""
    return 7 + int(n)


def variance(s: list[float], k: int, n: int, x: float) -> float:
    """Population variance of the last n values, unit of x squared; exactly 0.0 over n equal values.

    Sums are taken of distances to an anchor, the newest value at each turn of the ring: sums of squared
    prices would lose half of the digits.
    """
    if x != x:
        return NAN
    i = int(s[k + 1])
    if s[k] == 0.0:
        s[k + 2] = x
    d = x - s[k + 2]
    if s[k] < n:
        s[k] += 1.0
        s[k + 3] += d
        s[k + 4] += d * d
    else:
        old = s[k + 7 + i] - s[k + 2]
        s[k + 3] += d - old
        s[k + 4] += d * d - old * old
    s[k + 5] = s[k + 5] + 1.0 if x == s[k + 6] else 1.0
    s[k + 6] = x
    s[k + 7 + i] = x
    i += 1
    s[k + 1] = float(i)
    if i == n:
        reanchor(s, k, n, x)
    if s[k] < n:
        return NAN
    if s[k + 5] >= n:
        return 0.0
    mean = s[k + 3] / n
    spread = s[k + 4] / n - mean * mean
    return spread if spread > 0.0 else 0.0


def reanchor(s: list[float], k: int, n: int, x: float) -> None:
    """Rebuild the sums of `variance` around x at the end of a turn of its ring."""
    first = 0.0
    second = 0.0
    for j in range(k + 7, k + 7 + n):
        d = s[j] - x
        first += d
        second += d * d
    s[k + 1] = 0.0
    s[k + 2] = x
    s[k + 3] = first
    s[k + 4] = second


def spread_mean(s: list[float], k: int, n: int) -> float:
    """Mean of the window of `variance`, whose update must come first."""
    return s[k + 2] + s[k + 3] / n


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
