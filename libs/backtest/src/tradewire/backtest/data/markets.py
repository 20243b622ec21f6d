"""The histories that a strategy is run over, from files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import numpy as np

from tradewire.backtest.data.candles import Candles
from tradewire.backtest.data.errors import MarketDataError, iso_of
from tradewire.backtest.data.files import MarketFiles, Word, files_by_symbol
from tradewire.backtest.data.inspection import candles_of, inspect_file, load_candles
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
from tradewire.backtest.data.marks_funding import funding_beside, marks_beside, read_funding, uncovered
from tradewire.backtest.data.paths import path_inside
from tradewire.backtest.data.reading import Reading
from tradewire.backtest.data.rounding import rounded_to_tick
from tradewire.backtest.data.sources import Source
from tradewire.ports.backtest import EarlierBars, MarketHistory, MarkHistory, PathHistory
from tradewire.ports.events import InstrumentChanged, LeverageBracket

Files = tuple[Source, ...]
"""The files or frames of one series: at least one, in any order."""

_NAMED = 3
"""Symbols that a remark names."""
INSTEAD = {
    "--mark": "the last price stands in for the mark",
    "--funding": "no funding is paid",
    "--path-data": "its bars are walked without finer candles",
}
"""What holds where an option names files of other symbols alone."""


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

    A symbol that no instruments file tells of has an assumed instrument; ``assumptions`` tells all of such; ``remarks``
    what was taken for what, and which symbols have no bar in the span. Raises MarketDataError: a file is missing or not
    fit, its interval is not the strategy's, it has no volume where one is read, or no symbol has a bar in the span;
    OSError.
    """
    hints = (strategy.interval, strategy.venue)
    data = files_by_symbol(files.data, strategy.symbols, hints, what="--data")
    marks = _of_some(files.mark, strategy.symbols, hints, "--mark")
    funding = _of_some(files.funding, strategy.symbols, hints[1:], "--funding")
    paths = _of_some(files.path, strategy.symbols, hints[1:], "--path-data")
    brackets = read_brackets(files.brackets, strategy.symbols) if files.brackets else {}
    read = cache(read_instruments)  # thousands of symbols share one file
    markets, absent = [], {}
    for symbol in strategy.symbols:
        reading = replace(files.reading, symbol=symbol)
        whole = _candles(data[symbol], strategy.interval, replace(files, reading=reading))
        told = _instruments(strategy, symbol, _told_by(files.instruments, data[symbol][0], read), whole)
        versions = told or (assumed_instrument(strategy.venue, symbol, whole),)
        if files.reading.rounded:
            whole = rounded_to_tick(whole, versions[0].tick_size, str(data[symbol][0]))
        candles, earlier = _span(whole, start_us, end_us)
        beside = (marks.get(symbol), funding.get(symbol)) if len(candles) else (None, None)
        market = _market(candles, _tiered(versions, brackets), beside, reading)
        if len(candles):
            lacking = _lacking(symbol, {"--mark": marks, "--funding": funding, "--path-data": paths})
            said = (*candles.remarks(), *market.remarks, *lacking)
            market = _with_path(market, candles, (paths.get(symbol), beside[0]), reading)
        else:
            absent[symbol] = _extent(whole)
            said = (f"no data in this span, so it is not traded: {absent[symbol]}",)
        markets.append(replace(market, earlier=earlier, remarks=said, assumed=not told))
    if len(absent) == len(markets):
        raise _no_bars(absent, data, (start_us, end_us))
    return tuple(markets)


def _of_some(
    words: Sequence[Word], symbols: Sequence[str], hints: Sequence[str], what: str
) -> dict[str, tuple[Source, ...]]:
    """The files of an option by symbol, of those that have one; of at least one where the option was given."""
    return files_by_symbol(words, symbols, hints, what=what, every=False) if words else {}


def _lacking(symbol: str, given: Mapping[str, Mapping[str, Files]]) -> Iterator[str]:
    """What stands in for a file that an option names for other symbols, and not for this one."""
    return (
        f"{what} names no file of it: {INSTEAD[what]}" for what, files in given.items() if files and symbol not in files
    )


def remarks(markets: Sequence[MarketHistory]) -> tuple[str, ...]:
    """What was taken for what in the files of the markets, in sentences; one that holds for several names them all."""
    said: dict[str, list[str]] = {}
    for market in markets:
        for remark in market.remarks:
            said.setdefault(remark, []).append(market.symbol)
    return tuple(f"{_named(symbols)}: {remark}" for remark, symbols in said.items())


def _named(symbols: Sequence[str]) -> str:
    more = f" and {len(symbols) - _NAMED:,} more" if len(symbols) > _NAMED else ""
    return ", ".join(symbols[:_NAMED]) + more


def assumptions(markets: Sequence[MarketHistory]) -> tuple[str, ...]:
    """A sentence for each market whose instrument was assumed."""
    return tuple(assumption(market.instrument) for market in markets if market.assumed)


def _candles(sources: Files, interval: str, files: MarketFiles) -> Candles:
    """All bars of the files. Raises MarketDataError, also where a volume is read and there is none fit for it."""
    candles = joined_candles(sources, partial(_of_interval, interval=interval, files=files))
    if candles.unfit_volume and files.volume_reader:
        allowed = f"a volume in every row, for {files.volume_reader}"
        raise MarketDataError(str(sources[0]), field="volume", found=candles.unfit_volume, allowed=allowed)
    return candles


