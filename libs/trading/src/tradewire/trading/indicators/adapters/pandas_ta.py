"""Indicators by pandas-ta, as its maintained fork pandas-ta-classic, its own code rather than TA-Lib's.

Listed is what agrees with the catalogue's definitions; seeds of recursive averages may differ, so such
values agree only once the seed has faded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd  # its stubs aren't in the lock file

from tradewire.trading.indicators.adapters.foreign import Call, ForeignIndicators
from tradewire.trading.indicators.model import FloatArray

with warnings.catch_warnings():  # on import it reads a property that pandas is about to drop
    warnings.simplefilter("ignore", DeprecationWarning)
    import pandas_ta_classic as ta


def _one(function: Callable[..., Any], *keywords: str) -> Call:
    """Call that gives one series; parameters go by `keywords`."""
    return lambda *args: function(
        *args[: len(args) - len(keywords)],
        **dict(zip(keywords, args[len(args) - len(keywords) :], strict=True)),
        talib=False,
    )


def _many(function: Callable[..., Any], order: tuple[int, ...], *keywords: str) -> Call:
    """Call that gives a table, of which columns are taken in `order`."""
    one = _one(function, *keywords)

    def call(*args: Any) -> tuple[Any, ...] | None:
        table = one(*args)
        return None if table is None else tuple(table.iloc[:, column] for column in order)

    return call


def _kst(x: Any, *args: int) -> tuple[Any, ...] | None:
    table = ta.kst(x, *args)
    return None if table is None else (table.iloc[:, 0] / 100.0, table.iloc[:, 1] / 100.0)


_CALLS: Mapping[str, Call] = MappingProxyType(
    {
        "sma": _one(ta.sma, "length"),
        "ema": _one(ta.ema, "length"),
        "wma": _one(ta.wma, "length"),
        "hma": _one(ta.hma, "length"),
        "dema": _one(ta.dema, "length"),
        "tema": _one(ta.tema, "length"),
        "macd": _many(ta.macd, (0, 2, 1), "fast", "slow", "signal"),
        "rsi": _one(ta.rsi, "length"),
        "momentum": _one(ta.mom, "length"),
        "roc": _one(ta.roc, "length"),
        "atr": _one(ta.atr, "length"),
        "adx": _many(ta.adx, (0,), "length"),
        "bollinger": _many(ta.bbands, (2, 1, 0), "length", "std"),
        "donchian": lambda h, lo, n: tuple(
            ta.donchian(h, lo, lower_length=n, upper_length=n).iloc[:, column] for column in (2, 1, 0)
        ),
        "stochastic": _many(ta.stoch, (0, 1), "k", "smooth_k", "d"),
        "stochastic_fast": _many(ta.stochf, (0, 1), "fastk", "fastd"),
        "willr": _one(ta.willr, "length"),
        "cci": _one(ta.cci, "length"),
        "awesome": _one(ta.ao, "fast", "slow"),
        "coppock": _one(ta.coppock, "length", "fast", "slow"),
        "tsi": _many(ta.tsi, (0, 1), "slow", "fast", "signal"),
        "vortex": _many(ta.vortex, (0, 1), "length"),
        "mass": _one(ta.massi, "fast", "slow"),
        "dpo": lambda x, n: ta.dpo(x, length=n, centered=False),
        "obv": _one(ta.obv),
        "ad": _one(ta.ad),
        "cmf": _one(ta.cmf, "length"),
        "mfi": _one(ta.mfi, "length"),
        "vwma": _one(ta.vwma, "length"),
        "force": _one(ta.efi, "length"),
        "stddev": lambda x, n: ta.stdev(x, length=n, ddof=0, talib=False),
        "variance": lambda x, n: ta.variance(x, length=n, ddof=0, talib=False),
        "midpoint": _one(ta.midpoint, "length"),
        "midprice": _one(ta.midprice, "length"),
        "linreg": _one(ta.linreg, "length"),
        "qstick": _one(ta.qstick, "length"),
        "elder_ray": _many(ta.eri, (0, 1), "length"),
        "choppiness": _one(ta.chop, "length"),
        "kst": _kst,
        "ulcer": _one(ta.ui, "length"),
        "efficiency_ratio": _one(ta.er, "length"),
        "zlema": _one(ta.zlma, "length"),
        "rma": _one(ta.rma, "length"),
        "natr": _one(ta.natr, "length"),
        "trange": _one(ta.true_range),
        "t3": _one(ta.t3, "length", "a"),
        "kama": _one(ta.kama, "length"),
        "eom": lambda h, lo, v, n, scale: ta.eom(h, lo, h, v, length=n, divisor=scale),
        "bop": _one(ta.bop),
        "ultosc": _one(ta.uo, "fast", "medium", "slow"),
        "aroon": _many(ta.aroon, (1, 0, 2), "length"),
        "trix": _many(ta.trix, (0,), "length"),
        "typprice": _one(ta.hlc3),
    }
)


class PandasTaIndicators(ForeignIndicators):
    """What pandas-ta computes of the catalogue."""

    library = "pandas-ta"

    @property
    def calls(self) -> Mapping[str, Call]:
        """Calls by the catalogue's names."""
        return _CALLS

    def call(self, function: Call, inputs: list[FloatArray], params: tuple[float, ...]) -> Any:
        """Call with pandas series; pandas-ta answers None when it has too few bars."""
        numbers = (int(param) if param.is_integer() else param for param in params)
        found = function(*map(pd.Series, inputs), *numbers)
        if found is None:
            raise ValueError(f"{len(inputs[0])} bars are too few")
        return found
