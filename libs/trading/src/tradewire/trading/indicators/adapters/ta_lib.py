"""Indicators by TA-Lib (https://ta-lib.org), unstable periods 0, classic compatibility."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import talib

from tradewire.trading.indicators.adapters.foreign import Call, ForeignIndicators
from tradewire.trading.indicators.candlesticks import CANDLESTICKS
from tradewire.trading.indicators.model import FloatArray

# Its MA_Type, numbers that its type stubs take for an enumeration.
_SMA: Any = 0
_EMA: Any = 1


def _donchian(high: FloatArray, low: FloatArray, n: int) -> tuple[FloatArray, ...]:
    upper, lower = talib.MAX(high, n), talib.MIN(low, n)
    return upper, (upper + lower) / 2.0, lower


def _aroon(high: FloatArray, low: FloatArray, n: int) -> tuple[FloatArray, ...]:
    down, up = talib.AROON(high, low, n)
    return up, down, talib.AROONOSC(high, low, n)


# TA-Lib's functions take series and then parameters, as the catalogue does.
_SAME: Mapping[str, str] = {
    "sma": "SMA",
    "ema": "EMA",
    "wma": "WMA",
    "macd": "MACD",
    "dema": "DEMA",
    "tema": "TEMA",
    "t3": "T3",
    "trix": "TRIX",
    "trima": "TRIMA",
    "kama": "KAMA",
    "rsi": "RSI",
    "cmo": "CMO",
    "momentum": "MOM",
    "roc": "ROC",
    "rocp": "ROCP",
    "trange": "TRANGE",
    "atr": "ATR",
    "natr": "NATR",
    "adx": "ADX",
    "adxr": "ADXR",
    "dx": "DX",
    "plus_di": "PLUS_DI",
    "minus_di": "MINUS_DI",
    "sar": "SAR",
    "willr": "WILLR",
    "cci": "CCI",
    "bop": "BOP",
    "ultosc": "ULTOSC",
    "typprice": "TYPPRICE",
    "medprice": "MEDPRICE",
    "wclprice": "WCLPRICE",
    "avgprice": "AVGPRICE",
    "highest": "MAX",
    "lowest": "MIN",
    "sum": "SUM",
    "midpoint": "MIDPOINT",
    "midprice": "MIDPRICE",
    "obv": "OBV",
    "ad": "AD",
    "adosc": "ADOSC",
    "mfi": "MFI",
    "stddev": "STDDEV",
    "variance": "VAR",
    "correl": "CORREL",
    "beta": "BETA",
    "linreg": "LINEARREG",
    "linreg_slope": "LINEARREG_SLOPE",
    "linreg_angle": "LINEARREG_ANGLE",
    "linreg_intercept": "LINEARREG_INTERCEPT",
    "tsf": "TSF",
}

_CALLS: Mapping[str, Call] = MappingProxyType(
    {
        **{name: getattr(talib, theirs) for name, theirs in _SAME.items()},
        **{pattern.name: getattr(talib, pattern.name.upper()) for pattern in CANDLESTICKS},
        "apo": lambda x, fast, slow: talib.APO(x, fast, slow, _EMA),
        "ppo": lambda x, fast, slow: talib.PPO(x, fast, slow, _EMA),
        "bollinger": lambda x, n, k: talib.BBANDS(x, n, float(k), float(k), _SMA),
        "donchian": _donchian,
        "stochastic": lambda h, lo, c, n, smooth, d: talib.STOCH(h, lo, c, n, smooth, _SMA, d, _SMA),
        "stochastic_fast": lambda h, lo, c, n, d: talib.STOCHF(h, lo, c, n, d, _SMA),
        "stochrsi": lambda x, n, k, d: talib.STOCHRSI(x, n, k, d, _SMA),
        "aroon": _aroon,
    }
)


class TaLibIndicators(ForeignIndicators):
    """What TA-Lib computes of the catalogue, warm-up included."""

    library = "TA-Lib"

    @property
    def calls(self) -> Mapping[str, Call]:
        """Calls by the catalogue's names."""
        return _CALLS

    def call(self, function: Call, inputs: list[FloatArray], params: tuple[float, ...]) -> Any:
        """Call with whole parameters as int, which TA-Lib insists on."""
        return function(*inputs, *(int(param) if param.is_integer() else param for param in params))
