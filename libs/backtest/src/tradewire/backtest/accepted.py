"""The strategy of a request, if its results can be believed: the one check that all engines make."""

from __future__ import annotations

from tradewire.ports.backtest import BacktestRequest, MarketHistory
from tradewire.trading.language import Bars, CompiledStrategy, compile_accepted, parse_strategy


def accepted_strategy(request: BacktestRequest) -> CompiledStrategy:
    """The request's strategy, compiled.

    Raises: StrategyErrors when it does not compile, looks ahead, or its two forms disagree.
    """
    document = parse_strategy(request.strategy)
    traded = (market for market in request.markets if market.symbol in document.symbols and len(market))
    return compile_accepted(document, request.params, ((market.symbol, bars_of(market)) for market in traded))


def bars_of(market: MarketHistory) -> Bars:
    """A market's candles as strategies take them."""
    return Bars(market.open_time_us, market.open, market.high, market.low, market.close, market.volume)
