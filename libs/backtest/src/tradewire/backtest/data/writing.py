"""Candles written to files that read back equal."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from tradewire.backtest.data.inspection import Candles

_NAMES = ("open", "high", "low", "close", "volume")


def write_candles(candles: Candles, path: Path) -> None:
    """Write CSV or, by the suffix ``.parquet``, Parquet: open_time (ms), open, high, low, close, volume.

    The file appears whole or not at all. Raises OSError.
    """
    columns = dict(zip(_NAMES, candles.columns, strict=True))
    write_table(pl.DataFrame({"open_time": candles.open_time_us // 1000, **columns}), path)


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write CSV or, by the suffix ``.parquet``, Parquet (zstd); NaN and null are empty in CSV.

    The file appears whole or not at all. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    if path.suffix == ".parquet":
        table.write_parquet(part, compression="zstd")
    else:
        table.fill_nan(None).write_csv(part)
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(path)
