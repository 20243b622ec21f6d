"""Candlestick patterns, as TA-Lib recognises them, in two bit-equal forms.

A pattern looks at the bars of its lookback and at the last one only, so the incremental form asks TA-Lib about that
window. Over a whole series TA-Lib carries running sums; over float prices these would collect rounding errors that a
window does not have. Prices are therefore handed on as whole numbers of 1e-8, whose sums are exact: then both forms
compare the same numbers. Where prices are too large for that, the array form asks window by window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tradewire.trading.indicators.model import (
    BARS_SEEN,
    FloatArray,
    Indicator,
    IndicatorError,
    Kernel,
    Param,
    Step,
)

FIELDS = ("open", "high", "low", "close")
_SCALE = 1e8
"""Prices have at most 8 decimals."""
_EXACT = 2.0**49
"""Sums of ten ranges of whole prices below it are exact in float64."""
_PATTERNS: tuple[tuple[str, str, int, float | None], ...] = (
    ("CDL2CROWS", "Two Crows", 12, None),
    ("CDL3BLACKCROWS", "Three Black Crows", 13, None),
    ("CDL3INSIDE", "Three Inside Up/Down", 12, None),
    ("CDL3LINESTRIKE", "Three-Line Strike", 8, None),
    ("CDL3OUTSIDE", "Three Outside Up/Down", 3, None),
    ("CDL3STARSINSOUTH", "Three Stars In The South", 12, None),
    ("CDL3WHITESOLDIERS", "Three Advancing White Soldiers", 12, None),
    ("CDLABANDONEDBABY", "Abandoned Baby", 12, 0.3),
    ("CDLADVANCEBLOCK", "Advance Block", 12, None),
    ("CDLBELTHOLD", "Belt-hold", 10, None),
    ("CDLBREAKAWAY", "Breakaway", 14, None),
    ("CDLCLOSINGMARUBOZU", "Closing Marubozu", 10, None),
    ("CDLCONCEALBABYSWALL", "Concealing Baby Swallow", 13, None),
    ("CDLCOUNTERATTACK", "Counterattack", 11, None),
    ("CDLDARKCLOUDCOVER", "Dark Cloud Cover", 11, 0.5),
    ("CDLDOJI", "Doji", 10, None),
    ("CDLDOJISTAR", "Doji Star", 11, None),
    ("CDLDRAGONFLYDOJI", "Dragonfly Doji", 10, None),
    ("CDLENGULFING", "Engulfing Pattern", 2, None),
    ("CDLEVENINGDOJISTAR", "Evening Doji Star", 12, 0.3),
    ("CDLEVENINGSTAR", "Evening Star", 12, 0.3),
    ("CDLGAPSIDESIDEWHITE", "Up/Down-gap side-by-side white lines", 7, None),
    ("CDLGRAVESTONEDOJI", "Gravestone Doji", 10, None),
    ("CDLHAMMER", "Hammer", 11, None),
    ("CDLHANGINGMAN", "Hanging Man", 11, None),
    ("CDLHARAMI", "Harami Pattern", 11, None),
    ("CDLHARAMICROSS", "Harami Cross Pattern", 11, None),
    ("CDLHIGHWAVE", "High-Wave Candle", 10, None),
    ("CDLHIKKAKE", "Hikkake Pattern", 5, None),
    ("CDLHIKKAKEMOD", "Modified Hikkake Pattern", 10, None),
    ("CDLHOMINGPIGEON", "Homing Pigeon", 11, None),
    ("CDLIDENTICAL3CROWS", "Identical Three Crows", 12, None),
    ("CDLINNECK", "In-Neck Pattern", 11, None),
    ("CDLINVERTEDHAMMER", "Inverted Hammer", 11, None),
    ("CDLKICKING", "Kicking", 11, None),
    ("CDLKICKINGBYLENGTH", "Kicking - bull/bear determined by the longer marubozu", 11, None),
    ("CDLLADDERBOTTOM", "Ladder Bottom", 14, None),
    ("CDLLONGLEGGEDDOJI", "Long Legged Doji", 10, None),
    ("CDLLONGLINE", "Long Line Candle", 10, None),
    ("CDLMARUBOZU", "Marubozu", 10, None),
    ("CDLMATCHINGLOW", "Matching Low", 6, None),
    ("CDLMATHOLD", "Mat Hold", 14, 0.5),
    ("CDLMORNINGDOJISTAR", "Morning Doji Star", 12, 0.3),
    ("CDLMORNINGSTAR", "Morning Star", 12, 0.3),
    ("CDLONNECK", "On-Neck Pattern", 11, None),
    ("CDLPIERCING", "Piercing Pattern", 11, None),
    ("CDLRICKSHAWMAN", "Rickshaw Man", 10, None),
    ("CDLRISEFALL3METHODS", "Rising/Falling Three Methods", 14, None),
    ("CDLSEPARATINGLINES", "Separating Lines", 11, None),
    ("CDLSHOOTINGSTAR", "Shooting Star", 11, None),
    ("CDLSHORTLINE", "Short Line Candle", 10, None),
    ("CDLSPINNINGTOP", "Spinning Top", 10, None),
    ("CDLSTALLEDPATTERN", "Stalled Pattern", 12, None),
    ("CDLSTICKSANDWICH", "Stick Sandwich", 7, None),
    ("CDLTAKURI", "Takuri (Dragonfly Doji with very long lower shadow)", 10, None),
    ("CDLTASUKIGAP", "Tasuki Gap", 7, None),
    ("CDLTHRUSTING", "Thrusting Pattern", 11, None),
    ("CDLTRISTAR", "Tristar Pattern", 12, None),
    ("CDLUNIQUE3RIVER", "Unique 3 River", 12, None),
    ("CDLUPSIDEGAP2CROWS", "Upside Gap Two Crows", 12, None),
    ("CDLXSIDEGAP3METHODS", "Upside/Downside Gap Three Methods", 2, None),
)
"""TA-Lib's function and title, its lookback in bars, and its default penetration where it takes one."""


