"""The report: one HTML file that needs nothing but itself."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import jinja2
import numpy as np
from plotly.offline import get_plotlyjs

from tradewire.backtest.digits import plain
from tradewire.backtest.not_happened import headlines, lines_below
from tradewire.backtest.report.account_figures import (
    equity_figure,
    holding_figure,
    money_figure,
    profit_figure,
    rolling_figure,
    rolling_window,
)
from tradewire.backtest.report.downsample import POINTS_MAX
from tradewire.backtest.report.figure import Figure
from tradewire.backtest.report.indicators import studies_of
from tradewire.backtest.report.market_figure import Detail, market_detail, market_figure
from tradewire.backtest.report.months import MONTHS, month_rows
from tradewire.backtest.report.palette import DARK, LIGHT
from tradewire.backtest.report.provenance import Provenance
from tradewire.backtest.report.trade_rows import COLUMNS, ROWS_MAX, splits_of, trade_rows
from tradewire.backtest.statistics import Statistics, equity_of
from tradewire.backtest.statistics.sampling import DAY_US, daily_returns
from tradewire.backtest.traded import with_bars
from tradewire.backtest.whole_file import write_whole
from tradewire.ports.backtest import BacktestResult, MarketHistory
from tradewire.trading.language import INTERVALS_US, parse_strategy

MARKETS_MAX = 8
DETAIL_CANDLES = 24_000
"""Candles to zoom into, of all markets together."""
"""Charts of markets on the page."""
BARS_MIN = 12
"""A span of less bars has no button."""
SPANS = ((365, "Year"), (91, "Quarter"), (30, "Month"), (7, "Week"), (1, "Day"))
TILES = ("total_return", "net_pnl", "sharpe", "max_drawdown", "trades", "win_rate")


@dataclass(frozen=True, slots=True)
class Chart:
    """A section of the page; ``missing`` is said where there is no figure."""

    id: str
    title: str
    figure: Figure | None
    about: str = ""
    missing: str = "There is nothing to show."
    log: bool = False
    detail: Detail | None = None
    spans: tuple[tuple[int, str], ...] = ()


def write_report(
    path: Path,
    result: BacktestResult,
    markets: Sequence[MarketHistory],
    strategy_text: str,
    stats: Statistics,
    provenance: Provenance,
) -> Path:
    """Write the report of a run to ``path``; returns it. ``markets`` as in the request.

    Raises: StrategyErrors when the strategy's text does not compile.
    """
    write_whole(path, report_html(result, markets, strategy_text, stats, provenance))
    return path


def report_html(
    result: BacktestResult,
    markets: Sequence[MarketHistory],
    strategy_text: str,
    stats: Statistics,
    provenance: Provenance,
) -> str:
    """The page as text."""
    document = parse_strategy(strategy_text)
    charts, notes = _charts(result, markets, strategy_text, stats)
    times = [_day(moment) for moment in result.time_us[[0, -1]]] if len(result.time_us) else ["–", "–"]
    return _template().render(
        title=result.strategy_id,
        description=document.description,
        symbols=", ".join(market.symbol for market in markets),
        interval=document.interval,
        begin=times[0],
        end=times[1],
        bars=f"{len(result.time_us):,}",
        engine=result.engine,
        tiles=_tiles(stats),
        headlines=headlines(result),
        not_happened=lines_below(result),
        left_out=result.left_out,
        charts=charts,
        months=month_rows(result),
        month_names=MONTHS,
        groups=list(stats.groups().items()),
        **_traded(result, markets),
        facts=_facts(result, provenance),
        rerun=shlex.join(provenance.rerun),
        notes=notes,
        strategy=strategy_text,
        **_embedded(charts, _table(result, markets)),
    )


def _traded(result: BacktestResult, markets: Sequence[MarketHistory]) -> dict[str, object]:
    """What the sections about trades show, apart from the table's rows."""
    trades = result.trades
    more = len(trades) - ROWS_MAX
    return {
        "splits": splits_of(trades, markets) if trades else [],
        "trade_columns": COLUMNS,
        "trade_symbols": sorted({trade.symbol for trade in trades}),
        "exit_reasons": sorted({str(trade.exit_reason) for trade in trades}),
        "rows_left_out": f"The table has the {ROWS_MAX:,} of {len(trades):,} trades with the largest PnL; "
        "trades.parquet has all."
        if more > 0
        else "",
    }


def _table(result: BacktestResult, markets: Sequence[MarketHistory]) -> dict[str, object]:
    """Rows of the table of trades, and the chart of each symbol that has one."""
    charts = {market.symbol: f"market{number}" for number, market in enumerate(with_bars(markets)[:MARKETS_MAX])}
    return {"rows": trade_rows(result.trades, markets), "charts": charts}


