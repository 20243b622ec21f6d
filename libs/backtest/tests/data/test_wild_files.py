"""Everyday files: taken with the bars they hold and said, or refused with the remedy, by every reader alike."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradewire.backtest.data import MarketDataError, MarketFiles, inspect_file, load_markets, remarks
from tradewire.backtest.data.reading import Reading

from .wild import DAYS, HOURS, PRICES, ms
from .wild import WILD as SIMPLE
from .wild_exports import compact, exports, investing, odd_columns

WILD = {**SIMPLE, **exports(), **compact(), **investing(), **odd_columns()}


@dataclass(frozen=True)
class Wanted:
    """What a strategy asks for."""

    interval: str
    symbols: tuple[str, ...] = ("BTCUSDT",)
    venue: str = "binance"


def put(folder: Path, name: str) -> Path:
    path = folder / WILD[name].file
    path.write_bytes(WILD[name].content)
    return path


@pytest.mark.parametrize("name", [name for name, wild in WILD.items() if not wild.refused])
def test_an_everyday_file_is_taken_and_what_was_taken_for_what_is_said(tmp_path: Path, name: str) -> None:
    wild = WILD[name]
    (market,) = load_markets(Wanted(wild.interval), MarketFiles([put(tmp_path, name)]))
    times = DAYS if wild.interval == "1d" else HOURS
    assert market.open_time_us.tolist() == [ms(time) * 1000 for time in times]
    prices = np.array([market.open, market.high, market.low, market.close])
    assert prices.T.tolist() == [[float(price) for price in row[:4]] for row in PRICES]
    assert wild.said in " ".join(remarks([market]))
    assert bool(remarks([market])) == bool(wild.said or not wild.volume)
    if wild.volume and name != "numbers: a large volume":
        assert market.volume.tolist() == [float(row[4]) for row in PRICES]


@pytest.mark.parametrize("name", [name for name, wild in WILD.items() if wild.refused])
def test_a_file_that_is_refused_says_what_to_do(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, name)
    with pytest.raises(MarketDataError) as caught:
        load_markets(Wanted(WILD[name].interval), MarketFiles([path]))
    assert str(path) in str(caught.value)
    assert WILD[name].refused in str(caught.value)


@pytest.mark.parametrize("name", WILD)
def test_the_check_of_a_file_tells_what_a_run_tells(tmp_path: Path, name: str) -> None:
    wild = WILD[name]
    found = inspect_file(put(tmp_path, name))
    assert (found.candles is None) == bool(wild.refused)
    if wild.refused:
        assert wild.refused in " ".join(f"found {e.found}, allowed {e.allowed}" for e in found.errors) or any(
            wild.refused in f"{e.field}: found {e.found}, allowed {e.allowed}" for e in found.errors
        )
    elif not wild.volume and not found.has_volume:
        assert found.valid
    elif not wild.volume:
        assert {error.field for error in found.errors} == {"volume"}


@pytest.mark.parametrize("name", [name for name, wild in WILD.items() if not wild.volume])
def test_a_volume_that_is_needed_and_not_there_is_refused(tmp_path: Path, name: str) -> None:
    files = MarketFiles([put(tmp_path, name)], volume_reader="`obv(close, volume)`")
    with pytest.raises(MarketDataError, match="volume"):
        load_markets(Wanted("1h"), files)


@pytest.mark.parametrize("name", ["numbers: a computed price", "table: Parquet, computed"])
def test_computed_prices_are_rounded_to_the_tick_when_that_is_asked_for(tmp_path: Path, name: str) -> None:
    files = MarketFiles([put(tmp_path, name)], reading=Reading(rounded=True))
    (market,) = load_markets(Wanted("1h"), files)
    assert market.low.tolist() == [float(row[2]) for row in PRICES]
    assert "rounded to the tick 0.01" in " ".join(remarks([market]))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_prices_that_are_rounded_on_the_way_in_are_counted(tmp_path: Path, form: str) -> None:
    prices = [np.float64(row[0]) / 3 for row in PRICES]
    table = pl.DataFrame({"time": [ms(time) for time in HOURS], "open": prices, "high": prices, "low": prices})
    path, table = tmp_path / f"x.{form}", table.with_columns(close=pl.col("open"), volume=pl.lit(1.0))
    table.write_csv(path) if form == "csv" else table.write_parquet(path)
    (market,) = load_markets(Wanted("1h"), MarketFiles([path], reading=Reading(rounded=True)))
    said = "rounded to the tick 0.00000001: 16 had more than 8 decimals, and after that 0 of 16 moved"
    assert said in " ".join(remarks([market]))


REMEDIES = {
    "funding": "give the file as --funding",
    "trades": "single trades: make candles of them first",
    "messages": "JSON: write it as CSV or Parquet",
    "rest": "JSON: write it as CSV or Parquet",
}


def test_recorded_candles_are_valid_and_other_recorded_files_say_what_they_are() -> None:
    shared = Path(os.environ.get("TRADEWIRE_SHARED_DATA", Path(__file__).parents[5] / "shared" / "data"))
    if not shared.is_dir():
        pytest.skip(f"no recorded data in {shared}; TRADEWIRE_SHARED_DATA names the folder")
    files = [path for path in sorted(shared.rglob("*")) if path.is_file() and path.parent != shared]
    for path in files:
        found, kind = inspect_file(path), path.relative_to(shared).parts[0]
        if kind in REMEDIES:
            (error,) = found.errors
            assert REMEDIES[kind] in f"{error.found}, {error.allowed}", path
        else:
            assert found.valid, path
            assert found.has_volume == (kind != "mark"), path
