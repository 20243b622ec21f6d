"""A file that names its rows' markets: research reads those of the symbol, or refuses, by every reader alike."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.data import MarketDataError, MarketFiles, csv_rows, inspect_file, load_markets, remarks
from tradewire.backtest.data.csv_rows import quick_rows, strict_rows
from tradewire.backtest.data.reading import Reading
from tradewire.backtest.data.sources import FrameSource
from tradewire.backtest.frames import polars_of

from .test_loading import FIRST_MS, HOUR_MS, same
from .test_wild_files import Wanted

HEADER = "open_time,open,high,low,close,volume,symbol"
FORMS = ("quoted.csv", "plain.csv", "large.csv", "table.parquet", "table.feather")


def rows(symbol: str, price: str, count: int = 4) -> list[str]:
    return [f"{FIRST_MS + at * HOUR_MS},{price},{price},{price},{price},1,{symbol}" for at in range(count)]


def put(folder: Path, form: str, lines: list[str], header: str = HEADER) -> Path:
    path, text = folder / form, "\n".join([header, *lines]) + "\n"
    table = pl.read_csv(text.encode())
    if form == "table.parquet":
        table.write_parquet(path)
    elif form == "table.feather":
        table.write_ipc(path)
    else:
        path.write_text(text.replace(",1,", ',"1",') if form == "quoted.csv" else text)
    return path


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a file in each form; the compiled reader takes the large one."""
    name = str(request.param)
    if name == "large.csv":
        monkeypatch.setattr(csv_rows, "_COMPILED_BYTES", 0)
    return name


def test_a_file_of_several_markets_is_no_series(tmp_path: Path, form: str) -> None:
    found = inspect_file(put(tmp_path, form, [*rows("BTCUSDT", "100"), *rows("ETHUSDT", "100")]))
    (error,) = found.errors
    assert (error.row, error.field) == (5 if form.startswith("table") else 6, "symbol")
    assert "2 markets (BTCUSDT, ETHUSDT)" in error.found
    assert "one market a file" in error.allowed


def test_a_run_reads_the_rows_of_each_symbol_and_says_so(tmp_path: Path, form: str) -> None:
    path = put(tmp_path, form, [*rows("BTC/USDT", "100"), *rows("ETH/USDT", "7")])
    wanted = Wanted("1h", ("BTCUSDT", "ETHUSDT"))
    markets = load_markets(wanted, MarketFiles([f"BTCUSDT={path}", f"ETHUSDT={path}"], mark=[f"ETHUSDT={path}"]))
    assert [set(market.close) for market in markets] == [{100.0}, {7.0}]
    assert markets[1].mark is not None
    assert set(markets[1].mark.close) == {7.0}
    said = " ".join(remarks(markets))
    assert "column symbol names 2 markets (BTC/USDT, ETH/USDT): the rows of ETH/USDT are read" in said


def test_another_market_than_the_runs_is_refused(tmp_path: Path, form: str) -> None:
    path = put(tmp_path, form, rows("ETHUSDT", "7"))
    for words in ([path], [f"BTCUSDT={path}"]):
        with pytest.raises(MarketDataError, match=r"symbol: found ETHUSDT in column symbol, allowed BTCUSDT"):
            load_markets(Wanted("1h"), MarketFiles(words))
    assert inspect_file(path).valid


def test_the_one_market_of_a_file_by_another_dollar_is_read_and_said(tmp_path: Path, form: str) -> None:
    (market,) = load_markets(Wanted("1h"), MarketFiles([put(tmp_path, form, rows("BTC/USD", "7"))]))
    assert "column symbol says BTC/USD: read as BTCUSDT" in market.remarks


def test_a_frame_of_several_markets_is_no_series() -> None:
    table = pd.DataFrame({"open_time": [FIRST_MS, FIRST_MS + HOUR_MS], "open": 2.0, "high": 3.0, "low": 1.0})
    table = table.assign(close=2.0, volume=1.0, Ticker=["BTCUSDT", "SOLUSDT"])
    with pytest.raises(MarketDataError, match="row 2: Ticker: found 2 markets"):
        load_markets(Wanted("1h", ("ETHUSDT",)), MarketFiles([FrameSource("ETHUSDT", polars_of(table))]))


@pytest.mark.parametrize("form", ["funding.csv", "table.parquet"])
def test_settlements_of_another_market_are_left_out(tmp_path: Path, form: str) -> None:
    lines = [f"{FIRST_MS + HOUR_MS},{rate},{symbol}" for symbol, rate in (("BTCUSDT", "0.001"), ("ETHUSDT", "0.005"))]
    funding = put(tmp_path, form, lines, header="funding_time,funding_rate,symbol")
    data = put(tmp_path, "plain.csv", rows("BTCUSDT", "100"))
    (market,) = load_markets(Wanted("1h"), MarketFiles([data], funding=[funding]))
    assert market.funding_rate is not None
    assert market.funding_rate.sum() == 0.001


def test_a_step_of_the_price_that_no_trading_makes_is_remarked(tmp_path: Path) -> None:
    lines = rows("BTCUSDT", "100") + [f"{FIRST_MS + at * HOUR_MS},2,2,2,2,1,BTCUSDT" for at in range(4, 6)]
    path = put(tmp_path, "plain.csv", lines)
    (market,) = load_markets(Wanted("1h"), MarketFiles([path]))
    said = "the price steps 10-fold or more between two bars once, the first from 100 to 2 at 2019-10-17T13:00:00Z"
    for remark in (" ".join(market.remarks), " ".join(inspect_file(path).notes)):
        assert said in remark


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["BTCUSDT", "BTC/USDT", "BTCUSD", "ETHUSDT", "", "spot"]), st.integers(1, 9))),
    st.sampled_from(["", "BTCUSDT", "SOLUSDT"]),
    st.sampled_from(["symbol", "market"]),
)
def test_every_reader_of_csv_reads_the_same_market(drawn: list[tuple[str, int]], symbol: str, column: str) -> None:
    lines = [f"{FIRST_MS + at * HOUR_MS},{p},{p},{p},{p},1,{name}" for at, (name, p) in enumerate(drawn)]
    data = "\n".join([HEADER.replace("symbol", column), *lines]).encode()
    for size in (0, 1 << 30):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_rows, "_COMPILED_BYTES", size)
            quick = quick_rows(data, "x", symbol)
        strict = None if quick is None else strict_rows(data, "x", Reading(symbol=symbol))
        assert quick is None or (strict is not None and same(quick, strict) and quick.notes == strict.notes)
