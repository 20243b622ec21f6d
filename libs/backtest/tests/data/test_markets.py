"""A strategy's markets from files: which file, which instrument, marks, funding, brackets, span."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradewire.backtest.data import MarketDataError, MarketFiles, assumptions, load_markets
from tradewire.ports.events import InstrumentChanged
from tradewire.trading.instruments_file import parse_instruments

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
HOUR_MS = 3_600_000
FIRST_MS = 1_600_002_000_000
HEADER = "open_time,open,high,low,close,volume"


@dataclass(frozen=True)
class Wanted:
    """What a strategy asks for."""

    symbols: tuple[str, ...] = ("BTCUSDT",)
    interval: str = "1h"
    venue: str = "binance"


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    """Ten hours of BTCUSDT."""
    path = tmp_path / "binance-BTCUSDT-1h.csv"
    rows = [f"{FIRST_MS + n * HOUR_MS},100.5,110,90.25,{101 + n},5.5" for n in range(10)]
    path.write_text("\n".join([HEADER, *rows]))
    return path


def test_a_folder_gives_each_symbol_its_file_of_the_strategys_venue_and_interval() -> None:
    markets = load_markets(Wanted(("ETHUSD", "BTCUSD"), "1d", "bitstamp"), MarketFiles([SAMPLE]))
    assert [(m.symbol, m.interval, len(m)) for m in markets] == [("ETHUSD", "1d", 788), ("BTCUSD", "1d", 1865)]
    assert [m.instrument.step_size for m in markets] == [Decimal("0.001"), Decimal("0.0001")]
    assert assumptions(markets) == ()


def test_symbols_may_be_named(candles: Path) -> None:
    other = candles.with_name("eth.csv")
    other.write_text(candles.read_text())
    wanted = Wanted(("ETHUSDT", "BTCUSDT"))
    markets = load_markets(wanted, MarketFiles([f"ETHUSDT={other}", str(candles)]))
    assert [m.symbol for m in markets] == ["ETHUSDT", "BTCUSDT"]


def test_the_instruments_file_is_read_once_for_all_symbols(candles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = tuple(f"S{number}USD" for number in range(40))
    text = (SAMPLE / "instruments.yaml").read_text(encoding="utf-8")
    block = text[text.index("  - venue: coinbase") : text.index("  - venue: bitstamp")]
    blocks = [block.replace("BTCUSD", symbol) for symbol in symbols]
    (candles.parent / "instruments.yaml").write_text(
        text[: text.index("  - venue")] + "".join(blocks), encoding="utf-8"
    )
    for symbol in symbols:
        (candles.parent / f"coinbase-{symbol}-1h.csv").write_text(candles.read_text(encoding="utf-8"))
    parsed: list[str] = []

    def counted(text: str, source: str, *, versions: bool) -> list[InstrumentChanged]:
        parsed.append(source)
        return parse_instruments(text, source, versions=versions)

    monkeypatch.setattr("tradewire.backtest.data.instruments.parse_instruments", counted)
    markets = load_markets(Wanted(symbols, venue="coinbase"), MarketFiles([candles.parent]))
    assert tuple(market.instrument.symbol for market in markets) == symbols
    assert parsed == [str(candles.parent / "instruments.yaml")]


def test_a_symbol_that_no_file_tells_of_is_assumed_and_said(candles: Path) -> None:
    (market,) = load_markets(Wanted(), MarketFiles([candles]))
    told = market.instrument
    assert (told.venue, told.symbol, told.base, told.quote) == ("binance", "BTCUSDT", "BTC", "USDT")
    assert (told.tick_size, told.step_size) == (Decimal("0.01"), Decimal("0.00000001"))
    assert told.valid_from_us == FIRST_MS * 1000
    assert told.max_qty * 110 <= 500_000_000
    (sentence,) = assumptions((market,))
    assert sentence.startswith("BTCUSDT: assumed")
    for name in ("tick_size", "step_size", "min_qty", "max_qty", "min_notional", "price_collar_ratio", "taker_fee"):
        assert f"{name} {getattr(told, name):f}" in sentence
    assert "brackets of Binance's BTCUSDT" in sentence


def test_the_span_is_from_the_first_open_time_to_before_the_last(candles: Path) -> None:
    start_us, end_us = (FIRST_MS + 2 * HOUR_MS) * 1000, (FIRST_MS + 5 * HOUR_MS) * 1000
    (market,) = load_markets(Wanted(), MarketFiles([candles]), start_us=start_us, end_us=end_us)
    assert market.open_time_us.tolist() == [start_us, start_us + HOUR_MS * 1000, start_us + 2 * HOUR_MS * 1000]
    with pytest.raises(MarketDataError, match="found no bar of any market in the span asked for, to before"):
        load_markets(Wanted(), MarketFiles([candles]), end_us=start_us - HOUR_MS * 3000)


def test_marks_and_funding_are_laid_beside_the_bars(candles: Path, tmp_path: Path) -> None:
    marks, funding = tmp_path / "mark.parquet", tmp_path / "funding.csv"
    half = [FIRST_MS + n * HOUR_MS // 2 for n in range(2, 8)]  # 30m marks of hours 1 to 3
    names = ("open", "high", "low", "close")
    pl.DataFrame({"open_time": half, **{name: [float(10 + n) for n in range(6)] for name in names}}).write_parquet(
        marks
    )
    times = [FIRST_MS, FIRST_MS + 2 * HOUR_MS + 16, FIRST_MS + 2 * HOUR_MS - 60_000]
    rates = ["0.5", "0.0001", "0.00000002"]
    rows = [f"{time},{rate}" for time, rate in zip(times, rates, strict=True)]
    funding.write_text("\n".join(["funding_time,funding_rate", *rows]))
    (market,) = load_markets(Wanted(), MarketFiles([candles], mark=[marks], funding=[funding]))
    assert market.mark is not None
    assert market.funding_rate is not None
    np.testing.assert_array_equal(market.mark.open[:5], [np.nan, 10, 12, 14, np.nan])
    np.testing.assert_array_equal(market.mark.close[:5], [np.nan, 11, 13, 15, np.nan])
    assert market.funding_rate.tolist() == [0, 0.00010002, *[0.0] * 8]
    assert market.remarks == ("no mark for 7 of 10 bars: the last price stands in for it",)


def test_funding_that_ends_before_the_bars_is_told(candles: Path, tmp_path: Path) -> None:
    funding = tmp_path / "funding.csv"
    funding.write_text(f"funding_time,funding_rate\n{FIRST_MS + HOUR_MS},0.0001\n")

    (market,) = load_markets(Wanted(), MarketFiles([candles], funding=[funding]))

    assert market.remarks == (
        "funding is known from 2020-09-13T14:00:00Z to 2020-09-13T14:00:00Z: none is paid outside",
    )


def test_marks_of_longer_bars_are_refused(candles: Path, tmp_path: Path) -> None:
    marks = tmp_path / "mark.csv"
    rows = [f"{1_600_000_000_000 // (8 * HOUR_MS) * 8 * HOUR_MS + n * 8 * HOUR_MS},1,1,1,1" for n in range(3)]
    marks.write_text("\n".join(["open_time,open,high,low,close", *rows]))
    with pytest.raises(MarketDataError, match="found marks of 8h, allowed marks of 1h or of a part of it"):
        load_markets(Wanted(), MarketFiles([candles], mark=[marks]))


def test_brackets_of_a_file_replace_the_instruments_own(candles: Path, tmp_path: Path) -> None:
    tiers = [(0, 50_000, "0.004", "0.0", 125), (50_000, 600_000, "0.005", "50.0", 100)]
    keys = ("notionalFloor", "notionalCap", "maintMarginRatio", "cum", "initialLeverage")
    path = tmp_path / "brackets.json"
    document = [{"bracket": n, **dict(zip(keys, tier, strict=True))} for n, tier in enumerate(tiers, start=1)]
    path.write_text(json.dumps({"BTCUSDT": document}))
    (market,) = load_markets(Wanted(), MarketFiles([candles], brackets=path))
    assert [b.maintenance_amount for b in market.instrument.brackets] == [0, 50]
    assert [b.max_leverage for b in market.instrument.brackets] == [125, 100]
    path.write_text(path.read_text().replace("50.0", "51.0"))
    with pytest.raises(MarketDataError, match=r"BTCUSDT: found brackets: 2: maintenance_amount: found 51\.0"):
        load_markets(Wanted(), MarketFiles([candles], brackets=path))


def test_what_does_not_fit_is_refused_with_what_is_allowed(candles: Path, tmp_path: Path) -> None:
    def refused(wanted: Wanted, files: MarketFiles) -> str:
        with pytest.raises(MarketDataError) as caught:
            load_markets(wanted, files)
        return str(caught.value)

    assert "found bars of 1h, allowed the strategy's 4h" in refused(Wanted(interval="4h"), MarketFiles([candles]))
    assert "found no file for ETHUSDT" in refused(Wanted(("ETHUSDT", "BTCUSDT")), MarketFiles([candles]))
    assert "found XXX, allowed BTCUSDT" in refused(Wanted(), MarketFiles([f"XXX={candles}"]))
    assert "found no such file" in refused(Wanted(), MarketFiles([tmp_path / "none.csv"]))
    told = SAMPLE / "instruments.yaml"
    assert "allowed binance:BTCUSDT" in refused(Wanted(), MarketFiles([candles], instruments=told))
    candles.with_name("x-BTCUSDT-1h.csv").write_text(candles.read_text())
    assert "or BTCUSDT=FILE" in refused(Wanted(venue="other"), MarketFiles([tmp_path]))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([f"{FIRST_MS},x"], "row 2: funding_rate: found x, allowed a number"),
        ([f"{FIRST_MS},nan"], "found nan, allowed -1 to 1"),
        ([f"{FIRST_MS},1.5"], r"found 1\.5, allowed -1 to 1"),
        ([f"{FIRST_MS},0.1", f"{FIRST_MS},0.2"], "found two rates, allowed one rate a settlement"),
        (["soon,0.1"], "found soon, allowed a time after 1974 in s, ms"),
    ],
)
def test_funding_that_is_none_is_refused(candles: Path, tmp_path: Path, rows: list[str], message: str) -> None:
    path = tmp_path / "funding.csv"
    path.write_text("\n".join(["funding_time,funding_rate", *rows]))
    with pytest.raises(MarketDataError, match=message):
        load_markets(Wanted(), MarketFiles([candles], funding=[path]))


def test_recorded_futures_load_with_marks_funding_and_brackets() -> None:
    shared = Path(os.environ.get("TRADEWIRE_SHARED_DATA", SAMPLE.parents[2] / "shared" / "data"))
    if not (shared / "ohlcv").is_dir():
        pytest.skip(f"no recorded futures data in {shared}; TRADEWIRE_SHARED_DATA names the folder")
    wanted = Wanted(("BTCUSDT", "ETHUSDT"))
    files = MarketFiles(
        data=[f"{symbol}={shared}/ohlcv/{symbol}-um-1h.parquet" for symbol in wanted.symbols],
        mark=[shared / "mark"],
        funding=[f"{symbol}={shared}/funding/{symbol}-um-2023-2024.parquet" for symbol in wanted.symbols],
        brackets=shared / "rest" / "leverage_brackets_2024-10.json",
    )
    for market in load_markets(wanted, files):
        assert len(market) == 17_544
        assert market.mark is not None
        assert market.funding_rate is not None
        assert not np.isnan(market.mark.close).any()
        # 2,193 settlements, of which the first falls on the first bar's open: it belongs to the bar before.
        assert np.count_nonzero(market.funding_rate) >= 2190
        assert market.instrument.brackets[0].max_leverage == 125


def versions(tmp_path: Path, *valid_from_hours: int) -> Path:
    """An instruments file with a version of BTCUSDT from each of these hours of the candles on."""
    sample = (SAMPLE / "instruments.yaml").read_text()
    brackets, _, listed = sample.partition("instruments:\n")
    (entry,) = [part for part in listed.split("  - venue: ") if part.startswith("coinbase")]
    path = tmp_path / "versions.yaml"
    entries = []
    for number, hour in enumerate(valid_from_hours):
        lines = entry.replace("coinbase", "binance").replace("symbol: BTCUSD", "symbol: BTCUSDT").splitlines()
        lines = [line for line in lines if "valid_from_us" not in line and "taker_fee" not in line and line.strip()]
        valid_us = (FIRST_MS + hour * HOUR_MS) * 1000
        lines += [f'    valid_from_us: "{valid_us}"', f'    taker_fee: "0.000{number + 1}"']
        entries.append("  - venue: " + "\n".join(lines))
    path.write_text(brackets + "instruments:\n" + "\n".join(entries) + "\n")
    return path


def test_versions_of_an_instrument_are_those_in_force_over_the_candles(candles: Path, tmp_path: Path) -> None:
    path = versions(tmp_path, -50, -20, 4, 7, 100)

    (market,) = load_markets(Wanted(), MarketFiles([candles], instruments=path))

    assert str(market.instrument.taker_fee) == "0.0002"
    assert [str(version.taker_fee) for version in market.later_instruments] == ["0.0003", "0.0004"]
    assert all("1h" in version.intervals for version in market.later_instruments)


def test_the_earliest_version_stands_for_the_time_before_it(candles: Path, tmp_path: Path) -> None:
    (market,) = load_markets(Wanted(), MarketFiles([candles], instruments=versions(tmp_path, 100)))

    assert (str(market.instrument.taker_fee), market.later_instruments) == ("0.0001", ())


def test_two_versions_of_one_time_are_refused(candles: Path, tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match="binance:BTCUSDT stands twice with valid_from_us"):
        load_markets(Wanted(), MarketFiles([candles], instruments=versions(tmp_path, 1, 1)))


def archives(folder: Path, *months: tuple[str, range], changed: int | None = None) -> Path:
    """Archives of a venue, named by month, each with its hours; ``changed``: an hour that differs in the last."""
    folder.mkdir()
    for place, (month, hours) in enumerate(months, start=1):
        last = place == len(months)
        rows = [f"{FIRST_MS + n * HOUR_MS},100.5,110,90.25,{101 + n - (last and n == changed)},5.5" for n in hours]
        (folder / f"BTCUSDT-1h-{month}.csv").write_text("\n".join([HEADER, *rows]))
    return folder


def test_monthly_archives_of_a_symbol_are_one_history(candles: Path, tmp_path: Path) -> None:
    folder = archives(tmp_path / "spot", ("2020-10", range(4, 9)), ("2020-09", range(5)), ("2020-11", range(9, 10)))
    files = sorted(folder.iterdir(), reverse=True)

    (whole,) = load_markets(Wanted(), MarketFiles([candles]))
    for words in ([folder], files, [f"BTCUSDT={path}" for path in files]):
        (market,) = load_markets(Wanted(), MarketFiles(words))
        assert market.open_time_us.tolist() == whole.open_time_us.tolist()
        assert market.close.tolist() == whole.close.tolist()


def test_archives_that_contradict_each_other_are_refused_with_both_names(tmp_path: Path) -> None:
    folder = archives(tmp_path / "spot", ("2020-09", range(5)), ("2020-10", range(4, 9)), changed=4)
    with pytest.raises(MarketDataError, match=r"2020-10\.csv.*another than in .*2020-09\.csv, allowed one bar per"):
        load_markets(Wanted(), MarketFiles([folder]))


def test_archives_of_several_intervals_are_refused(candles: Path, tmp_path: Path) -> None:
    halves = tmp_path / "halves.csv"
    rows = [f"{FIRST_MS + n * HOUR_MS // 2},100.5,110,90.25,101,5.5" for n in range(4)]
    halves.write_text("\n".join([HEADER, *rows]))
    with pytest.raises(MarketDataError, match="found bars of 30m, allowed the strategy's 1h"):
        load_markets(Wanted(), MarketFiles([candles, halves]))
    with pytest.raises(MarketDataError, match=f"found bars of 30m, allowed bars of 1h, as in {candles}"):
        load_markets(Wanted(), MarketFiles([candles], mark=[candles, halves]))


def test_funding_of_several_files_is_joined_and_may_not_contradict(candles: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "funding-1.csv", tmp_path / "funding-2.csv"
    settled = [FIRST_MS + n * HOUR_MS for n in (2, 4, 6)]
    first.write_text(f"funding_time,funding_rate\n{settled[0]},0.0001\n{settled[1]},0.0002")
    second.write_text(f"funding_time,funding_rate\n{settled[1]},0.0002\n{settled[2]},-0.0003")
    (market,) = load_markets(Wanted(), MarketFiles([candles], funding=[second, first]))
    assert market.funding_rate is not None
    assert market.funding_rate[[1, 3, 5]].tolist() == [0.0001, 0.0002, -0.0003]

    second.write_text(second.read_text().replace("0.0002", "0.0004"))
    with pytest.raises(MarketDataError, match=r"funding-1\.csv.*another than in .*funding-2.*one rate a settlement"):
        load_markets(Wanted(), MarketFiles([candles], funding=[second, first]))
