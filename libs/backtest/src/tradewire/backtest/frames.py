"""Between data frames and the files and rows that research works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import polars as pl

from tradewire.backtest.data import MarketDataError
from tradewire.backtest.data.files import Word
from tradewire.backtest.data.sources import FrameSource
from tradewire.trading.columns import TIME_NAMES, plain_names

Frame: TypeAlias = pd.DataFrame | pl.DataFrame
Data: TypeAlias = Frame | Mapping[str, Frame] | str | Path | Sequence[str | Path]
"""One symbol's frame, frames by symbol (its name at the venue or at ccxt), files: a path, SYMBOL=PATH, or a folder."""
TIME_SUFFIX = "_us"


def words_of(data: Data | None, what: str, symbols: Sequence[str]) -> tuple[Word, ...]:
    """Files and frames as `MarketFiles` takes them; ``what`` names them in errors.

    Raises: ValueError for what is neither, or one frame for several symbols; MarketDataError for a frame with a name
    twice.
    """
    if data is None:
        return ()
    if isinstance(data, str | Path):
        return (data,)
    if isinstance(data, Mapping):
        return tuple(_source(str(symbol), frame, what) for symbol, frame in data.items())
    if isinstance(data, pd.DataFrame | pl.DataFrame):
        if len(symbols) != 1:
            raise ValueError(f"{what}: found one frame, allowed one by symbol: {', '.join(symbols)}")
        return (_source(symbols[0], data, what),)
    if isinstance(data, Sequence):
        return tuple(_path(one, what) for one in data)
    kind = type(data).__name__
    raise ValueError(f"{what}: found {kind}, allowed a pandas or polars frame, frames by symbol, or files")


def _path(word: object, what: str) -> str | Path:
    if isinstance(word, str | Path):
        return word
    kind = "a frame" if isinstance(word, pd.DataFrame | pl.DataFrame) else repr(word)
    raise ValueError(f"{what}: found {kind} in a list, allowed paths; frames go by symbol, {{'BTCUSDT': frame}}")


def _source(symbol: str, frame: Frame, what: str) -> FrameSource:
    if not isinstance(frame, pd.DataFrame | pl.DataFrame):
        kind = type(frame).__name__
        raise ValueError(f"{what} of {symbol}: found {kind}, allowed a pandas or polars frame")
    source = FrameSource(symbol, pl.DataFrame(), what)
    return FrameSource(symbol, polars_of(frame, str(source)), what)


def polars_of(frame: Frame, source: str = "the frame") -> pl.DataFrame:
    """The frame in polars; an index of times of a pandas frame becomes the column ``open_time``: moments, periods,
    which begin with their bar, or texts.

    Raises MarketDataError for a pandas frame with one column name twice, or with several levels of names.
    """
    if isinstance(frame, pl.DataFrame):
        return frame
    if frame.columns.nlevels > 1:
        allowed = "one level: frame.columns = frame.columns.get_level_values(0), or frame[symbol]"
        raise MarketDataError(
            source, field="columns", found=f"{frame.columns.nlevels} levels of names", allowed=allowed
        )
    if _tells_times(frame.index) and not set(plain_names(list(map(str, frame)))) & set(TIME_NAMES):
        frame = frame.rename_axis("open_time").reset_index()
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        allowed = "each name once: drop or rename one"
        raise MarketDataError(source, field="columns", found=f"{', '.join(twice)} twice", allowed=allowed)
    return pl.DataFrame({name: _series(frame.iloc[:, place]) for place, name in enumerate(names)})


def _tells_times(index: pd.Index[Any]) -> bool:
    return isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) or pd.api.types.is_string_dtype(index)


def _series(column: pd.Series[Any]) -> pl.Series:
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp(how="start")
    if pd.api.types.is_datetime64_any_dtype(column):
        zone = getattr(column.dtype, "tz", None)
        plain = column.dt.tz_convert("UTC") if zone is not None else column
        counts = plain.dt.as_unit("us").astype("int64").to_numpy()
        return pl.Series(counts).cast(pl.Datetime("us", None if zone is None else "UTC"))
    return pl.Series(column.to_list(), strict=False)


def table_of(rows: Sequence[Any], kind: type[Any]) -> pd.DataFrame:
    """Rows of a dataclass as a table: decimals as floats, ``*_us`` columns as times in UTC, enumerations as text."""
    columns = {}
    for field in fields(kind):
        values = [getattr(row, field.name) for row in rows]
        if field.name.endswith(TIME_SUFFIX):
            times = pd.array(values, dtype="Int64")
            columns[field.name.removesuffix(TIME_SUFFIX)] = pd.to_datetime(times, unit="us", utc=True)
        elif values and isinstance(values[0], Decimal):
            columns[field.name] = [float(value) for value in values]
        else:
            columns[field.name] = [str(value) for value in values]
    return pd.DataFrame(columns)
