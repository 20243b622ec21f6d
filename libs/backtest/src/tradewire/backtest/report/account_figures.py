"""Figures of the account: equity and drawdown, rolling Sharpe ratio, trades, and where the money went."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewire.backtest.report.downsample import FloatArray, numbers
from tradewire.backtest.report.figure import Figure, axis, layout, line
from tradewire.backtest.statistics import Statistics, benchmark_of, equity_of
from tradewire.backtest.statistics.drawdowns import underwater
from tradewire.backtest.statistics.sampling import DAY_US, daily_returns
from tradewire.ports.backtest import BacktestResult, MarketHistory, Trade

DAYS_PER_YEAR = 365
ROLLING_DAYS = 90
BINS_MAX = 40
TRADES_MAX = 2_000
"""Trades drawn one by one; of more, those with the largest profits and losses."""


def equity_figure(result: BacktestResult, markets: Sequence[MarketHistory]) -> Figure:
    """Equity against buy-and-hold, and under it the distance to the highest point so far."""
    equity, held = equity_of(result), benchmark_of(result, markets)
    below = underwater(equity) * 100.0
    hover = "%{y:,.2f}<extra>%{fullData.name}</extra>"
    traces = [
        line(
            result.time_us, held, "Buy and hold", "@other", hovertemplate=hover, line={"color": "@other", "width": 1.2}
        ),
        line(result.time_us, equity, "Strategy", "@main", hovertemplate=hover),
        line(
            result.time_us,
            below,
            "Drawdown",
            "@loss",
            yaxis="y2",
            fill="tozeroy",
            fillcolor="@wash",
            showlegend=False,
            hovertemplate="%{y:.2f} %<extra>Drawdown</extra>",
        ),
    ]
    axes = {
        "xaxis": axis(type="date", anchor="y2", hoverformat="%Y-%m-%d %H:%M"),
        "yaxis": axis(domain=[0.34, 1.0], tickformat="~s", hoverformat=",.2f"),
        "yaxis2": axis(domain=[0.0, 0.28], ticksuffix=" %", nticks=4),
    }
    return {"data": traces, "layout": layout(460, hovermode="x unified", **axes)}


def rolling_window(days: int) -> int | None:
    """Days of the window: 90, or a quarter of a shorter run; None for runs too short to roll over (40 days)."""
    return min(ROLLING_DAYS, days // 4) if days >= 40 else None


def rolling_sharpe(returns: FloatArray, window: int) -> FloatArray:
    """Annualised Sharpe ratio of the last ``window`` daily returns, shape (n - window + 1,); NaN without deviation."""
    views = np.lib.stride_tricks.sliding_window_view(returns, window)
    spread = views.std(axis=1, ddof=1)
    flat = spread <= 1e-14
    ratio = views.mean(axis=1) / np.where(flat, 1.0, spread) * np.sqrt(DAYS_PER_YEAR)
    return np.where(flat, np.nan, ratio)


def rolling_figure(result: BacktestResult) -> Figure | None:
    """The rolling Sharpe ratio of daily returns; None for runs too short."""
    days = daily_returns(result.time_us, equity_of(result))
    window = rolling_window(len(days.returns))
    if window is None:
        return None
    found = rolling_sharpe(days.returns, window)
    name = f"{window} days"
    trace = line(
        days.start_us[window - 1 :] + DAY_US,
        found,
        name,
        "@main",
        hovertemplate="%{x|%Y-%m-%d}: %{y:.2f}<extra></extra>",
    )
    zero = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": 0,
        "y1": 0,
        "line": {"color": "@faint", "width": 1},
    }
    axes = {"xaxis": axis(type="date"), "yaxis": axis(), "shapes": [zero]}
    return {"data": [trace], "layout": layout(260, showlegend=False, **axes)}


def largest(trades: Sequence[Trade], most: int = TRADES_MAX) -> list[Trade]:
    """The trades, in order; of more than ``most`` those with the largest profits and losses."""
    if len(trades) <= most:
        return list(trades)
    chosen = sorted(range(len(trades)), key=lambda at: (-abs(trades[at].pnl), at))[:most]
    return [trades[at] for at in sorted(chosen)]


def profit_figure(trades: Sequence[Trade]) -> Figure | None:
    """How the profits of closed trades are distributed; None without one."""
    found = np.array([float(trade.pnl) for trade in trades if trade.exit_time_us is not None])
    if not found.size:
        return None
    edges = _edges(found)
    counts, _ = np.histogram(np.clip(found, edges[0], edges[-1]), edges)  # an edge may miss its value by rounding
    middles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    spans = [f"{low:,.2f} to {high:,.2f}" for low, high in itertools.pairwise(edges)]
    trace = {
        "type": "bar",
        "x": numbers(middles),
        "y": counts.tolist(),
        "width": numbers(widths),
        "customdata": spans,
        "marker": {"color": ["@gain" if middle > 0 else "@loss" for middle in middles], "line": {"width": 0}},
        "hovertemplate": "%{customdata}: %{y} trades<extra></extra>",
    }
    axes = {
        "xaxis": axis(title={"text": "PnL of a trade, quote"}, tickformat="~s"),
        "yaxis": axis(title={"text": "trades"}),
    }
    return {"data": [trace], "layout": layout(300, bargap=0.06, showlegend=False, **axes)}


def _edges(values: FloatArray) -> FloatArray:
    """Edges of equal bins, one of them at zero, so that no bin mixes gains and losses."""
    spread = float(np.max(values) - np.min(values)) or max(abs(float(values[0])), 1.0)
    width = spread / min(BINS_MAX, max(5, int(2 * np.sqrt(values.size))))
    return np.arange(np.floor(np.min(values) / width), np.floor(np.max(values) / width) + 2) * width


def holding_figure(trades: Sequence[Trade]) -> Figure | None:
    """Holding time against profit, one point a closed trade; None without one."""
    shown = largest([trade for trade in trades if trade.exit_time_us is not None])
    if not shown:
        return None
    traces = [
        _points(name, colour, symbol, [t for t in shown if (t.pnl > 0) is gained])
        for name, colour, symbol, gained in _SIDES
    ]
    axes = {
        "xaxis": axis(title={"text": "held, hours"}, type="log" if _spread(shown) > 100 else "linear"),
        "yaxis": axis(title={"text": "PnL, quote"}, tickformat="~s"),
    }
    return {"data": traces, "layout": layout(300, **axes)}


_SIDES = (("Gains", "@gain", "circle", True), ("Losses", "@loss", "x", False))


def held_hours(trade: Trade) -> float:
    """Time from entry to exit, hours; 0 for a trade still open."""
    return 0.0 if trade.exit_time_us is None else (trade.exit_time_us - trade.entry_time_us) / 3.6e9


def _spread(trades: Sequence[Trade]) -> float:
    hours = [held_hours(trade) for trade in trades]
    return max(hours) / min(hours) if min(hours) > 0 else 0.0


def _points(name: str, colour: str, symbol: str, trades: Sequence[Trade]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": numbers(np.array([held_hours(trade) for trade in trades])),
        "y": numbers(np.array([float(trade.pnl) for trade in trades])),
        "marker": {"color": colour, "symbol": symbol, "size": 7, "opacity": 0.75},
        "hovertemplate": "%{x:.1f} h: %{y:,.2f}<extra></extra>",
    }


def money_figure(stats: Statistics) -> Figure:
    """From what the price gave to what was kept: fees, funding, slippage and the insurance fund in between."""
    steps = [
        ("Price", "price_pnl"),
        ("Fees", "fees"),
        ("Funding", "funding"),
        ("Slippage", "slippage"),
        ("Insurance fund", "insurance"),
        ("Net", "net_pnl"),
    ]
    values = [float(stats[name] or 0) for _, name in steps]
    trace = {
        "type": "waterfall",
        "x": [label for label, _ in steps],
        "y": numbers(np.array(values)),
        "measure": ["relative"] * 5 + ["total"],
        "text": [f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}" for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "increasing": {"marker": {"color": "@gain"}},
        "decreasing": {"marker": {"color": "@loss"}},
        "totals": {"marker": {"color": "@main"}},
        "connector": {"line": {"color": "@faint", "width": 1}},
        "hovertemplate": "%{x}: %{text}<extra></extra>",
    }
    return {"data": [trace], "layout": layout(320, showlegend=False, xaxis=axis(), yaxis=axis(tickformat="~s"))}
