"""Series of exact numbers: what the reference of all indicators is made of. Slow, written from the definitions.

Numbers are fractions, None where unknown. A logarithm, or a root without a
fraction, is the float nearest to it, and a fraction again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

Number = Fraction | None
Series = Sequence[Number]

ZERO, ONE, HUNDRED = Fraction(0), Fraction(1), Fraction(100)


def ratio(above: Fraction, below: Fraction, otherwise: Fraction = ZERO) -> Fraction:
    return above / below if below else otherwise


def rooted(x: Fraction) -> Fraction:
    above, below = math.isqrt(x.numerator), math.isqrt(x.denominator)
    exact = above * above == x.numerator and below * below == x.denominator
    return Fraction(above, below) if exact else Fraction(math.sqrt(x))


def each(function: Callable[..., Number], *columns: Series) -> list[Number]:
    """The function of each bar's numbers, unknown where one is."""
    return [None if None in bar else function(*bar) for bar in zip(*columns, strict=True)]


def window(function: Callable[[list[Fraction]], Number], x: Series, n: int) -> list[Number]:
    """The function of the last n known numbers."""
    found: list[Number] = []
    for t in range(len(x)):
        last = [number for number in x[max(t - n + 1, 0) : t + 1] if number is not None]
        found.append(function(last) if len(last) == n else None)
    return found


def before(x: Series, n: int = 1) -> list[Number]:
    return [None] * min(n, len(x)) + list(x[: max(len(x) - n, 0)])


def change(x: Series, n: int = 1) -> list[Number]:
    return each(lambda a, b: a - b, x, before(x, n))


def total(x: Series, n: int) -> list[Number]:
    return window(sum, x, n)  # type: ignore[arg-type]


def mean(values: list[Fraction]) -> Fraction:
    return sum(values, ZERO) / len(values)


def sma(x: Series, n: int) -> list[Number]:
    return window(mean, x, n)


def highest(x: Series, n: int) -> list[Number]:
    return window(max, x, n)


def lowest(x: Series, n: int) -> list[Number]:
    return window(min, x, n)


def averaged(x: Series, n: int, weight: Fraction) -> list[Number]:
    """Exponential average; seed: the mean of the first n known numbers."""
    found: list[Number] = []
    seed: list[Fraction] = []
    value: Number = None
    for number in x:
        if number is not None and value is not None:
            value += (number - value) * weight
        elif number is not None:
            seed.append(number)
            value = mean(seed) if len(seed) == n else None
        found.append(value)
    return found


def ema(x: Series, n: int) -> list[Number]:
    return averaged(x, n, Fraction(2, n + 1))


def rma(x: Series, n: int) -> list[Number]:
    return averaged(x, n, Fraction(1, n))


def wma(x: Series, n: int) -> list[Number]:
    weights = range(1, n + 1)
    return window(lambda v: sum((w * a for w, a in zip(weights, v, strict=True)), ZERO) / sum(weights), x, n)


def deviations(values: list[Fraction]) -> list[Fraction]:
    centre = mean(values)
    return [value - centre for value in values]


def variance(x: Series, n: int) -> list[Number]:
    return window(lambda v: mean([d * d for d in deviations(v)]), x, n)


def stddev(x: Series, n: int) -> list[Number]:
    return each(rooted, variance(x, n))


def covariance(x: Series, y: Series, n: int) -> list[Number]:
    pairs = list(zip(x, y, strict=True))
    found: list[Number] = []
    for t in range(len(pairs)):
        last = pairs[max(t - n + 1, 0) : t + 1]
        if len(last) < n or any(None in pair for pair in last):
            found.append(None)
        else:
            a, b = (deviations([pair[side] for pair in last]) for side in (0, 1))  # type: ignore[misc]
            found.append(mean([p * q for p, q in zip(a, b, strict=True)]))
    return found


def line(x: Series, n: int, at: Fraction) -> list[Number]:
    """The least-squares line through n numbers at a position counted from the oldest."""
    middle = Fraction(n - 1, 2)
    return each(lambda level, rise: level + rise * (at - middle), sma(x, n), slope(x, n))


def slope(x: Series, n: int) -> list[Number]:
    places = deviations([Fraction(i) for i in range(n)])
    spread = sum((p * p for p in places), ZERO)
    return window(lambda v: sum((p * a for p, a in zip(places, v, strict=True)), ZERO) / spread, x, n)


def true_range(high: Series, low: Series, close: Series) -> list[Number]:
    return each(lambda h, l, b: max(h - l, abs(h - b), abs(l - b)), high, low, before(close))  # noqa: E741 - low


def typical(high: Series, low: Series, close: Series) -> list[Number]:
    return each(lambda h, l, c: (h + l + c) / 3, high, low, close)  # noqa: E741 - low


def median(high: Series, low: Series) -> list[Number]:
    return each(lambda h, l: (h + l) / 2, high, low)  # noqa: E741 - low


def located(high: Series, low: Series, close: Series, volume: Series) -> list[Number]:
    return each(lambda h, l, c, v: ratio(2 * c - h - l, h - l) * v, high, low, close, volume)  # noqa: E741 - low


def running(x: Series, start: Fraction = ZERO) -> list[Number]:
    found: list[Number] = []
    for number in x:
        start += number or ZERO
        found.append(start)
    return found


def strength(x: Series, n: int) -> list[Number]:
    """Wilder's RSI."""
    moves = change(x)
    gain = rma(each(lambda d: max(d, ZERO), moves), n)
    loss = rma(each(lambda d: max(-d, ZERO), moves), n)
    return each(lambda g, f: HUNDRED * ratio(g, g + f), gain, loss)


def percent_k(high: Series, low: Series, close: Series, n: int) -> list[Number]:
    """Place of the close in the range of n bars, percent."""
    top, bottom = highest(high, n), lowest(low, n)
    return each(lambda c, t, b: HUNDRED * ratio(c - b, t - b), close, top, bottom)


def known_with(*columns: Series) -> list[list[Number]]:
    """The columns, unknown where any of them is."""
    return [
        list(column)
        for column in zip(*(b if None not in b else [None] * len(b) for b in zip(*columns, strict=True)), strict=True)
    ]
