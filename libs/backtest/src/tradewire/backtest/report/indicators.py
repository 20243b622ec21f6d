"""A strategy's indicators and stop distances over a market, ready to draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tradewire.backtest.report.downsample import FloatArray
from tradewire.backtest.warmup import bars_seen, lead_of
from tradewire.ports.backtest import MarketHistory
from tradewire.trading.language import CompiledStrategy, IndicatorEngine, compile_strategy, parse_strategy
from tradewire.trading.language.compiled import series_read
from tradewire.trading.language.tree import Number

NEAR = 0.25
"""A series is drawn over the candles when half of its values are nearer to the close than this share of it."""

LABEL_MAX = 36


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One indicator: ``name`` as the author calls it, ``text`` its canonical expression, values (n,)."""

    name: str
    text: str
    values: FloatArray
    overlay: bool

    @property
    def label(self) -> str:
        """For a legend: name and expression, cut where they are long."""
        whole = self.text if self.name == self.text else f"{self.name} = {self.text}"
        return whole if len(whole) <= LABEL_MAX else whole[: LABEL_MAX - 1] + "…"

    @property
    def panel(self) -> str:
        """Outputs of one indicator share a panel: macd.line and macd.signal are both in macd."""
        return self.name.split(".")[0]


@dataclass(frozen=True, slots=True, eq=False)
class Studies:
    """All series of a market, and the distances that its entries protect with (by name, (n,), price units)."""

    series: tuple[Series, ...]
    distances: Mapping[str, FloatArray]


def studies_of(strategy_text: str, params: Mapping[str, float], market: MarketHistory) -> Studies:
    """What the strategy computes on the market. Raises: StrategyErrors when it does not compile."""
    strategy = compile_strategy(parse_strategy(strategy_text), params)
    bars, lead = bars_seen(market), lead_of(market)
    whole = IndicatorEngine(strategy.demands, strategy.interval_us, strategy.catalogue).array(bars)
    values = {text: series[lead:] for text, series in whole.items()}
    labels = {**dict.fromkeys(series_read(_volatility(strategy)), "volatility"), **strategy.labels}
    found = tuple(
        Series(labels.get(text, text), text, values[text], _near(values[text], market.close))
        for text in strategy.demands
    )
    return Studies(found, _distances(strategy, {**bars.columns(), **whole}, lead))


def _volatility(strategy: CompiledStrategy) -> list[Number]:
    return [] if strategy.volatility is None else [strategy.volatility]


def _distances(strategy: CompiledStrategy, series: Mapping[str, FloatArray], lead: int) -> dict[str, FloatArray]:
    found = strategy.evaluate_series(series).since(lead)
    named = {
        "Stop loss": found.stop_distance,
        "Take profit": found.take_profit_distance,
        "Trailing stop": found.trailing_distance,
    }
    return {name: values for name, values in named.items() if np.isfinite(values).any()}


def _near(values: FloatArray, close: FloatArray) -> bool:
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(values / close - 1.0)
    apart = apart[np.isfinite(apart)]
    return bool(apart.size) and float(np.median(apart)) < NEAR
