"""One strategy under many parameter sets."""

from __future__ import annotations

from collections.abc import Mapping

from tradewire.backtest.vectorized.decisions import Decisions, aligned, of_arrays
from tradewire.backtest.vectorized.market import Markets
from tradewire.backtest.vectorized.series import SeriesCache
from tradewire.trading.language import Sizing, StrategyDocument, compile_strategy


class StrategyFamily:
    """The decisions of one strategy document over fixed markets, for any values of its parameters."""

    def __init__(self, document: StrategyDocument, markets: Markets, cache: SeriesCache) -> None:
        self._document = document
        self._markets = markets
        self._cache = cache

    def decisions(self, params: Mapping[str, float]) -> tuple[Decisions, Sizing]:
        """What the strategy decides with these parameters, and how it sizes."""
        strategy = compile_strategy(self._document, params)
        parts = [of_arrays(strategy.evaluate_array(bars)) for bars in self._markets.columns]
        return aligned(parts, self._markets), strategy.sizing