def _span(candles: Candles, start_us: int | None, end_us: int | None) -> tuple[Candles, EarlierBars | None]:
    """The bars inside the span, which may be none, and those before it."""
    first = 0 if start_us is None else int(np.searchsorted(candles.open_time_us, start_us))
    last = len(candles) if end_us is None else int(np.searchsorted(candles.open_time_us, end_us))
    inside = candles if last - first == len(candles) else candles.part(slice(first, max(first, last)))
    if not first:
        return inside, None
    before = candles.part(slice(0, first))
    return inside, EarlierBars(before.open_time_us, *before.columns)


def _extent(candles: Candles) -> str:
    first, last = iso_of(int(candles.open_time_us[0])), iso_of(int(candles.open_time_us[-1]))
    return f"its bars open from {first} to {last}"


def _no_bars(
    absent: Mapping[str, str], data: Mapping[str, Files], span_us: tuple[int | None, int | None]
) -> MarketDataError:
    """The error of a span in which no symbol has a bar; ``absent``: where the bars of each lie."""
    begin, end = (None if at is None else iso_of(at) for at in span_us)
    span = " ".join([*([f"from {begin}"] if begin else []), *([f"to before {end}"] if end else [])])
    named = list(absent)[:_NAMED]
    more = f"; and {len(absent) - _NAMED:,} more" if len(absent) > _NAMED else ""
    allowed = "; ".join(f"{symbol}: {absent[symbol]}" for symbol in named)
    source = str(data[named[0]][0])
    found = f"no bar of any market in the span asked for, {span}"
    return MarketDataError(source, field="open_time", found=found, allowed=f"a span with bars ({allowed}{more})")


def _of_interval(source: Source, interval: str, files: MarketFiles) -> Candles:
    """The file's bars, of the interval told. Raises MarketDataError."""
    inspection = inspect_file(source, reading=files.reading)
    if inspection.interval is None and inspection.valid:
        inspection = inspect_file(source, interval, files.reading)
    candles = candles_of(inspection, str(source), any_volume=not files.volume_reader)
    if candles.interval != interval:
        raise MarketDataError(
            str(source), field="interval", found=f"bars of {candles.interval}", allowed=f"the strategy's {interval}"
        )
    return candles


def _told_by(named: Path | None, data: Source, read: Callable[[Path], Versions]) -> tuple[Path | None, Versions]:
    """The instruments file named, None for none, and the instruments: its own, or those of the one beside candles."""
    beside = data.parent / BESIDE if isinstance(data, Path) else None
    return named, read(named) if named else read(beside) if beside and beside.exists() else {}


def _instruments(
    strategy: Traded, symbol: str, told: tuple[Path | None, Versions], candles: Candles
) -> tuple[InstrumentChanged, ...]:
    """The instrument's versions by the file ``told``; none where a file beside the data does not tell of it."""
    named, known = told
    first_us, end_us = int(candles.open_time_us[0]), int(candles.open_time_us[-1]) + candles.interval_us
    own = told_instruments(known.get((strategy.venue, symbol), ()), strategy.interval, first_us, end_us)
    if not own and named:
        found = ", ".join(":".join(key) for key in known)
        raise MarketDataError(str(named), field="instruments", found=found, allowed=f"{strategy.venue}:{symbol}")
    return own


def _tiered(
    versions: tuple[InstrumentChanged, ...], brackets: Mapping[str, tuple[LeverageBracket, ...]]
) -> tuple[InstrumentChanged, ...]:
    own = brackets.get(versions[0].symbol)
    return versions if own is None else tuple(one.model_copy(update={"brackets": own}) for one in versions)


def _market(
    candles: Candles,
    versions: tuple[InstrumentChanged, ...],
    beside: tuple[Files | None, Files | None],
    reading: Reading,
) -> MarketHistory:
    """The market with the marks and the funding of files ``beside``."""
    marks, funding = beside
    mark = None if marks is None else _marks(candles, marks, reading)
    settled = None if funding is None else joined_settlements(funding, partial(read_funding, reading=reading))
    return MarketHistory(
        versions[0],
        candles.interval,
        candles.open_time_us,
        *candles.columns,
        mark=mark,
        funding_rate=None if settled is None else funding_beside(candles, *settled),
        later_instruments=versions[1:],
        remarks=tuple(uncovered(candles, mark, None if settled is None else settled[0])),
    )


def _with_path(
    market: MarketHistory, candles: Candles, finer: tuple[Files | None, Files | None], reading: Reading
) -> MarketHistory:
    """The market with the finer candles of files, and of marks. Raises MarketDataError."""
    path, marks = finer
    if path is None:
        return market
    inside = path_inside(candles, joined_candles(path, partial(load_candles, reading=reading)), str(path[0]))
    mark = None if marks is None else _marks(inside, marks, reading)
    return replace(market, path=PathHistory(inside.interval, inside.open_time_us, *inside.columns, mark))


def _marks(candles: Candles, marks: Files, reading: Reading) -> MarkHistory:
    """The marks of files over the bars. Raises MarketDataError."""
    return marks_beside(candles, joined_candles(marks, partial(load_candles, reading=reading)), str(marks[0]))
