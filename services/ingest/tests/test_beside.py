"""Marks and funding that lie beside a file of candles travel with its bars."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tradewire.ingest.adapters.csv import CsvMarketData
from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed
from tradewire.runtime.clock import SystemClock

SAMPLE = Path(__file__).parents[3] / "data/sample"
HOUR_MS = 3_600_000
START_MS = 1_498_906_800_000
CANDLES = ["open_time,open,high,low,close,volume"] + [
    f"{START_MS + n * HOUR_MS},100,110,90,{101 + n},5" for n in range(4)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "coinbase-BTCUSD-1h.csv").write_text("\n".join(CANDLES))
    (tmp_path / "instruments.yaml").write_text((SAMPLE / "instruments.yaml").read_text())
    return tmp_path


async def read(folder: Path) -> list[CandleClosed]:
    source = CsvMarketData(folder, folder / "instruments.yaml", SystemClock())
    return [event async for event in source.events({}) if isinstance(event, CandleClosed)]


async def test_candles_alone_have_neither(folder: Path) -> None:
    assert {(bar.mark_close, bar.funding_rate) for bar in await read(folder)} == {(None, None)}


async def test_mark_over_the_same_span_is_joined_and_a_missing_one_stays_missing(folder: Path) -> None:
    (folder / "coinbase-BTCUSD-1h.mark.csv").write_text(
        f"open_time,open,high,low,close\n{START_MS},100.5,111,91,101.5\n{START_MS + 2 * HOUR_MS},102,112,92,103\n"
    )

    bars = await read(folder)

    assert [bar.mark_close for bar in bars] == [Decimal("101.5"), None, Decimal(103), None]
    assert (bars[0].mark_open, bars[0].mark_high, bars[0].mark_low) == (Decimal("100.5"), Decimal(111), Decimal(91))


async def test_parquet_says_the_same_as_csv_to_the_last_digit(folder: Path, tmp_path: Path) -> None:
    name, other = "coinbase-BTCUSD-1h", tmp_path / "parquet"
    (folder / f"{name}.mark.csv").write_text(f"open_time,open,high,low,close\n{START_MS},0.1,111.7,0.00002,101.3\n")
    (folder / f"{name}.funding.csv").write_text(f"funding_time,funding_rate\n{START_MS + HOUR_MS},-0.00000123\n")
    other.mkdir()
    (other / "instruments.yaml").write_text((folder / "instruments.yaml").read_text())
    for kind in ("", ".mark", ".funding"):
        frame = pl.read_csv(folder / f"{name}{kind}.csv")
        frame.cast(dict.fromkeys(frame.columns[1:], pl.Float64)).write_parquet(other / f"{name}{kind}.parquet")

    bars = await read(other)

    assert bars == await read(folder)
    assert (bars[0].mark_low, bars[0].funding_rate) == (Decimal("0.00002"), Decimal("-0.00000123"))


async def test_a_parquet_file_that_is_none_is_refused(folder: Path) -> None:
    (folder / "coinbase-BTCUSD-1h.mark.parquet").write_text("no parquet")

    with pytest.raises(FatalError, match="can't be read"):
        await read(folder)


async def test_funding_is_settled_at_the_close_it_was_recorded_at_or_just_after(folder: Path) -> None:
    late_ms = START_MS + 2 * HOUR_MS + 16
    inside_ms = START_MS + 3 * HOUR_MS + 60_000
    twice_ms = START_MS + 4 * HOUR_MS
    (folder / "coinbase-BTCUSD-1h.funding.csv").write_text(
        f"funding_time,funding_rate\n{late_ms},0.0001\n{inside_ms},-0.00005\n{twice_ms},0.00002\n"
    )

    bars = await read(folder)

    assert [bar.funding_rate for bar in bars] == [None, Decimal("0.0001"), None, Decimal("-0.00003")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mark", f"open_time,open,high,low,close\n{START_MS},100,90,91,101\n", "row 2"),
        ("mark", "time,price\n1,2\n", "open"),
        ("funding", "time,rate\n1,2\n", "funding_time and funding_rate"),
        ("funding", f"funding_time,funding_rate\n{START_MS},lots\n", "row 2: funding_rate: found 'lots'"),
        ("funding", f"funding_time,funding_rate\n{START_MS},-3\n", "between -1 and 1"),
        ("funding", "funding_time,funding_rate\nyesterday,0.1\n", "funding_time: found 'yesterday'"),
    ],
)
async def test_what_is_no_mark_or_rate_is_told(folder: Path, name: str, text: str, message: str) -> None:
    (folder / f"coinbase-BTCUSD-1h.{name}.csv").write_text(text)

    with pytest.raises(FatalError, match=message):
        await read(folder)
