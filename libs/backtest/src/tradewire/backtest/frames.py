"""Between data frames and the files and rows that research works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import polars as pl

from tradewire.trading.bars_csv import TIME_NAMES

Frame: TypeAlias = pd.DataFrame | pl.DataFrame
Data: TypeAlias = Frame | Mapping[str, Frame] | str | Path | Sequence[str | Path]
"""One symbol's frame, frames by symbol, or files: a path, SYMBOL=PATH each, or a folder."""
TIME_SUFFIX = "_us"


class Frames:
    """Puts frames down as Parquet files, so that they pass the same checks as any file."""

    def __init__(self, folder: Path, symbols: Sequence[str]) -> None:
        self._folder, self._symbols = folder, symbols

    def files(self, data: Data | None, what: str) -> tuple[str | Path, ...]:
        """Files as `MarketFiles` takes them. Raises: ValueError when one frame is given for several symbols."""
        if data is None:
            return ()
        if isinstance(data, str | Path):
            return (data,)
        if isinstance(data, Mapping):
            return tuple(self._written(symbol, frame, what) for symbol, frame in data.items())
        if isinstance(data, Sequence):
            return tuple(data)
        if len(self._symbols) != 1:
            raise ValueError(f"{what}: found one frame, allowed one by symbol: {', '.join(self._symbols)}")
        return (self._written(self._symbols[0], data, what),)

    def _written(self, symbol: str, frame: Frame, what: str) -> str:
        path = self._folder / f"{what}-{symbol}.parquet"
        polars_of(frame).write_parquet(path)
        return f"{symbol}={path}"


def polars_of(frame: Frame) -> pl.DataFrame:
    """The frame in polars; a pandas DatetimeIndex becomes the column ``open_time``, a time without a zone is UTC."""
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame.index, pd.DatetimeIndex) and not {str(name).lower() for name in frame} & set(TIME_NAMES):
        frame = frame.rename_axis("open_time").reset_index()
    return pl.DataFrame({str(name): _series(frame[name]) for name in frame})


def _series(column: pd.Series[Any]) -> pl.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        units = pd.to_datetime(column, utc=True).dt.as_unit("us").astype("int64")
        return pl.Series(units.to_numpy()).cast(pl.Datetime("us", "UTC"))
    return pl.Series(column.to_list())


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
