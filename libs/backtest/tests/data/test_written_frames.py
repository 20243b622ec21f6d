"""Frames as libraries write them: the names that an index and three levels of columns get are understood."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tradewire.backtest.data import MarketDataError
from tradewire.backtest.data.inspection import inspect_file, inspect_table
from tradewire.backtest.frames import polars_of

from .wild import HOURS, ISO, frame, ms, parquet, text

YFINANCE = "Price,Open,High,Low,Close,Volume\nTicker,{0},{1},{0},{0},{0}\nDatetime,,,,,"


def test_a_parquet_file_with_an_index_without_a_name_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(parquet(frame().set_index("open_time").rename_axis(None)))
    found = inspect_file(path)
    assert found.candles is not None
    assert len(found.candles.open_time_us) == len(HOURS)
    assert "is the index of a frame" in " ".join(found.candles.notes)


INDEXES = {
    "periods": pd.PeriodIndex([hour.replace(tzinfo=None) for hour in HOURS], freq="h"),
    "texts": pd.Index([f"{text}Z" for text in ISO]),
    "moments": pd.DatetimeIndex(HOURS),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_an_index_that_tells_times_is_read_as_open_times(kind: str) -> None:
    table = polars_of(frame().drop(columns="open_time").set_axis(INDEXES[kind], axis=0))
    found = inspect_table(table)
    assert found.candles is not None
    assert found.candles.open_time_us.tolist() == [ms(hour) * 1000 for hour in HOURS]
    assert polars_of(frame().assign(open_time=INDEXES[kind]))["open_time"].len() == len(HOURS)


@pytest.mark.parametrize(("other", "taken"), [("A", True), ("B", False)])
def test_three_rows_of_names_are_taken_where_they_are_of_one_symbol(tmp_path: Path, other: str, taken: bool) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text(ISO, YFINANCE.format("A", other)))
    try:
        found = inspect_file(path).candles is not None
    except MarketDataError:
        found = False
    assert found is taken
