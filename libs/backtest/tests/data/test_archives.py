"""Binance's bulk archives in a folder: months, then days, checked by their sums; what lacks is named."""

from __future__ import annotations

import hashlib
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tradewire.backtest.data import MarketDataError, inspect_file
from tradewire.backtest.data.archives import Archives
from tradewire.backtest.data.fetching import FetchKind, FetchSpan, fetch
from tradewire.backtest.data.marks_funding import read_funding

HOUR_MS = 3_600_000
START = datetime(2024, 1, 1, tzinfo=UTC)
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def row(open_ms: int) -> str:
    price = 1000 + open_ms // HOUR_MS % 97
    return f"{open_ms},{price}.1,{price + 5}.0,{price - 5}.0,{price}.2,12.345,{open_ms + HOUR_MS - 1},1,1,1,1,0"


def write(path: Path, text: str) -> None:
    """A zip with one CSV, and its sum beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(path.with_suffix(".csv").name, text)
    beside = path.with_name(f"{path.name}.CHECKSUM")
    beside.write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")


def candles(path: Path, start: datetime, hours: int, *, header: bool) -> None:
    rows = [row(ms(start) + n * HOUR_MS) for n in range(hours)]
    write(path, "\n".join([HEADER, *rows] if header else rows))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """January as a month, without a header as older files are; two days of February with one between them missing."""
    um = tmp_path / "archives/data/futures/um"
    for kind in ("klines", "markPriceKlines"):
        candles(um / f"monthly/{kind}/BTCUSDT/1h/BTCUSDT-1h-2024-01.zip", START, 31 * 24, header=False)
        for day in (1, 3):
            first = datetime(2024, 2, day, tzinfo=UTC)
            candles(um / f"daily/{kind}/BTCUSDT/1h/BTCUSDT-1h-{first:%Y-%m-%d}.zip", first, 24, header=True)
    times = [ms(START + timedelta(hours=8 * n)) + 3 for n in range(93)]
    rates = ["calc_time,funding_interval_hours,last_funding_rate", *(f"{time},8,0.00010000" for time in times)]
    write(um / "monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2024-01.zip", "\n".join(rates))
    return tmp_path / "archives"


def quiet(kind: FetchKind, reached_ms: int, rows: int) -> None:
    """No progress."""


def archives(root: Path, symbol: str = "BTCUSDT") -> Archives:
    return Archives(root, symbol, "1h", now_ms=ms(datetime(2024, 3, 1, tzinfo=UTC)))


@pytest.mark.parametrize("kind", [FetchKind.CANDLES, FetchKind.MARK])
def test_months_and_days_are_joined_and_days_without_a_file_are_named(
    root: Path, tmp_path: Path, kind: FetchKind
) -> None:
    source, path = archives(root, "BTC/USDT:USDT"), tmp_path / "x.parquet"
    span = FetchSpan(ms(START) + 5 * HOUR_MS, ms(datetime(2024, 2, 3, 12, tzinfo=UTC)))
    rows = fetch(source, kind, span, path, quiet)
    assert rows.height == 31 * 24 - 5 + 24 + 12
    found = inspect_file(path)
    assert (found.valid, found.interval, [gap.missing for gap in found.gaps]) == (True, "1h", [24])
    assert source.missing == [f"{kind.value} 2024-02-02"]


def test_a_later_end_goes_on_within_the_same_month(root: Path, tmp_path: Path) -> None:
    path, begin = tmp_path / "x.parquet", ms(START)
    fetch(archives(root), FetchKind.CANDLES, FetchSpan(begin, begin + 100 * HOUR_MS), path, quiet)
    assert fetch(archives(root), FetchKind.CANDLES, FetchSpan(begin, begin + 200 * HOUR_MS), path, quiet).height == 200
    opens = pl.read_parquet(path)["open_time"].to_list()
    assert opens == [begin + n * HOUR_MS for n in range(200)]


def test_funding_has_the_time_and_rate_of_each_settlement(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    fetch(archives(root), FetchKind.FUNDING, FetchSpan(ms(START), ms(datetime(2024, 2, 1, tzinfo=UTC))), path, quiet)
    times, rates = read_funding(path)
    assert len(times) == 93
    assert set(rates.tolist()) == {0.0001}


def test_a_file_that_is_not_as_its_sum_says_is_refused(root: Path, tmp_path: Path) -> None:
    path = root / "data/futures/um/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-01.zip"
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{'0' * 64}  {path.name}\n")
    with pytest.raises(MarketDataError, match="SHA-256: found"):
        fetch(
            archives(root), FetchKind.CANDLES, FetchSpan(ms(START), ms(START) + HOUR_MS), tmp_path / "x.parquet", quiet
        )


def test_a_folder_without_the_symbol_is_refused_in_words(root: Path) -> None:
    with pytest.raises(MarketDataError, match="a folder with data/futures/um/monthly/klines/ETHUSDT/1h"):
        archives(root, "ETHUSDT")