def _embedded(charts: Sequence[Chart], table: Mapping[str, object]) -> dict[str, str]:
    """Style, scripts and figures; the only text of the page that is not escaped, and all of it is our own."""
    folder = files("tradewire.backtest.report")
    figures = {chart.id: chart.figure for chart in charts if chart.figure is not None}
    details = {chart.id: chart.detail for chart in charts if chart.detail is not None}
    data = json.dumps(
        {"figures": figures, "details": details, "trades": table, "light": dict(LIGHT), "dark": dict(DARK)},
        allow_nan=False,
        separators=(",", ":"),
    )
    return {
        "css": (folder / "report.css").read_text(encoding="utf-8"),
        "script": (folder / "report.js").read_text(encoding="utf-8"),
        "trades_script": (folder / "trades.js").read_text(encoding="utf-8"),
        "plotly_js": get_plotlyjs(),
        # In JSON every < may be written as an escape: no text of a user can end the script element.
        "figures_json": data.replace("<", "\\u003c").replace("\u2028", "\\u2028"),
    }


def _template() -> jinja2.Template:
    source = (files("tradewire.backtest.report") / "report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(source)


def _charts(
    result: BacktestResult, markets: Sequence[MarketHistory], strategy_text: str, stats: Statistics
) -> tuple[list[Chart], list[str]]:
    notes = []
    if len(result.time_us) > POINTS_MAX:
        notes.append(f"account: lines show the extremes of equal spans of the {len(result.time_us):,} closes")
    markets = with_bars(markets)
    first = markets[0].symbol if markets else "nothing"
    charts = [
        Chart(
            "equity",
            "Equity and drawdown",
            equity_figure(result, markets),
            f"Against buying and holding {first}.",
            log=True,
        )
    ]
    shown = markets[:MARKETS_MAX]
    for number, market in enumerate(shown):
        trades = [trade for trade in result.trades if trade.symbol == market.symbol]
        studies = studies_of(strategy_text, result.params, market)
        figure, left = market_figure(market, trades, studies)
        detail, coarse = market_detail(market, studies, DETAIL_CANDLES // len(shown))
        title = f"{market.symbol}: trades, stops and indicators"
        charts.append(Chart(f"market{number}", title, figure, detail=detail, spans=_spans(market)))
        notes += [note for note in left + coarse if note not in notes]
    notes += [f"no chart of {market.symbol}" for market in markets[MARKETS_MAX:]]
    return charts + _outcomes(result, stats), notes


def _spans(market: MarketHistory) -> tuple[tuple[int, str], ...]:
    bar_us, bars = INTERVALS_US[market.interval], len(market)
    return tuple(span for span in SPANS if BARS_MIN <= span[0] * DAY_US / bar_us < bars)


def _outcomes(result: BacktestResult, stats: Statistics) -> list[Chart]:
    none = "No trade was closed."
    return [
        Chart(
            "money", "Where the money went", money_figure(stats), "Quote; the parts add up to the net to the last unit."
        ),
        Chart(
            "rolling",
            "Rolling Sharpe ratio",
            rolling_figure(result),
            _rolled(result),
            "The run is shorter than 40 days.",
        ),
        Chart("profits", "Profit of a trade", profit_figure(result.trades), missing=none),
        Chart("holding", "Holding time and profit", holding_figure(result.trades), missing=none),
    ]


def _rolled(result: BacktestResult) -> str:
    window = rolling_window(len(daily_returns(result.time_us, equity_of(result)).returns))
    return f"Of the last {window} daily returns, annualised." if window else ""


def _tiles(stats: Statistics) -> list[dict[str, str]]:
    shown = [entry for name in TILES for entry in stats if entry.name == name]
    signed = ("total_return", "net_pnl", "sharpe", "max_drawdown")
    tiles = []
    for entry in shown:
        tone = "" if entry.name not in signed or not entry.value else "gain" if entry.value > 0 else "loss"
        tiles.append({"label": entry.label, "text": entry.text, "tone": tone})
    return tiles


def _facts(result: BacktestResult, provenance: Provenance) -> list[tuple[str, str]]:
    account = result.account
    fees = [
        f"{name} {plain(fee * Decimal(10_000))} bp" if fee is not None else f"{name} as the instrument says"
        for name, fee in (("taker", account.taker_fee), ("maker", account.maker_fee))
    ]
    return [
        ("Parameters", ", ".join(f"{name} = {value:g}" for name, value in result.params.items()) or "defaults"),
        ("Account", f"{account.capital:,} quote, {account.leverage} x leverage, {account.margin_mode.lower()} margin"),
        ("Fees", ", ".join(fees)),
        ("Fill model", result.fill_model),
        ("Fingerprint", result.fingerprint),
        ("Strategy hash", result.strategy_hash),
        ("Data hash", provenance.data_hash),
        ("Code", provenance.code_version),
        ("Libraries", ", ".join(f"{name} {version}" for name, version in provenance.libraries.items())),
    ]


def _day(time_us: np.int64) -> str:
    return f"{datetime.fromtimestamp(int(time_us) // 10**6, UTC):%Y-%m-%d}"
