"""The chart of one market: candles, trades with their stops, indicators over them and in panels of their own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from tradewire.backtest.report.account_figures import held_hours, largest
from tradewire.backtest.report.downsample import DrawnCandles, FloatArray, candles, moments, numbers
from tradewire.backtest.report.figure import Figure, Trace, axis, layout, line
from tradewire.backtest.report.indicators import Series, Studies
from tradewire.backtest.report.palette import LINES
from tradewire.ports.backtest import MarketHistory, Trade
from tradewire.ports.events import Side
from tradewire.trading.language import INTERVALS_US

Detail = dict[str, Any]
PANELS_MAX = 4
TITLE_MAX = 12
PANEL_SHARE = 0.16
"""Share of the chart's height for one panel."""
HEIGHT, PANEL_HEIGHT = 460, 110
STYLES = {"Stop loss": ("@loss", "dot"), "Take profit": ("@gain", "dot")}
"""Colour and dash of the levels that stay where they are set; a trailing stop has none."""


def market_figure(market: MarketHistory, trades: Sequence[Trade], studies: Studies) -> tuple[Figure, list[str]]:
    """The chart, and a sentence for each thing that it leaves out."""
    drawn = candles(market.open_time_us, market.open, market.high, market.low, market.close)
    shown = largest(trades)
    panels = list(dict.fromkeys(series.panel for series in studies.series if not series.overlay))
    traces = [_candles(drawn), *_series(market, studies.series, panels[:PANELS_MAX])]
    traces += _levels(market, shown, studies) + _spans(shown) + _markers(shown)
    notes = []
    if drawn.bars > 1:
        notes.append(f"{market.symbol}: a candle of the whole run stands for {drawn.bars} bars; zoom in for more")
    if len(shown) < len(trades):
        notes.append(f"{market.symbol}: the {len(shown):,} trades with the largest PnL of {len(trades):,} are drawn")
    if panels[PANELS_MAX:]:
        notes.append(f"{market.symbol}: no room for {', '.join(panels[PANELS_MAX:])}")
    if "Trailing stop" in studies.distances:
        notes.append("trailing stops move within the bar and are not drawn; their exits are")
    return {"data": traces, "layout": _layout(panels[:PANELS_MAX])}, notes


def market_detail(market: MarketHistory, studies: Studies, candles_max: int) -> tuple[Detail, list[str]]:
    """What the page draws when one zooms in: candles in columns, and each series at the last bar of each candle.

    Lines refer to it by ``meta.series``. With a note when a candle stands for more than one bar.
    """
    fine = candles(market.open_time_us, market.open, market.high, market.low, market.close, candles_max)
    lasts = np.minimum(np.arange(len(fine.close)) * fine.bars + fine.bars, len(market)) - 1
    detail = {
        "x": moments(fine.time_us),
        "candles": [numbers(column) for column in (fine.open, fine.high, fine.low, fine.close)],
        "series": [numbers(series.values[lasts]) for series in studies.series],
    }
    coarse = f"{market.symbol}: the finest candle on this page stands for {fine.bars} bars"
    return detail, [coarse] if fine.bars > 1 else []


def _candles(drawn: DrawnCandles) -> Trace:
    return {
        "type": "candlestick",
        "name": "Price",
        "showlegend": False,
        "x": moments(drawn.time_us),
        "open": numbers(drawn.open),
        "high": numbers(drawn.high),
        "low": numbers(drawn.low),
        "close": numbers(drawn.close),
        "increasing": {"line": {"color": "@candleup", "width": 1}, "fillcolor": "@candleup"},
        "decreasing": {"line": {"color": "@candledown", "width": 1}, "fillcolor": "@candledown"},
    }


def _series(market: MarketHistory, series: Sequence[Series], panels: Sequence[str]) -> list[Trace]:
    traces: list[Trace] = []
    for number, one in enumerate(series):
        if not one.overlay and one.panel not in panels:
            continue
        colour = f"@line{number % LINES}"
        more: dict[str, Any] = {"meta": {"series": number}}
        if not one.overlay:
            more["yaxis"] = f"y{panels.index(one.panel) + 2}"
        hover = f"%{{y:,.6~g}}<extra>{escape(one.name)}</extra>"
        traces.append(
            line(
                market.open_time_us,
                one.values,
                one.label,
                colour,
                line={"color": colour, "width": 1.2},
                hovertemplate=hover,
                **more,
            )
        )
    return traces


