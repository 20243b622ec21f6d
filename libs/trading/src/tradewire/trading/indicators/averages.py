"""Building blocks that average, as plain functions on a slice of a flat state; rules as in `windows`."""

from __future__ import annotations

from tradewire.trading.indicators.decimals import distance, settled
from tradewire.trading.indicators.windows import NAN, STEADY_SIZE, steady, total, total_size

AVERAGE_SIZE = 2  # slots of `ema` and `rma`: count, value (the mean so far while the seed builds up)


def seeded(s: list[float], k: int, n: int, x: float) -> float:
    """Seed of a recursive average: the mean of the first n values, NaN before; of equal values exactly that value."""
    s[k] += 1.0
    s[k + 1] += (x - s[k + 1]) / s[k]
    return s[k + 1] if s[k] >= n else NAN


def smoothed(s: list[float], k: int, n: int, weight: float, x: float) -> float:
    """Exponential average with the weight of the newest value given; seed: mean of the first n values."""
    if x != x:
        return NAN
    if s[k] < n:
        return seeded(s, k, n, x)
    s[k + 1] += (x - s[k + 1]) * weight
    return s[k + 1]


def ema(s: list[float], k: int, n: int, x: float) -> float:
    """Exponential average of n bars: weight 2 / (n + 1)."""
    return smoothed(s, k, n, 2.0 / (n + 1.0), x)


def rma(s: list[float], k: int, n: int, x: float) -> float:
    """Wilder's average of n bars: weight 1 / n."""
    return smoothed(s, k, n, 1.0 / n, x)


def mean_size(n: float) -> int:
    """Slots of `sma`: those of `total`, then those of `steady`."""
    return total_size(n) + STEADY_SIZE


def sma(s: list[float], k: int, n: int, x: float) -> float:
    """Mean of the last n values; of equal values exactly that value, which their rounded sum may miss."""
    if x != x:
        return NAN
    mean = total(s, k, n, x) / n
    return x if steady(s, k + 3 + n, x) >= n else mean


def weighted_size(n: float) -> int:
    """Slots of `weighted`: count, position, anchor, two sums and the furthest of this turn, three times n values."""
    return 6 + 3 * int(n)


def weighted(s: list[float], k: int, n: int, x: float) -> float:
    """Sum of the last n distances to the anchor, weighted 1 (oldest) to n (newest).

    The anchor, in slot k + 2, is a value inside the window, as in `windows.variance`; distances are decimals where
    there are any.
    """
    if x != x:
        return NAN
    i = int(s[k + 1])
    d = distance(x, s[k + 2])
    s[k + 6 + i] = x
    i += 1
    s[k + 3] += d
    s[k + 4] += i * d
    s[k + 5] = max(s[k + 5], abs(d))
    if i == n:
        i = 0
        close_turn(s, k, n, x)
    s[k + 1] = float(i)
    if s[k] < n:
        return NAN
    return s[k + 6 + n + i] + ((n - i) * s[k + 3] + s[k + 4])


def close_turn(s: list[float], k: int, n: int, x: float) -> None:
    """End a turn of `weighted`: slot j holds the plain sum from itself on, j + n the weighted, j + 2n the furthest."""
    s[k] = float(n)
    s[k + 2] = x
    s[k + 3] = 0.0
    s[k + 4] = 0.0
    s[k + 5] = 0.0
    plain = 0.0
    heavy = 0.0
    far = 0.0
    for j in range(k + 5 + n, k + 5, -1):
        d = distance(s[j], x)
        plain += d
        heavy += plain
        far = max(far, abs(d))
        s[j] = plain
        s[j + n] = heavy
        s[j + 2 * n] = far


def unweighted(s: list[float], k: int, n: int) -> float:
    """Plain sum of the same distances as `weighted`, whose update must come first."""
    return s[k + 6 + int(s[k + 1])] + s[k + 3]


def furthest(s: list[float], k: int, n: int) -> float:
    """The largest of the same distances."""
    return max(s[k + 6 + 2 * n + int(s[k + 1])], s[k + 5])


def wma(s: list[float], k: int, n: int, x: float) -> float:
    """Linearly weighted mean of the last n values, the newest weighing n; slots: `weighted_size(n)`."""
    heavy = weighted(s, k, n, x)
    return settled(s[k + 2] + heavy / (n * (n + 1.0) / 2.0), abs(s[k + 2]) + furthest(s, k, n), n)
