"""Frames as libraries write them: the names that an index and three levels of columns get are understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewire.backtest.data import MarketDataError
from tradewire.backtest.data.inspection import inspect_file

from .wild import HOURS, ISO, frame, parquet, text

YFINANCE = "Price,Open,High,Low,Close,Volume\nTicker,{0},{1},{0},{0},{0}\nDatetime,,,,,"


def test_a_parquet_file_with_an_index_without_a_name_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(parquet(frame().set_index("open_time").rename_axis(None)))
    found = inspect_file(path)
    assert found.candles is not None
    assert len(found.candles.open_time_us) == len(HOURS)
    assert "is the index of a frame" in " ".join(found.candles.notes)


@pytest.mark.parametrize(("other", "taken"), [("A", True), ("B", False)])
def test_three_rows_of_names_are_taken_where_they_are_of_one_symbol(tmp_path: Path, other: str, taken: bool) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text(ISO, YFINANCE.format("A", other)))
    try:
        found = inspect_file(path).candles is not None
    except MarketDataError:
        found = False
    assert found is taken