def _levels(market: MarketHistory, trades: Sequence[Trade], studies: Studies) -> list[Trace]:
    """Stop and target of each trade: the close of the deciding bar ∓ the distance, from entry to exit."""
    closes_us = market.open_time_us + INTERVALS_US[market.interval]
    entries = np.array([trade.entry_time_us for trade in trades], dtype=np.int64)
    decided = np.searchsorted(closes_us, entries, side="right") - 1
    traces = []
    for name, (colour, dash) in STYLES.items():
        if name not in studies.distances:
            continue
        x: list[int | None] = []
        y: list[float | None] = []
        for trade, at in zip(trades, decided.tolist(), strict=True):
            away = float(studies.distances[name][at]) if at >= 0 else float("nan")
            if not np.isfinite(away):
                continue
            up = (trade.side is Side.BUY) == (name == "Take profit")
            level = round(float(market.close[at]) + (away if up else -away), 8)
            x += [trade.entry_time_us // 1000, _end_us(trade, closes_us) // 1000, None]
            y += [level, level, None]
        traces.append(_segments(name, x, y, {"color": colour, "width": 1.2, "dash": dash}))
    return traces


def _end_us(trade: Trade, closes_us: Any) -> int:
    return int(closes_us[-1]) if trade.exit_time_us is None else trade.exit_time_us


def _segments(name: str, x: list[int | None], y: list[float | None], pen: dict[str, Any], **more: Any) -> Trace:
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": pen, "hoverinfo": "skip", **more}


def _spans(trades: Sequence[Trade]) -> list[Trace]:
    """From entry to exit, in the colour of the outcome."""
    traces = []
    for name, colour, gained in (("Gain", "@gain", True), ("Loss", "@loss", False)):
        x: list[int | None] = []
        y: list[float | None] = []
        for trade in trades:
            if trade.exit_time_us is not None and (trade.pnl > 0) is gained:
                x += [trade.entry_time_us // 1000, trade.exit_time_us // 1000, None]
                y += [float(trade.entry_price), float(trade.exit_price), None]
        traces.append(_segments(name, x, y, {"color": colour, "width": 1.6}))
    return traces


def _markers(trades: Sequence[Trade]) -> list[Trace]:
    longs = [trade for trade in trades if trade.side is Side.BUY]
    shorts = [trade for trade in trades if trade.side is Side.SELL]
    left = [trade for trade in trades if trade.exit_time_us is not None]
    return [
        _marks("Long entry", "triangle-up", "@gain", longs, exits=False),
        _marks("Short entry", "triangle-down", "@loss", shorts, exits=False),
        _marks("Exit", "circle-open", "@ink", left, exits=True),
    ]


def _marks(name: str, symbol: str, colour: str, trades: Sequence[Trade], *, exits: bool) -> Trace:
    times = [trade.exit_time_us if exits else trade.entry_time_us for trade in trades]
    prices: FloatArray = np.array([float(trade.exit_price if exits else trade.entry_price) for trade in trades])
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "meta": {} if exits else {"entries": True},
        "x": moments([time_us or 0 for time_us in times]),
        "y": numbers(prices),
        "text": [_hover(trade) for trade in trades],
        "marker": {"symbol": symbol, "size": 9, "color": colour, "line": {"width": 1.5, "color": colour}},
        "hovertemplate": "%{x|%Y-%m-%d %H:%M}<br>%{text}<extra>" + name + "</extra>",
    }


def _hover(trade: Trade) -> str:
    side = "long" if trade.side is Side.BUY else "short"
    lines = [f"{side} {trade.qty.normalize():f}, entry {trade.entry_price:,.2f}"]
    lines.append("still open" if trade.exit_time_us is None else f"exit {trade.exit_price:,.2f}")
    lines.append(f"PnL {trade.pnl:,.2f}, held {held_hours(trade):,.1f} h")
    lines.append(f"fees {trade.fees:,.2f}, funding {trade.funding:,.2f}, slippage {trade.slippage:,.2f}")
    return "<br>".join(lines)


def _layout(panels: Sequence[str]) -> dict[str, Any]:
    """Price on top, the panels under it, one time axis at the bottom."""
    share = PANEL_SHARE * len(panels)
    axes: dict[str, Any] = {"yaxis": axis(domain=[share, 1.0], tickformat=",~r", hoverformat=",.8~g", fixedrange=True)}
    for number, name in enumerate(panels):
        top = share - PANEL_SHARE * number - 0.03
        title = {
            "text": escape(name if len(name) <= TITLE_MAX else name[: TITLE_MAX - 1] + "…"),
            "font": {"size": 11},
            "standoff": 2,
        }
        domain = [top - PANEL_SHARE + 0.04, top]
        axes[f"yaxis{number + 2}"] = axis(domain=domain, nticks=3, title=title, tickformat="~g", fixedrange=True)
    anchor = f"y{len(panels) + 1}" if panels else "y"
    axes["xaxis"] = axis(type="date", anchor=anchor, rangeslider={"visible": False}, hoverformat="%Y-%m-%d %H:%M")
    return layout(HEIGHT + PANEL_HEIGHT * len(panels), **axes)
