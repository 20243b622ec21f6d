"""The report's figures for notebooks."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from tradewire.backtest.report.account_figures import equity_figure, money_figure, rolling_figure
from tradewire.backtest.report.figure import Figure
from tradewire.backtest.report.indicators import studies_of
from tradewire.backtest.report.market_figure import market_figure
from tradewire.backtest.report.palette import LIGHT, coloured
from tradewire.backtest.statistics import statistics_of
from tradewire.ports.backtest import BacktestResult, MarketHistory

KINDS = ("equity", "trades", "rolling", "money")


def plot(
    result: BacktestResult,
    markets: Sequence[MarketHistory],
    strategy_text: str,
    kind: str = "equity",
    symbol: str | None = None,
) -> go.Figure:
    """A figure of the report: ``equity``, ``trades`` (of ``symbol``, else the first market), ``rolling`` or ``money``.

    Raises: ValueError for another kind, an unknown symbol, or a run too short for it.
    """
    figure: Figure | None
    if kind == "equity":
        figure = equity_figure(result, markets)
    elif kind == "rolling":
        figure = rolling_figure(result)
    elif kind == "money":
        figure = money_figure(statistics_of(result, markets))
    elif kind == "trades":
        market = _market(markets, symbol)
        trades = [trade for trade in result.trades if trade.symbol == market.symbol]
        figure, _ = market_figure(market, trades, studies_of(strategy_text, result.params, market))
    else:
        raise ValueError(f"no figure is called {kind!r}; allowed: {', '.join(KINDS)}")
    if figure is None:
        raise ValueError(f"{kind}: the run is too short")
    return go.Figure(coloured(figure, LIGHT))


def _market(markets: Sequence[MarketHistory], symbol: str | None) -> MarketHistory:
    for market in markets:
        if symbol in (None, market.symbol):
            return market
    raise ValueError(f"no market {symbol}; found: {', '.join(market.symbol for market in markets) or 'none'}")
