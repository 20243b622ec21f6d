"""Exact values of the indicators that follow a trend: averages, directional movement, bands and trailing stops."""

from __future__ import annotations

import math
from fractions import Fraction

from libs.trading.tests.indicators.exact_series import (
    HUNDRED,
    ONE,
    ZERO,
    Number,
    Series,
    before,
    change,
    each,
    ema,
    highest,
    known_with,
    lowest,
    median,
    ratio,
    rma,
    sma,
    stddev,
    total,
    true_range,
    wma,
)


def dema(x: Series, n: int) -> list[Number]:
    return each(lambda a, b: 2 * a - b, ema(x, n), ema(ema(x, n), n))


def tema(x: Series, n: int) -> list[Number]:
    once = ema(x, n)
    twice = ema(once, n)
    return each(lambda a, b, c: 3 * a - 3 * b + c, once, twice, ema(twice, n))


def t3(x: Series, n: int, v: Fraction) -> list[Number]:
    chain = [ema(x, n)]
    for _ in range(5):
        chain.append(ema(chain[-1], n))
    c3, c4, c5, c6 = (1 + v) ** 3, -3 * v * (1 + v) ** 2, 3 * v**2 * (1 + v), -(v**3)
    return each(lambda a, b, c, d: c3 * a + c4 * b + c5 * c + c6 * d, *chain[2:])


def trix(x: Series, n: int) -> list[Number]:
    thrice = ema(ema(ema(x, n), n), n)
    return each(lambda a, b: HUNDRED * ratio(a - b, b), thrice, before(thrice))


def trima(x: Series, n: int) -> list[Number]:
    m = (n + 1) // 2
    return sma(sma(x, m), n + 1 - m)


