"""Backtests that begin without what came before."""

from __future__ import annotations

from dataclasses import replace

from tradewire.ports.backtest import BacktestRequest


def without_earlier(request: BacktestRequest) -> BacktestRequest:
    """The request as engines run it that see nothing before the first bar that is traded."""
    return replace(request, markets=tuple(replace(market, earlier=None) for market in request.markets))
