"""Candles written to files that read back equal."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from errno import EIO
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tradewire.backtest.data.candles import Candles
from tradewire.backtest.digits import plain
from tradewire.backtest.whole_file import whole_file

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

_NAMES = ("open", "high", "low", "close", "volume")


def write_candles(candles: Candles, path: Path, volumes: Sequence[Decimal] = ()) -> None:
    """Write CSV or, by the suffix ``.parquet``, Parquet: open_time (ms), open, high, low, close and, where there is one
    that can be used, volume.

    ``volumes``: the candles' as exact decimals, which CSV then has; Parquet has floats.

    The file appears whole or not at all. Raises OSError.
    """
    columns = dict(zip(_NAMES, candles.columns, strict=True))
    if candles.unfit_volume:
        del columns["volume"]
    table = pl.DataFrame({"open_time": candles.open_time_us // 1000, **columns})
    if volumes and "volume" in columns and path.suffix != ".parquet":
        table = table.with_columns(volume=pl.Series([plain(volume) for volume in volumes], dtype=pl.String))
    write_table(table, path)


def write_series(open_time_us: IntArray, series: Mapping[str, FloatArray], path: Path) -> None:
    """Write ``open_time`` (ms) and a column for each series of the same shape; as ``write_table``."""
    write_table(pl.DataFrame({"open_time": open_time_us // 1000, **series}), path)


def write_parquet(table: pl.DataFrame, path: Path) -> None:
    """Write Parquet (zstd). Raises OSError, for a full disk too, which polars tells otherwise."""
    try:
        table.write_parquet(path, compression="zstd")
    except pl.exceptions.ComputeError as error:
        raise OSError(EIO, str(error)) from error


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write CSV or, by the suffix ``.parquet``, Parquet (zstd); NaN and null are empty in CSV.

    The file appears whole or not at all. Raises OSError.
    """
    with whole_file(path) as part:
        if path.suffix == ".parquet":
            write_parquet(table, part)
        else:
            table.fill_nan(None).write_csv(part)
        with part.open("rb") as written:
            os.fsync(written.fileno())
