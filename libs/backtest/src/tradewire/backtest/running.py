"""Backtests from Python: a strategy file and data in, a result to look at out."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tradewire.backtest.data import MarketFiles, load_markets
from tradewire.backtest.frames import Data, Frames, table_of
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.not_happened import not_happened
from tradewire.backtest.report import plot, provenance_of, write_report, write_run
from tradewire.backtest.statistics import Statistics, statistics_of
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.backtest.warmup import ready_from_us
from tradewire.ports.activity import Activity
from tradewire.ports.backtest import (
    AccountSettings,
    BacktestFill,
    BacktestPort,
    BacktestRequest,
    BacktestResult,
    MarginMode,
    Trade,
)
from tradewire.trading.language import compile_strategy, parse_strategy

if TYPE_CHECKING:
    import plotly.graph_objects as go

Moment = str | datetime
Amount = Decimal | float | str
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
        """One row a trade: times in UTC, money as floats; exact amounts are in ``result.trades``."""
        return table_of(self.result.trades, Trade)

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
        return write_run(Path(folder), self.result, self.stats, origin, ready_from_us(self.request))

    def __repr__(self) -> str:
        gained = self.stats["total_return"]
        text = "no return" if gained is None else f"{gained:+.2%}"
        return f"<Run {self.result.strategy_id} by {self.result.engine}: {text}, {len(self.result.trades)} trades>"

    def _repr_html_(self) -> str:
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.not_happened)
        return f"<ul>{lines}</ul>{self.stats._repr_html_()}"


def run(
    strategy: str | Path,
    data: Data,
    *,
    engine: str | BacktestPort = "futures",
    params: Mapping[str, float] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    mark: Data | None = None,
    funding: Data | None = None,
    path_data: Data | None = None,
    instruments: str | Path | None = None,
    brackets: str | Path | None = None,
    capital: Amount = 100_000,
    leverage: int = 5,
    margin_mode: MarginMode | str = MarginMode.CROSS,
    slippage_bps: Amount = 1,
    fee: Amount | None = None,
    volume_share: Amount = 0,
) -> Run:
    """Trade a strategy over history.

    Parameters: strategy: path of a strategy file, or its text; data: candles as a pandas or polars frame with
    open_time, open, high, low, close, volume (a DatetimeIndex does for open_time), frames by symbol, or files as the
    commands take them; mark: candles of the mark price, funding: frames or files with funding_time, funding_rate;
    path_data: finer candles, which tell the way of the price inside the bars;
    start, end: open times, end exclusive; indicators warm up on what the data have before the start; capital in quote;
    fee: rate for takers and makers in place of the instruments' own. Defaults are those of a paper account.
    Raises: StrategyErrors, also for a strategy that looks ahead; MarketDataError for data that is not fit; ValueError
    for a setting out of range.
    """
    text = _text(strategy)
    values = dict(params or {})
    document = parse_strategy(text)
    for warning in document.warnings:
        warnings.warn(f"the strategy: {warning}", stacklevel=2)
    compiled = compile_strategy(document, values)
    with tempfile.TemporaryDirectory(prefix="tradewire-") as folder:
        given = Frames(Path(folder), compiled.symbols)
        files = MarketFiles(
            data=given.files(data, "data"),
            mark=given.files(mark, "mark"),
            funding=given.files(funding, "funding"),
            path=given.files(path_data, "path"),
            brackets=None if brackets is None else Path(brackets),
            instruments=None if instruments is None else Path(instruments),
        )
        markets = load_markets(compiled, files, start_us=_moment_us(start), end_us=_moment_us(end))
    account = _account(capital, leverage, margin_mode, slippage_bps, fee, volume_share)
    request = BacktestRequest(text, markets, values, account)
    return Run(request, _engine(engine).run(request))


def _engine(engine: str | BacktestPort) -> BacktestPort:
    if not isinstance(engine, str):
        return engine
    if engine not in ENGINES:
        raise ValueError(f"found engine {engine!r}, allowed {', '.join(ENGINES)}, or a BacktestPort")
    return ENGINES[engine]()


def _account(
    capital: Amount,
    leverage: int,
    margin_mode: MarginMode | str,
    slippage_bps: Amount,
    fee: Amount | None,
    share: Amount,
) -> AccountSettings:
    rate = None if fee is None else _decimal(fee)
    return AccountSettings(
        capital=_decimal(capital),
        leverage=leverage,
        margin_mode=MarginMode(str(margin_mode).upper()),
        slippage_bps=_decimal(slippage_bps),
        taker_fee=rate,
        maker_fee=rate,
        volume_share=_decimal(share),
    )


def _text(strategy: str | Path) -> str:
    """The file's text; a string that holds a line break, or names no file, is a text itself."""
    if isinstance(strategy, Path) or ("\n" not in strategy and Path(strategy).suffix in (".yaml", ".yml")):
        return Path(strategy).read_text(encoding="utf-8")
    return strategy


def _decimal(value: Amount) -> Decimal:
    """The decimal that Python prints for the number."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _moment_us(moment: Moment | None) -> int | None:
    """UTC µs; a time without a zone is UTC."""
    if moment is None:
        return None
    found = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
    zoned = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return (zoned - EPOCH) // timedelta(microseconds=1)
