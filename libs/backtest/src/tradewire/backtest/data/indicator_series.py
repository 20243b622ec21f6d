"""Indicators and expressions over candles: by each adapter, in each form, and how far these differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.data.errors import MarketDataError
from tradewire.ports.indicator import IndicatorPort
from tradewire.trading.indicators import INDICATORS, Indicator, IndicatorError
from tradewire.trading.indicators.adapted import adapted
from tradewire.trading.indicators.adapters.choice import Adapter, adapter_of
from tradewire.trading.language import Bars, IndicatorEngine, StrategyErrors, parse_series

if TYPE_CHECKING:
    from tradewire.backtest.data.candles import Candles
    from tradewire.ports.backtest import FloatArray

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*(\(.*\))\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Difference:
    """How one way to compute an output differs from the native array form.

    ``largest`` is the largest relative difference (to the larger of the two, at least 1e-300), 0 if none; ``bar`` and
    ``time_ms`` name the first bar that differs by more than the tolerance, or where only one has a value.
    """

    way: str
    output: str
    largest: float
    bar: int | None
    time_ms: int | None
    refused: str = ""


def library_of(adapter: Adapter) -> IndicatorPort:
    """The adapter. Raises MarketDataError when its library is not installed."""
    try:
        return adapter_of(adapter)
    except ImportError as error:
        raise MarketDataError("--adapter", field="library", found=str(error), allowed="it installed") from error


def compute(
    text: str, candles: Candles, adapter: Adapter = Adapter.NATIVE, *, stream: bool = False
) -> dict[str, FloatArray]:
    """Each output of an expression as an array (n,), NaN where it has no value.

    An indicator's call gives its outputs by their names (``macd(close)``: macd, signal, histogram); any other numeric
    expression gives ``value``. ``stream`` computes bar by bar. Raises StrategyErrors for what is no expression,
    IndicatorError for what the adapter does not have, ValueError for ``stream`` with an adapter of arrays.
    """
    if stream and adapter is not Adapter.NATIVE:
        raise ValueError(f"--stream: found adapter {adapter}, allowed native: the others compute arrays only")
    demands = _demands(text, candles.interval_us)
    engine = IndicatorEngine(list(demands.values()), candles.interval_us, _catalogue(adapter))
    bars = Bars(candles.open_time_us, *candles.columns)
    found = _streamed(engine, bars) if stream else engine.array(bars)
    return {name: found[demand] for name, demand in demands.items()}


def compare(text: str, candles: Candles, tolerance: float = 1e-9) -> list[Difference]:
    """Every other way to compute the expression beside the native array form. Raises StrategyErrors."""
    plain = compute(text, candles)
    ways: list[tuple[str, Adapter, bool]] = [("native, bar by bar", Adapter.NATIVE, True)]
    ways += [(str(adapter), adapter, False) for adapter in Adapter if adapter is not Adapter.NATIVE]
    found: list[Difference] = []
    for way, adapter, stream in ways:
        try:
            other = compute(text, candles, adapter, stream=stream)
        except (IndicatorError, MarketDataError) as error:
            found += [Difference(way, name, 0.0, None, None, str(error)) for name in plain]
            continue
        found += [_difference(way, name, plain[name], other[name], candles, tolerance) for name in plain]
    return found


def _demands(text: str, interval_us: int) -> dict[str, str]:
    """What to compute for each output."""
    called = _called(text)
    outputs = INDICATORS[called].outputs if called in INDICATORS else ("value",)
    if len(outputs) > 1:
        named = {output: f"{text.strip()}.{output}" for output in outputs}
        try:
            parse_series(named[outputs[0]], interval_us)
        except StrategyErrors:
            parse_series(text, interval_us)  # to tell the fault in the words that were typed
        return named
    return {outputs[0]: text.strip()}


def _called(text: str) -> str:
    """The name that the text calls when it is one call and nothing else; else empty."""
    call = _CALL.fullmatch(text)
    depth = 0
    for place, char in enumerate(call[2] if call else ""):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if call and depth == 0:
            return call[1] if place == len(call[2]) - 1 else ""
    return ""


def _catalogue(adapter: Adapter) -> Mapping[str, Indicator]:
    return INDICATORS if adapter is Adapter.NATIVE else adapted(library_of(adapter))


def _streamed(engine: IndicatorEngine, bars: Bars) -> dict[str, FloatArray]:
    columns = [bars.open_time_us, *bars.columns().values()]
    rows = [engine.update(int(time), *prices) for time, *prices in zip(*(c.tolist() for c in columns), strict=True)]
    names = rows[0] if rows else ()
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in names}


def _difference(
    way: str, output: str, plain: FloatArray, other: FloatArray, candles: Candles, tolerance: float
) -> Difference:
    known = ~np.isnan(plain) & ~np.isnan(other)
    relative = np.zeros(len(plain))
    size = np.maximum(np.maximum(np.abs(plain[known]), np.abs(other[known])), 1e-300)
    relative[known] = np.abs(plain[known] - other[known]) / size
    differs = np.flatnonzero((relative > tolerance) | (np.isnan(plain) != np.isnan(other)))
    bar = int(differs[0]) if differs.size else None
    time_ms = None if bar is None else int(candles.open_time_us[bar]) // 1000
    return Difference(way, output, float(relative.max(initial=0.0)), bar, time_ms)
