"""The exact value of every indicator, by its name: columns and parameters in, one series per output."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import libs.trading.tests.indicators.exact_oscillators as o
import libs.trading.tests.indicators.exact_series as e
import libs.trading.tests.indicators.exact_trend as t
from libs.trading.tests.indicators.exact_series import HUNDRED, Number, Series, each

Reference = Callable[..., Any]


def angle(slope: Fraction) -> Fraction:
    return Fraction(math.degrees(math.atan(slope)))


def _shares(which: int) -> Reference:
    return lambda h, l, c, n: t.share_of_range(h, l, c, n, which)  # noqa: E741 - low


REFERENCES: dict[str, Reference] = {
    "sma": e.sma,
    "ema": e.ema,
    "rma": e.rma,
    "wma": e.wma,
    "macd": t.macd,
    "apo": lambda x, a, b: each(lambda p, q: p - q, e.ema(x, a), e.ema(x, b)),
    "ppo": lambda x, a, b: each(lambda p, q: HUNDRED * e.ratio(p - q, q), e.ema(x, a), e.ema(x, b)),
    "dema": t.dema,
    "tema": t.tema,
    "t3": t.t3,
    "trix": t.trix,
    "trima": t.trima,
    "hma": t.hma,
    "zlema": t.zlema,
    "kama": t.kama,
    "efficiency_ratio": t.efficiency,
    "rsi": e.strength,
    "cmo": o.cmo,
    "momentum": e.change,
    "roc": o.changed,
    "rocp": lambda x, n: each(lambda a: a / 100, o.changed(x, n)),
    "shift": e.before,
    "trange": e.true_range,
    "atr": lambda h, l, c, n: e.rma(e.true_range(h, l, c), n),  # noqa: E741 - low
    "natr": lambda h, l, c, n: each(lambda a, b: HUNDRED * a / b, e.rma(e.true_range(h, l, c), n), c),  # noqa: E741
    "adx": t.adx,
    "adxr": t.adxr,
    "dx": t.dx,
    "plus_di": _shares(0),
    "minus_di": _shares(1),
    "bollinger": t.bollinger,
    "bollinger_width": t.bollinger_width,
    "bollinger_percent": t.bollinger_percent,
    "donchian": t.channel,
    "keltner": t.keltner,
    "chandelier": t.chandelier,
    "ichimoku": t.ichimoku,
    "sar": t.sar,
    "supertrend": t.supertrend,
    "stochastic": o.stochastic,
    "stochastic_fast": lambda h, l, c, n, d: o.stochastic(h, l, c, n, 1, d),  # noqa: E741 - low
    "stochrsi": o.stochrsi,
    "willr": o.willr,
    "cci": o.cci,
    "bop": lambda p, h, l, c: each(lambda a, b, d, f: e.ratio(f - a, b - d), p, h, l, c),  # noqa: E741 - low
    "ultosc": o.ultosc,
    "awesome": lambda h, l, a, b: each(  # noqa: E741 - low
        lambda p, q: p - q, e.sma(e.median(h, l), a), e.sma(e.median(h, l), b)
    ),
    "elder_ray": lambda h, l, c, n: [each(lambda a, b: a - b, side, e.ema(c, n)) for side in (h, l)],  # noqa: E741
    "qstick": lambda p, c, n: e.sma(each(lambda a, b: b - a, p, c), n),
    "tsi": o.tsi,
    "kst": o.kst,
    "coppock": o.coppock,
    "fisher": o.fisher,
    "dpo": o.dpo,
    "mass": o.mass,
    "rvi": o.rvi,
    "choppiness": o.choppiness,
    "vortex": o.vortex,
    "ulcer": o.ulcer,
    "typprice": e.typical,
    "medprice": e.median,
    "wclprice": lambda h, l, c: each(lambda a, b, d: (a + b + 2 * d) / 4, h, l, c),  # noqa: E741 - low
    "avgprice": lambda *bar: each(lambda *prices: sum(prices) / 4, *bar),
    "highest": e.highest,
    "lowest": e.lowest,
    "sum": e.total,
    "midpoint": lambda x, n: t.channel(x, x, n)[1],
    "midprice": lambda h, l, n: t.channel(h, l, n)[1],  # noqa: E741 - low
    "aroon": o.aroon,
    "obv": o.obv,
    "vwap": lambda h, l, c, v, n: o.weighed(e.typical(h, l, c), v, n),  # noqa: E741 - low
    "vwma": o.weighed,
    "ad": lambda *bar: e.running(e.located(*bar)),
    "adosc": o.adosc,
    "mfi": o.mfi,
    "force": lambda c, v, n: e.ema(each(lambda d, a: d * a, e.change(c), v), n),
    "eom": o.eom,
    "cmf": o.cmf,
    "pvt": o.pvt,
    "stddev": e.stddev,
    "variance": e.variance,
    "zscore": o.zscore,
    "percent_rank": o.percent_rank,
    "correl": o.correl,
    "beta": o.beta,
    "linreg": lambda x, n: e.line(x, n, Fraction(n - 1)),
    "linreg_slope": e.slope,
    "linreg_angle": lambda x, n: each(angle, e.slope(x, n)),
    "linreg_intercept": lambda x, n: e.line(x, n, Fraction(0)),
    "tsf": lambda x, n: e.line(x, n, Fraction(n)),
}


def exact(name: str, columns: Sequence[Series], params: Sequence[int | Fraction]) -> list[list[Number]]:
    """One series per output."""
    found = REFERENCES[name](*columns, *params)
    return list(found) if found and isinstance(found[0], list) else [list(found)]
