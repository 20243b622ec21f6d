"""Candles, marks and funding say the same in every kind of file, and times without a zone are of the zone told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from shutil import copy

import polars as pl
import pytest
from pydantic import ValidationError

from tradewire.ingest.adapters.csv import CsvMarketData
from tradewire.ingest.settings import Settings
from tradewire.ports.events import CandleClosed
from tradewire.runtime.clock import SystemClock
from tradewire.trading.times import zone_of

SAMPLE = Path(__file__).parents[3] / "data/sample"
STEM = "coinbase-BTCUSD-1h"
TIMES = [f"2017-07-01 {hour:02}:00:00" for hour in range(4)]
CANDLES = "open_time,open,high,low,close,volume"


async def candles(folder: Path, zone: str = "UTC") -> list[CandleClosed]:
    source = CsvMarketData(folder, SAMPLE / "instruments.yaml", SystemClock(), zone=zone_of(zone))
    return [event async for event in source.events({}) if isinstance(event, CandleClosed)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Candles, marks and funding as text, with times that name no zone."""
    rows = [f"{time},100,110,90,{101 + n},5" for n, time in enumerate(TIMES)]
    (tmp_path / f"{STEM}.csv").write_text("\n".join([CANDLES, *rows]))
    marks = [row.rsplit(",", 1)[0] for row in rows]
    (tmp_path / f"{STEM}.mark.csv").write_text("\n".join([CANDLES.rsplit(",", 1)[0], *marks]))
    (tmp_path / f"{STEM}.funding.csv").write_text(f"funding_time,funding_rate\n{TIMES[2]},0.0001\n")
    return tmp_path


def frames_of(folder: Path) -> dict[str, pl.DataFrame]:
    """The files as frames whose times are moments that name no zone."""
    found = {}
    for path in folder.glob("*.csv"):
        frame = pl.read_csv(path)
        time = pl.col(frame.columns[0]).str.to_datetime("%Y-%m-%d %H:%M:%S")
        found[path.stem] = frame.with_columns(time).cast(dict.fromkeys(frame.columns[1:], pl.Float64))
    return found


@pytest.mark.parametrize("ending", ["parquet", "feather", "arrow"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
async def test_every_kind_of_file_says_the_same(folder: Path, tmp_path: Path, ending: str, zone: str) -> None:
    other = tmp_path / ending
    other.mkdir()
    copy(SAMPLE / "instruments.yaml", other)
    for stem, frame in frames_of(folder).items():
        path = other / f"{stem}.{ending}"
        frame.write_parquet(path) if ending == "parquet" else frame.write_ipc(path)

    assert await candles(other, zone) == await candles(folder, zone)


async def test_times_that_name_no_zone_are_of_the_zone_told(folder: Path) -> None:
    plain, berlin = await candles(folder), await candles(folder, "Europe/Berlin")

    two_hours_us = timedelta(hours=2) // timedelta(microseconds=1)
    assert [bar.open_time_us for bar in berlin] == [bar.open_time_us - two_hours_us for bar in plain]
    assert [bar.mark_close for bar in berlin] == [bar.mark_close for bar in plain] == [101, 102, 103, 104]
    assert [bar.funding_rate for bar in berlin] == [bar.funding_rate for bar in plain]
    assert sum(bar.funding_rate is not None for bar in berlin) == 1


def test_a_zone_that_there_is_not_is_refused_in_words() -> None:
    assert Settings(bus_url="memory:", market_tz="Asia/Tokyo").market_tz == "Asia/Tokyo"
    with pytest.raises(ValidationError, match="allowed a name of the time zone database"):
        Settings(bus_url="memory:", market_tz="Tokyo")
