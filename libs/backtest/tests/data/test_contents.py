"""Packed files: what is in them reads as if it lay there unpacked; what is damaged or not one file is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tradewire.backtest.data import MarketDataError, MarketFiles, inspect_file, load_candles, load_markets
from tradewire.backtest.data.marks_funding import read_funding
from tradewire.trading.language import compile_strategy, parse_strategy

FIRST_MS = 1_571_302_800_000  # 2019-10-17 09:00
HOUR_MS = 3_600_000
ROWS = [f"{FIRST_MS + n * HOUR_MS},{8000 + n},{8010 + n},{7990 + n},{8005 + n},{n}.5" for n in range(5)]
CSV = "\n".join(["open_time,open,high,low,close,volume", *ROWS, ""]).encode()
STRATEGY = """\
id: any
venue: binance
account: main
symbols: [BTCUSDT]
interval: 1h
entry_long: close > open
exit_long: close < open
sizing: {fraction_of_equity: 0.5}
"""


def zipped(*members: tuple[str, bytes]) -> bytes:
    """An archive of these members, compressed as Binance's are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def parquet() -> bytes:
    buffer = io.BytesIO()
    pl.read_csv(CSV).write_parquet(buffer)
    return buffer.getvalue()


PACKED: dict[str, Callable[[], bytes]] = {
    "bars.csv.gz": lambda: gzip.compress(CSV),
    "bars.parquet.gz": lambda: gzip.compress(parquet()),
    "two-streams.csv.gz": lambda: gzip.compress(CSV[:70]) + gzip.compress(CSV[70:]),
    "BTCUSDT-1h-2019-10.zip": lambda: zipped(("BTCUSDT-1h-2019-10.csv", CSV)),
    "in-a-folder.zip": lambda: zipped(("spot/", b""), ("spot/BTCUSDT-1h.csv", CSV)),
    "parquet.zip": lambda: zipped(("bars.parquet", parquet())),
    "no-telling-name": lambda: gzip.compress(CSV),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_candles_load_to_the_same_bars(name: str, tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.csv", tmp_path / name
    plain.write_bytes(CSV)
    packed.write_bytes(PACKED[name]())

    expected, found = load_candles(plain), load_candles(packed)

    assert found.open_time_us.tolist() == expected.open_time_us.tolist()
    assert [column.tolist() for column in found.columns] == [column.tolist() for column in expected.columns]
    assert inspect_file(packed) == inspect_file(plain)


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "cut.csv.gz": (lambda: gzip.compress(CSV)[:-12], "damaged packing"),
    "altered.csv.gz": (lambda: gzip.compress(CSV)[:-8] + bytes(8), "damaged packing"),
    "cut.csv.bz2": (lambda: bz2.compress(CSV)[:-12], "damaged packing"),
    "altered.csv.bz2": (lambda: bz2.compress(CSV)[:20] + bytes(8) + bz2.compress(CSV)[28:], "damaged packing"),
    "no-more-than-its-mark.csv.bz2": (lambda: b"BZh" + bytes(20), "damaged packing"),
    "cut.csv.xz": (lambda: lzma.compress(CSV)[:-12], "damaged packing"),
    "altered.csv.xz": (lambda: lzma.compress(CSV)[:30] + bytes(8) + lzma.compress(CSV)[38:], "damaged packing"),
    "cut.zip": (lambda: zipped(("a.csv", CSV))[:-30], "damaged packing"),
    "two.zip": (lambda: zipped(("a.csv", CSV), ("b.csv", CSV)), "found a.csv, b.csv, allowed one file"),
    "folder-only.zip": (lambda: zipped(("a/", b"")), "found no file, allowed one file"),
    "inside.zip": (lambda: zipped(("a.csv", CSV.replace(b"8003", b"x"))), "row 5"),
}


@pytest.mark.parametrize("name", BAD)
def test_packing_that_is_damaged_or_not_one_file_is_refused(name: str, tmp_path: Path) -> None:
    make, said = BAD[name]
    (tmp_path / name).write_bytes(make())

    assert not inspect_file(tmp_path / name).valid
    with pytest.raises(MarketDataError, match=said):
        load_candles(tmp_path / name)


def test_marks_and_funding_are_unpacked_too(tmp_path: Path) -> None:
    marks, funding = tmp_path / "marks.zip", tmp_path / "funding.csv.gz"
    marks.write_bytes(zipped(("marks.csv", b"\n".join(row.rpartition(b",")[0] for row in CSV.split()))))
    funding.write_bytes(gzip.compress(f"calc_time,last_funding_rate\n{FIRST_MS},0.0001\n".encode()))

    times, rates = read_funding(funding)

    assert (times.tolist(), rates.tolist()) == ([FIRST_MS * 1000], [0.0001])
    assert len(load_candles(marks)) == 5


def test_a_folder_of_archives_gives_each_symbol_its_own(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-1h-2019-10.zip").write_bytes(zipped(("BTCUSDT-1h-2019-10.csv", CSV)))
    (tmp_path / "BTCUSDT-1h-2019-10.zip.CHECKSUM").write_text("0 BTCUSDT-1h-2019-10.zip\n")

    (market,) = load_markets(compile_strategy(parse_strategy(STRATEGY)), MarketFiles([tmp_path]))

    assert (market.symbol, len(market)) == ("BTCUSDT", 5)
