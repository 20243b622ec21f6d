"""Exact values of oscillators, of indicators that weigh by volume and of statistics of a window."""

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
    covariance,
    deviations,
    each,
    ema,
    highest,
    known_with,
    located,
    lowest,
    mean,
    median,
    percent_k,
    ratio,
    rma,
    rooted,
    running,
    sma,
    stddev,
    strength,
    total,
    true_range,
    typical,
    variance,
    window,
    wma,
)


def cmo(x: Series, n: int) -> list[Number]:
    moves = change(x)
    gain = rma(each(lambda d: max(d, ZERO), moves), n)
    loss = rma(each(lambda d: max(-d, ZERO), moves), n)
    return each(lambda g, f: HUNDRED * ratio(g - f, g + f), gain, loss)


def stochastic(high: Series, low: Series, close: Series, n: int, smooth: int, d: int) -> list[list[Number]]:
    k = sma(percent_k(high, low, close, n), smooth)
    return known_with(k, sma(k, d))


def stochrsi(x: Series, n: int, k: int, d: int) -> list[list[Number]]:
    index = strength(x, n)
    return stochastic(index, index, index, k, 1, d)


def willr(high: Series, low: Series, close: Series, n: int) -> list[Number]:
    top, bottom = highest(high, n), lowest(low, n)
    return each(lambda t, b, c: -HUNDRED * ratio(t - c, t - b), top, bottom, close)


def cci(high: Series, low: Series, close: Series, n: int) -> list[Number]:
    def place(values: list[Fraction]) -> Fraction:
        away = deviations(values)
        return ratio(away[-1], Fraction(15, 1000) * mean([abs(d) for d in away]))

    return window(place, typical(high, low, close), n)


def ultosc(high: Series, low: Series, close: Series, *windows: int) -> list[Number]:
    pressure = each(lambda l, c, b: c - min(l, b), low, close, before(close))  # noqa: E741 - low
    span = true_range(high, low, close)
    parts = [each(ratio, total(pressure, n), total(span, n)) for n in windows]
    return each(lambda a, b, c: HUNDRED * (4 * a + 2 * b + c) / 7, *parts)


def tsi(x: Series, long: int, short: int, signal: int) -> list[list[Number]]:
    moves = change(x)
    moved, size = (ema(ema(part, long), short) for part in (moves, each(abs, moves)))
    value = each(lambda m, s: HUNDRED * ratio(m, s), moved, size)
    return known_with(value, ema(value, signal))


def changed(x: Series, n: int) -> list[Number]:
    return each(lambda a, b: HUNDRED * ratio(a - b, b), x, before(x, n))


def kst(x: Series, *p: int) -> list[list[Number]]:
    parts = [sma(changed(x, p[j]), p[4 + j]) for j in range(4)]
    value = each(lambda a, b, c, d: a + 2 * b + 3 * c + 4 * d, *parts)
    return known_with(value, sma(value, p[8]))


def coppock(x: Series, n: int, fast: int, slow: int) -> list[Number]:
    return wma(each(lambda a, b: a + b, changed(x, fast), changed(x, slow)), n)


def fisher(high: Series, low: Series, n: int) -> list[list[Number]]:
    centre = median(high, low)
    values: list[Number] = []
    signals: list[Number] = []
    v = last = ZERO
    for c, top, bottom in zip(centre, highest(centre, n), lowest(centre, n), strict=True):
        if c is None or top is None or bottom is None:
            values.append(None)
            signals.append(None)
            continue
        place = (c - bottom) / (top - bottom) - Fraction(1, 2) if top > bottom else ZERO
        v = Fraction(66, 100) * place + Fraction(67, 100) * v
        if abs(v) > Fraction(99, 100):
            v = Fraction(999, 1000) * (1 if v > 0 else -1)
        signals.append(last)
        last = Fraction(0.5 * math.log((1 + v) / (1 - v))) + last / 2
        values.append(last)
    return [values, signals]