@dataclass(frozen=True, slots=True)
class Candlestick(Indicator):
    """A candlestick pattern; its array form asks TA-Lib about runs of bars without a hole."""

    def array(self, inputs: Sequence[FloatArray], params: Sequence[float]) -> tuple[FloatArray, ...]:
        """See ``Indicator.array``."""
        checked = self.checked(params)
        columns = np.array([np.asarray(column, dtype=np.float64) for column in inputs])
        if columns.shape[:1] != (len(FIELDS),) or columns.ndim != 2:
            raise IndicatorError(f"{self.name}: shape {columns.shape} was given, allowed are {len(FIELDS)} of (n,)")
        output = np.full(columns.shape[1], np.nan)
        holes = np.flatnonzero(~np.isfinite(columns).all(axis=0))
        starts, stops = np.append(0, holes + 1), np.append(holes, columns.shape[1])
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            _recognise_run(self, columns[:, start:stop], checked, output[start:stop])
        return (output,)


def _recognise_run(pattern: Candlestick, columns: FloatArray, params: tuple[float, ...], output: FloatArray) -> None:
    """Fill in what the pattern says about bars (4, n) without a hole."""
    lookback, count = pattern.warmup(*params), columns.shape[1]
    if count <= lookback:
        return
    function = pattern.name.upper()
    if float(np.abs(columns).max()) * _SCALE < _EXACT:
        output[lookback:] = _recognise(function, columns, params)[lookback:]
        return
    for place in range(lookback, count):
        output[place] = _recognise(function, columns[:, place - lookback : place + 1], params)[-1]


def _recognise(function: str, columns: FloatArray, params: tuple[float, ...]) -> FloatArray:
    """TA-Lib's answer about bars (4, n): -200 to 200 each."""
    import talib  # only who asks for a pattern needs the library

    with np.errstate(over="ignore"):
        whole = np.rint(columns * _SCALE)
    found: FloatArray = getattr(talib, function)(*np.ascontiguousarray(whole), *params)
    return found


def _window_step(function: str, lookback: int) -> Step:
    """A step that keeps the last ``lookback`` + 1 bars, oldest first, and asks about them."""
    size = lookback + 1

    def step(state: list[float], params: tuple[float, ...], inputs: Sequence[float], outputs: list[float]) -> None:
        state[1 : 1 + 4 * lookback] = state[5 : 5 + 4 * lookback]
        state[1 + 4 * lookback : 5 + 4 * lookback] = inputs
        if state[BARS_SEEN] >= size:
            window = np.array(state[1:]).reshape(size, 4).T
            outputs[0] = float(_recognise(function, window, params)[-1])

    return step


def _constant(number: int) -> Callable[..., float]:
    return lambda *_: float(number)


def _pattern(function: str, title: str, lookback: int, penetration: float | None) -> Candlestick:
    return Candlestick(
        name=function.lower(),
        title=title,
        formula="100 where the pattern stands and is bullish, -100 where bearish, 0 where not; "
        "200 or -200 once confirmed, 80 or -80 for the weaker form of some",
        source=f"TA-Lib {function}, default candle settings",
        series=(),
        fields=FIELDS,
        params=() if penetration is None else (Param("penetration", penetration, 0.0, 10.0, integer=False),),
        outputs=("value",),
        kernel=Kernel(_window_step(function, lookback), _constant(1 + 4 * (lookback + 1)), _constant(lookback)),
    )


CANDLESTICKS = tuple(_pattern(*row) for row in _PATTERNS)
