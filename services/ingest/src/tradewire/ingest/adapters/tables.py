"""Files of rows, CSV, Parquet or Feather, as CSV text."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tradewire.ports.errors import FatalError
from tradewire.trading.bars_csv import text_of
from tradewire.trading.candle_files import ENDINGS


def read_table(path: Path) -> str:
    """The file as CSV text; floats of a Parquet or Feather file as their shortest exact decimals. Raises FatalError."""
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path).write_csv(float_scientific=False)
        if path.suffix in (".feather", ".arrow"):
            return pl.read_ipc(path).write_csv(float_scientific=False)
        return text_of(path.read_bytes())
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise FatalError(f"{path}: can't be read: {error}") from error


def beside(candles: Path, kind: str) -> Path | None:
    """``<candles>.<kind>`` with one of these endings in the same folder, if there is one."""
    names = (candles.with_name(f"{candles.stem}.{kind}{ending}") for ending in ENDINGS)
    return next((path for path in names if path.exists()), None)
