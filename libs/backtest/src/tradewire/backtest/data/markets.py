"""The histories that a strategy is run over, from files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import numpy as np

from tradewire.backtest.data.errors import MarketDataError, iso_of
from tradewire.backtest.data.files import MarketFiles, files_by_symbol
from tradewire.backtest.data.inspection import Candles, candles_of, inspect_file, load_candles
from tradewire.backtest.data.instruments import (
    BESIDE,
    Versions,
    assumed_instrument,
    assumption,
    read_brackets,
    read_instruments,
    told_instruments,
)
from tradewire.backtest.data.joining import joined_candles, joined_settlements
from tradewire.backtest.data.marks_funding import funding_beside, marks_beside, read_funding, read_marks
from tradewire.backtest.data.paths import path_inside
from tradewire.ports.backtest import EarlierBars, MarketHistory, MarkHistory, PathHistory
from tradewire.ports.events import InstrumentChanged, LeverageBracket

Files = tuple[Path, ...]
"""The files of one series: at least one, in any order."""


class Traded(Protocol):
    """What a strategy tells of the markets that it wants; ``CompiledStrategy`` does."""

    @property
    def venue(self) -> str:
        """The venue's id."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The venue's own symbols."""

    @property
    def interval(self) -> str:
        """Of the bars, as ``1h``."""


def load_markets(
    strategy: Traded, files: MarketFiles, *, start_us: int | None = None, end_us: int | None = None
) -> tuple[MarketHistory, ...]:
    """The history of each of the strategy's symbols, in its order, open times from ``start_us`` up to before
    ``end_us`` (µs since the epoch). Indicators warm up on the bars that the files have before ``start_us``.

    A symbol that no instruments file tells of has an assumed instrument; ``assumptions`` tells all of such. Raises
    MarketDataError: a file is missing or not fit, its interval is not the strategy's, or no bar lies
    in the span; OSError.
    """
    hints = (strategy.interval, strategy.venue)
    data = files_by_symbol(files.data, strategy.symbols, hints, what="--data")
    marks = files_by_symbol(files.mark, strategy.symbols, hints, what="--mark") if files.mark else {}
    funding = files_by_symbol(files.funding, strategy.symbols, hints[1:], what="--funding") if files.funding else {}
    paths = files_by_symbol(files.path, strategy.symbols, hints[1:], what="--path-data") if files.path else {}
    brackets = read_brackets(files.brackets, strategy.symbols) if files.brackets else {}
    read = cache(read_instruments)  # thousands of symbols share one file
    markets = []
    for symbol in strategy.symbols:
        candles, earlier = _candles(data[symbol], strategy.interval, start_us, end_us)
        versions = _instruments(strategy, symbol, _told_by(files.instruments, data[symbol][0], read), candles)
        market = _market(candles, _tiered(versions, brackets), marks.get(symbol), funding.get(symbol))
        markets.append(_with_path(replace(market, earlier=earlier), candles, paths.get(symbol), marks.get(symbol)))
    return tuple(markets)


def assumptions(markets: Sequence[MarketHistory]) -> tuple[str, ...]:
    """A sentence for each market whose instrument was assumed."""
    return tuple(
        assumption(market.instrument)
        for market in markets
        if market.instrument.model_copy(update={"brackets": ()})
        == assumed_instrument(market.instrument.venue, market.symbol, _bars_of(market)).model_copy(
            update={"brackets": ()}
        )
    )


def _candles(
    paths: Files, interval: str, start_us: int | None, end_us: int | None
) -> tuple[Candles, EarlierBars | None]:
    """The files' bars inside the span, and those before it. Raises MarketDataError."""
    candles = joined_candles(paths, partial(_of_interval, interval=interval))
    first = 0 if start_us is None else int(np.searchsorted(candles.open_time_us, start_us))
    last = len(candles) if end_us is None else int(np.searchsorted(candles.open_time_us, end_us))
    if first >= last:
        span = f"{iso_of(int(candles.open_time_us[0]))} to {iso_of(int(candles.open_time_us[-1]))}"
        raise MarketDataError(str(paths[0]), field="open_time", found="no bar in the span asked for", allowed=span)
    inside = candles if last - first == len(candles) else candles.part(slice(first, last))
    if not first:
        return inside, None
    before = candles.part(slice(0, first))
    return inside, EarlierBars(before.open_time_us, *before.columns)


def _of_interval(path: Path, interval: str) -> Candles:
    """The file's bars, of the interval told. Raises MarketDataError."""
    inspection = inspect_file(path)
    if inspection.interval is None and inspection.valid:
        inspection = inspect_file(path, interval)
    candles = candles_of(inspection, str(path))
    if candles.interval != interval:
        raise MarketDataError(
            str(path), field="interval", found=f"bars of {candles.interval}", allowed=f"the strategy's {interval}"
        )
    return candles


def _told_by(named: Path | None, data: Path, read: Callable[[Path], Versions]) -> tuple[Path | None, Versions]:
    """The instruments file named, None for none, and the instruments: its own, or those of the one beside candles."""
    beside = data.parent / BESIDE
    return named, read(named) if named else read(beside) if beside.exists() else {}


def _instruments(
    strategy: Traded, symbol: str, told: tuple[Path | None, Versions], candles: Candles
) -> tuple[InstrumentChanged, ...]:
    """The instrument's versions by the file ``told``, or, where none was named, the assumed one."""
    named, known = told
    first_us, end_us = int(candles.open_time_us[0]), int(candles.open_time_us[-1]) + candles.interval_us
    own = told_instruments(known.get((strategy.venue, symbol), ()), strategy.interval, first_us, end_us)
    if not own and named:
        found = ", ".join(":".join(key) for key in known)
        raise MarketDataError(str(named), field="instruments", found=found, allowed=f"{strategy.venue}:{symbol}")
    return own or (assumed_instrument(strategy.venue, symbol, candles),)


def _tiered(
    versions: tuple[InstrumentChanged, ...], brackets: Mapping[str, tuple[LeverageBracket, ...]]
) -> tuple[InstrumentChanged, ...]:
    own = brackets.get(versions[0].symbol)
    return versions if own is None else tuple(one.model_copy(update={"brackets": own}) for one in versions)


def _market(
    candles: Candles, versions: tuple[InstrumentChanged, ...], marks: Files | None, funding: Files | None
) -> MarketHistory:
    return MarketHistory(
        versions[0],
        candles.interval,
        candles.open_time_us,
        *candles.columns,
        mark=None if marks is None else _marks(candles, marks),
        funding_rate=None if funding is None else funding_beside(candles, *joined_settlements(funding, read_funding)),
        later_instruments=versions[1:],
    )


def _with_path(market: MarketHistory, candles: Candles, path: Files | None, marks: Files | None) -> MarketHistory:
    """The market with the finer candles of files. Raises MarketDataError."""
    if path is None:
        return market
    finer = path_inside(candles, joined_candles(path, load_candles), str(path[0]))
    mark = None if marks is None else _marks(finer, marks)
    return replace(market, path=PathHistory(finer.interval, finer.open_time_us, *finer.columns, mark))


def _marks(candles: Candles, marks: Files) -> MarkHistory:
    """The marks of files over the bars. Raises MarketDataError."""
    return marks_beside(candles, joined_candles(marks, read_marks), str(marks[0]))


def _bars_of(market: MarketHistory) -> Candles:
    return Candles(
        market.interval, market.open_time_us, market.open, market.high, market.low, market.close, market.volume
    )
