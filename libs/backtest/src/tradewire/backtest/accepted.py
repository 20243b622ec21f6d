"""The strategy of a request, if its results can be believed: the one check that all engines make."""

from __future__ import annotations

from tradewire.backtest.documents import document_of
from tradewire.backtest.warmup import bars_seen
from tradewire.ports.backtest import BacktestRequest
from tradewire.trading.language import CompiledStrategy, compile_accepted


def accepted_strategy(request: BacktestRequest) -> CompiledStrategy:
    """The request's strategy, compiled.

    Raises: StrategyErrors when it does not compile, looks ahead, or its two forms disagree.
    """
    document = document_of(request.strategy)
    traded = (market for market in request.markets if market.symbol in document.symbols and len(market))
    return compile_accepted(document, request.params, ((market.symbol, bars_seen(market)) for market in traded))
