"""Backtests from Python: a strategy file and data in, a result to look at out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import pandas as pd

from tradewire.backtest.asking import EPOCH, BacktestSettings, request_of
from tradewire.backtest.data import remarks
from tradewire.backtest.frames import Data, table_of
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.not_happened import not_happened
from tradewire.backtest.report import plot, provenance_of, write_report, write_run
from tradewire.backtest.statistics import Statistics, statistics_of
from tradewire.backtest.trade_measures import measures_of
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.backtest.warmup import ready_from_us
from tradewire.ports.activity import Activity
from tradewire.ports.backtest import BacktestFill, BacktestPort, BacktestRequest, BacktestResult, Trade

if TYPE_CHECKING:
    import plotly.graph_objects as go

ENGINES: Mapping[str, type[BacktestPort]] = {"futures": FuturesEngine, "vectorized": VectorizedEngine}


@dataclass(frozen=True)
class Run:
    """A finished backtest: what was asked and what came of it. In a notebook it shows its statistics."""

    request: BacktestRequest
    result: BacktestResult

    @cached_property
    def stats(self) -> Statistics:
        """Statistics by name, e.g. ``run.stats["sharpe"]``; prints and renders as a table."""
        return statistics_of(self.result, self.request.markets)

    @property
    def activity(self) -> Activity:
        """What the signals came to and what did not happen, as counts: refusals by rule, liquidations, and so on."""
        return self.result.activity

    @property
    def not_happened(self) -> list[str]:
        """The same in sentences, a liquidation first."""
        return not_happened(self.result)

    @cached_property
    def trades(self) -> pd.DataFrame:
        """One row a trade, with its measures: times in UTC, money as floats; exact amounts are in ``result.trades``."""
        measures = measures_of(self.result.trades, self.request.markets)._asdict()
        held = pd.to_timedelta(measures.pop("held_us"), unit="us")
        return table_of(self.result.trades, Trade).assign(held=held, **measures)

    @cached_property
    def fills(self) -> pd.DataFrame:
        """One row a fill, as `trades`."""
        return table_of(self.result.fills, BacktestFill)

    @cached_property
    def equity(self) -> pd.Series[float]:
        """Equity at each close, quote, by time in UTC."""
        times = pd.to_datetime(self.result.time_us, unit="us", utc=True)
        return pd.Series(self.result.equity_e8 / 1e8, index=times, name="equity")

    @cached_property
    def ready_from(self) -> Mapping[str, datetime | None]:
        """By symbol, the close of the first traded bar at which the strategy could decide; None where there is none."""
        found = ready_from_us(self.request)
        return {symbol: None if at is None else EPOCH + timedelta(microseconds=at) for symbol, at in found.items()}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was taken for what in the data, in sentences."""
        return remarks(self.request.markets)

    @property
    def fingerprint(self) -> str:
        """sha256 over all fills and account states, hex."""
        return self.result.fingerprint

    def plot(self, kind: str = "equity", symbol: str | None = None) -> go.Figure:
        """A figure of the report: equity, trades, rolling or money. Raises: ValueError for another kind or symbol."""
        return plot(self.result, self.request.markets, self.request.strategy, kind, symbol)

    def report(self, path: str | Path) -> Path:
        """Write the report, one HTML file that needs no network; returns its path."""
        origin = provenance_of(self.result, self.request.markets)
        return write_report(Path(path), self.result, self.request.markets, self.request.strategy, self.stats, origin)

    def save(self, folder: str | Path) -> dict[str, Path]:
        """Write trades, fills and equity (Parquet), result and provenance (JSON); returns the paths by name."""
        origin = provenance_of(self.result, self.request.markets)
        return write_run(
            Path(folder), self.result, self.stats, origin, ready_from_us(self.request), self.request.markets
        )

    def __repr__(self) -> str:
        gained = self.stats["total_return"]
        text = "no return" if gained is None else f"{gained:+.2%}"
        return f"<Run {self.result.strategy_id} by {self.result.engine}: {text}, {len(self.result.trades)} trades>"

    def _repr_html_(self) -> str:
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.not_happened)
        return f"<ul>{lines}</ul>{self.stats._repr_html_()}"


def run(
    strategy: str | Path, data: Data, *, engine: str | BacktestPort = "futures", **settings: Unpack[BacktestSettings]
) -> Run:
    """Trade a strategy over history.

    Parameters: strategy: path of a strategy file, or its text; data: candles as a pandas or polars frame with
    open_time, open, high, low, close, volume (a DatetimeIndex does for open_time), frames by symbol, or files as the
    commands take them; settings: as `BacktestSettings` and `Files` have them, everything that ``tradewire backtest``
    has: params, start, end; capital (quote), leverage, margin_mode, fee, slippage_bps, volume_share, latency_ms,
    limits; mark, funding, path_data, instruments, brackets; tz, round_prices. Defaults are those of a paper account.
    Raises: StrategyErrors, also for a strategy that looks ahead; MarketDataError for data that is not fit; ValueError
    for a setting out of range.
    """
    return Run(request := request_of(strategy, data, **settings), engine_of(engine).run(request))


def engine_of(engine: str | BacktestPort) -> BacktestPort:
    """An engine by name, or itself. Raises: ValueError."""
    if not isinstance(engine, str):
        return engine
    if engine not in ENGINES:
        other = "an engine of your own, such as ReplayEngine() of tradewire.app.replay_engines.engines"
        raise ValueError(f"found engine {engine!r}, allowed {', '.join(ENGINES)}, or {other}")
    return ENGINES[engine]()