def hma(x: Series, n: int) -> list[Number]:
    return wma(each(lambda a, b: 2 * a - b, wma(x, n // 2), wma(x, n)), math.isqrt(n))


def zlema(x: Series, n: int) -> list[Number]:
    return ema(each(lambda a, b: 2 * a - b, x, before(x, (n - 1) // 2)), n)


def efficiency(x: Series, n: int) -> list[Number]:
    path = total(each(abs, change(x)), n)
    return each(lambda way, all_: ratio(abs(way), all_, ONE), change(x, n), path)


def kama(x: Series, n: int) -> list[Number]:
    fast, slow = Fraction(2, 3), Fraction(2, 31)
    found: list[Number] = []
    value: Number = None
    for t, er in enumerate(efficiency(x, n)):
        if er is not None:
            old = x[t - 1] if value is None else value
            value = old + (er * (fast - slow) + slow) ** 2 * (x[t] - old)  # type: ignore[operator]
        found.append(value)
    return found


def macd(x: Series, fast: int, slow: int, signal: int) -> list[list[Number]]:
    fast, slow = sorted((fast, slow))
    skipped: Series = [None] * min(slow - fast, len(x)) + list(x[slow - fast :])
    apart = each(lambda a, b: a - b, ema(skipped, fast), ema(x, slow))
    average = ema(apart, signal)
    return known_with(apart, average, each(lambda a, b: a - b, apart, average))


def movement(high: Series, low: Series, close: Series, n: int) -> list[list[Number]]:
    """Smoothed +DM, -DM and true range: the first n - 1 changes are summed, each later one replaces an n-th."""
    sums = [ZERO, ZERO, ZERO]
    found: list[list[Number]] = [[], [], []]
    for t, span in enumerate(true_range(high, low, close)):
        if span is not None:
            rise, fall = high[t] - high[t - 1], low[t - 1] - low[t]  # type: ignore[operator]
            added = (rise if rise > max(fall, 0) else ZERO, fall if fall > max(rise, 0) else ZERO, span)
            sums = [(s - s / n if t >= n else s) + a for s, a in zip(sums, added, strict=True)]
        for column, s in zip(found, sums, strict=True):
            column.append(s if t >= n else None)
    return found


def directional(high: Series, low: Series, close: Series, n: int) -> list[Number | str]:
    """DX; "none" where nothing moved."""
    plus, minus, span = movement(high, low, close, n)
    return [
        None if p is None or m is None else HUNDRED * abs(p - m) / (p + m) if p + m > 0 and s else "none"
        for p, m, s in zip(plus, minus, span, strict=True)
    ]


def dx(high: Series, low: Series, close: Series, n: int) -> list[Number]:
    last: Fraction = ZERO
    found: list[Number] = []
    for value in directional(high, low, close, n):
        last = value if isinstance(value, Fraction) else last
        found.append(None if value is None else last)
    return found


def adx(high: Series, low: Series, close: Series, n: int) -> list[Number]:
    """A bar without movement counts as 0 in the seed; later it leaves the average as it is."""
    found: list[Number] = []
    seen = 0
    value = ZERO
    for number in directional(high, low, close, n):
        if number is not None and seen < n:
            seen += 1
            value += (number if isinstance(number, Fraction) else ZERO) / n
        elif isinstance(number, Fraction):
            value += (number - value) / n
        found.append(value if seen == n else None)
    return found


def adxr(high: Series, low: Series, close: Series, n: int) -> list[Number]:
    values = adx(high, low, close, n)
    return each(lambda a, b: (a + b) / 2, values, before(values, n - 1))


def share_of_range(high: Series, low: Series, close: Series, n: int, which: int) -> list[Number]:
    moved = movement(high, low, close, n)
    return each(lambda a, b: HUNDRED * ratio(a, b), moved[which], moved[2])


def bollinger(x: Series, n: int, k: Fraction) -> list[list[Number]]:
    mean, width = sma(x, n), stddev(x, n)
    return [each(lambda m, w: m + k * w, mean, width), mean, each(lambda m, w: m - k * w, mean, width)]


def bollinger_width(x: Series, n: int, k: Fraction) -> list[Number]:
    return each(lambda m, w: ratio(2 * k * w, m), sma(x, n), stddev(x, n))


def bollinger_percent(x: Series, n: int, k: Fraction) -> list[Number]:
    half = Fraction(1, 2)
    return each(lambda a, m, w: half + ratio(a - m, 2 * k * w), x, sma(x, n), stddev(x, n))


def channel(high: Series, low: Series, n: int) -> list[list[Number]]:
    top, bottom = highest(high, n), lowest(low, n)
    return [top, median(top, bottom), bottom]


def keltner(high: Series, low: Series, close: Series, n: int, m: int, k: Fraction) -> list[list[Number]]:
    mean, width = ema(close, n), rma(true_range(high, low, close), m)
    lines = [each(lambda a, w, sign=sign: a + sign * k * w, mean, width) for sign in (1, 0, -1)]
    return known_with(*lines)


def chandelier(high: Series, low: Series, close: Series, n: int, k: Fraction) -> list[list[Number]]:
    gap = rma(true_range(high, low, close), n)
    return [
        each(lambda a, g: a - k * g, highest(high, n), gap),
        each(lambda a, g: a + k * g, lowest(low, n), gap),
    ]


def ichimoku(high: Series, low: Series, a: int, b: int, c: int) -> list[list[Number]]:
    conversion, base, span_b = (channel(high, low, n)[1] for n in (a, b, c))
    return known_with(conversion, base, median(conversion, base), span_b)


def sar(high: Series, low: Series, start: Fraction, limit: Fraction) -> list[Number]:
    """Wilder's parabola as TA-Lib begins it: the first side is that of the larger move of the second bar."""
    found: list[Number] = [None] * min(len(high), 1)
    first = min(start, limit)
    for t in range(1, len(high)):
        h, l, h0, l0 = high[t], low[t], high[t - 1], low[t - 1]  # noqa: E741 - low
        assert h is not None
        assert l is not None
        assert h0 is not None
        assert l0 is not None
        if t == 1:
            rising = not l0 - l > max(h - h0, ZERO)
            stop, extreme, pace = (l0, h, first) if rising else (h0, l, first)
            h0, l0 = h, l
        if (l <= stop) if rising else (h >= stop):
            rising = not rising
            stop = min(extreme, l, l0) if rising else max(extreme, h, h0)
            extreme, pace = (h if rising else l), first
            found.append(stop)
        else:
            found.append(stop)
            if (h > extreme) if rising else (l < extreme):
                extreme, pace = (h if rising else l), min(pace + first, limit)
        stop += pace * (extreme - stop)
        stop = min(stop, l, l0) if rising else max(stop, h, h0)
    return found


def supertrend(high: Series, low: Series, close: Series, n: int, k: Fraction) -> list[list[Number]]:
    value: list[Number] = []
    direction: list[Number] = []
    bands: tuple[Fraction, Fraction] | None = None
    side = ONE
    for t, gap in enumerate(rma(true_range(high, low, close), n)):
        if gap is None:
            value.append(None)
            direction.append(None)
            continue
        centre = (high[t] + low[t]) / 2  # type: ignore[operator]
        upper, lower, last, now = centre + k * gap, centre - k * gap, close[t - 1], close[t]
        assert last is not None
        assert now is not None
        if bands is not None:
            side = ONE if now > bands[0] else -ONE if now < bands[1] else side
            upper = min(upper, bands[0]) if last <= bands[0] else upper
            lower = max(lower, bands[1]) if last >= bands[1] else lower
        bands = (upper, lower)
        value.append(lower if side > 0 else upper)
        direction.append(side)
    return [value, direction]
