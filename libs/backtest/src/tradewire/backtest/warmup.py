"""What a strategy sees of a market: the bars that it trades, and those before them, on which its indicators warm up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.documents import document_of
from tradewire.backtest.merging import joined
from tradewire.ports.backtest import BacktestRequest, EarlierBars, MarketHistory
from tradewire.trading.language import Bars, CompiledStrategy, EvaluationArrays, compile_strategy

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

COLUMNS = ("open_time_us", "open", "high", "low", "close", "volume")


def bars_seen(market: MarketHistory) -> Bars:
    """All that the market tells, from its earliest bar on."""
    traded = [getattr(market, name) for name in COLUMNS]
    if market.earlier is None:
        return Bars(*traded)
    before = (getattr(market.earlier, name) for name in COLUMNS)
    return Bars(*(joined(*pair) for pair in zip(before, traded, strict=True)))


def lead_of(market: MarketHistory) -> int:
    """How many of the bars seen come before the first that is traded."""
    return 0 if market.earlier is None else len(market.earlier)


def earlier_part(market: MarketHistory, first: int) -> EarlierBars | None:
    """What comes before the market's bar number ``first``; None where nothing does."""
    if not first:
        return market.earlier
    parts = [getattr(market, name)[:first] for name in COLUMNS]
    if market.earlier is not None:
        before = (getattr(market.earlier, name) for name in COLUMNS)
        parts = [joined(*pair) for pair in zip(before, parts, strict=True)]
    return EarlierBars(*parts)


def answers_on(strategy: CompiledStrategy, market: MarketHistory) -> EvaluationArrays:
    """The strategy's answers to the bars that are traded, warmed up on those before."""
    return strategy.evaluate_array(bars_seen(market)).since(lead_of(market))


def ready_from_us(request: BacktestRequest) -> Mapping[str, int | None]:
    """Close of the first traded bar of each symbol at which the strategy could decide; None where there is none."""
    strategy = compile_strategy(document_of(request.strategy), request.params)
    found: dict[str, int | None] = {}
    for market in request.markets:
        if market.symbol in strategy.symbols:
            bars = len(market)
            ready: IntArray = np.flatnonzero(answers_on(strategy, market).ready if bars else np.zeros(0))
            closes = market.open_time_us[ready[:1]] + strategy.interval_us
            found[market.symbol] = int(closes[0]) if len(closes) else None
    return found