def dpo(x: Series, n: int) -> list[Number]:
    return each(lambda a, b: a - b, x, before(sma(x, n), n // 2 + 1))


def mass(high: Series, low: Series, n: int, m: int) -> list[Number]:
    once = ema(each(lambda h, l: h - l, high, low), n)  # noqa: E741 - low
    return total(each(lambda a, b: ratio(a, b, ONE), once, ema(once, n)), m)


def rvi(x: Series, n: int, m: int) -> list[Number]:
    moves, width = change(x), stddev(x, n)
    up = rma(each(lambda d, w: w if d > 0 else ZERO, moves, width), m)
    down = rma(each(lambda d, w: w if d < 0 else ZERO, moves, width), m)
    return each(lambda a, b: HUNDRED * ratio(a, a + b), up, down)


def choppiness(high: Series, low: Series, close: Series, n: int) -> list[Number]:
    def log(way: Fraction, top: Fraction, bottom: Fraction) -> Fraction:
        return Fraction(100 * math.log10(way / (top - bottom)) / math.log10(n)) if top > bottom else HUNDRED

    return each(log, total(true_range(high, low, close), n), highest(high, n), lowest(low, n))


def vortex(high: Series, low: Series, close: Series, n: int) -> list[list[Number]]:
    span = total(true_range(high, low, close), n)
    rises = total(each(lambda h, b: abs(h - b), high, before(low)), n)
    falls = total(each(lambda l, b: abs(l - b), low, before(high)), n)  # noqa: E741 - low
    return [each(ratio, rises, span), each(ratio, falls, span)]


def ulcer(x: Series, n: int) -> list[Number]:
    drop = each(lambda a, peak: HUNDRED * ratio(a - peak, peak), x, highest(x, n))
    return each(rooted, sma(each(lambda d: d * d, drop), n))


def obv(close: Series, volume: Series) -> list[Number]:
    moves: Series = [ONE, *change(close)[1:]] if close else []
    return running(each(lambda d, v: v * (d > 0) - v * (d < 0), moves, volume))


def weighed(price: Series, volume: Series, n: int) -> list[Number]:
    turnover = total(each(lambda a, v: a * v, price, volume), n)
    return each(lambda a, t, v: ratio(t, v, a), price, turnover, total(volume, n))


def adosc(high: Series, low: Series, close: Series, volume: Series, fast: int, slow: int) -> list[Number]:
    line = running(located(high, low, close, volume))

    def follow(n: int) -> list[Number]:
        found = line[:1]
        for value in line[1:]:
            found.append(found[-1] + (value - found[-1]) * Fraction(2, n + 1))  # type: ignore[operator]
        return found

    known = max(fast, slow) - 1
    values = each(lambda a, b: a - b, follow(fast), follow(slow))
    return [None] * min(known, len(values)) + values[known:]


def mfi(high: Series, low: Series, close: Series, volume: Series, n: int) -> list[Number]:
    price = typical(high, low, close)
    moves = change(price)
    up = total(each(lambda d, a, v: a * v * (d > 0), moves, price, volume), n)
    down = total(each(lambda d, a, v: a * v * (d < 0), moves, price, volume), n)
    return each(lambda a, b: HUNDRED * ratio(a, a + b), up, down)


def eom(high: Series, low: Series, volume: Series, n: int, scale: Fraction) -> list[Number]:
    moved = change(median(high, low))
    ease = each(lambda d, h, l, v: d * (h - l) * ratio(scale, v), moved, high, low, volume)  # noqa: E741 - low
    return sma(ease, n)


def cmf(high: Series, low: Series, close: Series, volume: Series, n: int) -> list[Number]:
    return each(ratio, total(located(high, low, close, volume), n), total(volume, n))


def pvt(close: Series, volume: Series) -> list[Number]:
    return running(each(lambda d, b, v: v * ratio(d, b), change(close), before(close), volume))


def zscore(x: Series, n: int) -> list[Number]:
    return each(lambda a, m, w: ratio(a - m, w), x, sma(x, n), stddev(x, n))


def percent_rank(x: Series, n: int) -> list[Number]:
    return window(lambda v: HUNDRED * sum(a <= v[-1] for a in v[:-1]) / n, x, n + 1)


def correl(x: Series, y: Series, n: int) -> list[Number]:
    both = each(lambda a, b: rooted(a) * rooted(b), variance(x, n), variance(y, n))
    return each(ratio, covariance(x, y, n), both)


def beta(x: Series, y: Series, n: int) -> list[Number]:
    a, b = (each(lambda d, old: ratio(d, old), change(part), before(part)) for part in (x, y))
    return each(ratio, covariance(a, b, n), variance(a, n))


def aroon(high: Series, low: Series, n: int) -> list[list[Number]]:
    def age(values: list[Fraction], extreme: Fraction) -> Fraction:
        return HUNDRED * (n - values[::-1].index(extreme)) / n

    up = window(lambda v: age(v, max(v)), high, n + 1)
    down = window(lambda v: age(v, min(v)), low, n + 1)
    return [up, down, each(lambda a, b: a - b, up, down)]
