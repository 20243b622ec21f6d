"""Which rows of a table belong to the market that is read, where a column names the markets."""

from __future__ import annotations

import pytest

from tradewire.trading.bars_csv import read_bars, read_rows
from tradewire.trading.bars_layout import BarsFileError
from tradewire.trading.market_column import MARKET_COLUMNS, MarketColumn, MarketsError, chosen_market
from tradewire.trading.marks_csv import read_funding, read_marks

SYMBOL = MarketColumn(0, "symbol", of_symbols=True)
KIND = MarketColumn(0, "market", of_symbols=False)
HOUR_MS = 3_600_000
FIRST_MS = 1_571_302_800_000


def long_form(column: str = "symbol", names: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")) -> str:
    lines = [f"{column},open_time,open,high,low,close,volume"]
    for number, name in enumerate(names, start=1):
        price = 100 * number
        lines += [f"{name},{FIRST_MS + at * HOUR_MS},{price},{price},{price},{price},1" for at in range(3)]
    return "\n".join(lines)


@pytest.mark.parametrize("name", [*MARKET_COLUMNS, "Symbol", "TICKER", "Trading Pair"])
def test_a_file_of_several_markets_when_no_symbol_is_told_is_refused_with_the_row_of_the_second(name: str) -> None:
    with pytest.raises(BarsFileError, match=r"BTCUSDT, ETHUSDT.*the second from row 5 on.*one market a file"):
        read_bars(long_form(name), "x.csv")


@pytest.mark.parametrize("symbol", ["ETHUSDT", "ETH/USDT:USDT"])
def test_of_several_markets_the_rows_of_the_symbol_are_read(symbol: str) -> None:
    assert [bar.open for bar in read_bars(long_form(), "x.csv", symbol=symbol)] == [200, 200, 200]
    assert [row.row for row in read_rows(long_form(), "x.csv", symbol=symbol)] == [5, 6, 7]
    assert len(read_marks(long_form(), "x.csv", symbol=symbol)) == 3


def test_of_several_markets_none_of_which_is_the_symbol_nothing_is_read() -> None:
    with pytest.raises(BarsFileError, match="allowed rows of SOLUSDT among them"):
        read_bars(long_form(), "x.csv", symbol="SOLUSDT")


def test_the_settlements_of_another_market_are_not_added_up() -> None:
    text = f"symbol,funding_time,funding_rate\nBTCUSDT,{FIRST_MS},0.0001\nETHUSDT,{FIRST_MS},0.0005\n"
    rates = read_funding(text, "x.csv", HOUR_MS * 1000, symbol="BTCUSDT")
    assert [str(rate) for rate in rates.values()] == ["0.0001"]
    with pytest.raises(BarsFileError, match=r"row 3: symbol: found 2 markets"):
        read_funding(text, "x.csv", HOUR_MS * 1000)


@pytest.mark.parametrize(
    "cell",
    ["BTCUSDT", "BTC/USDT", "BTC-USDT", "btcusdt", "BTCUSDT.P", "BTC/USDT:USDT", "BINANCE:BTCUSDT", "BTC-USDT-SWAP"],
)
def test_other_spellings_of_the_symbol_need_no_word(cell: str) -> None:
    assert chosen_market({cell: 2}, SYMBOL, "BTCUSDT").notes == ()


@pytest.mark.parametrize(
    ("symbol", "cells"),
    [
        ("BTCUSD", ["XBTUSD", "XBT/USD", "XXBTZUSD", "PI_XBTUSD", "XBTUSDM", "BTCUSD_DMCBL"]),
        ("BTCUSDT", ["XBTUSDT", "XBTUSDTM", "BTCUSDTM", "BTCUSDT_UMCBL", "BTCUSDT_SPBL"]),
        ("XBTUSD", ["BTCUSD", "XXBTZUSD"]),
        ("ETHUSD", ["XETHZUSD", "PF_ETHUSD"]),
        ("ETHBTC", ["XETHXXBT", "ETHXBT"]),
        ("XLMUSD", ["XXLMZUSD"]),
        ("XTZUSD", ["XTZUSD"]),
    ],
)
def test_the_spellings_of_well_known_exchanges_need_no_word(symbol: str, cells: list[str]) -> None:
    for cell in cells:
        assert chosen_market({cell: 2}, SYMBOL, symbol).notes == (), cell


@pytest.mark.parametrize(
    ("symbol", "cell"),
    [
        ("BTCUSD", "XETHZUSD"),
        ("ETHUSD", "XXBTZUSD"),
        ("TUSD", "XTZUSD"),
        ("ETHUSDT", "XBTUSDTM"),
        ("BTCUSDT", "ETHUSDT_UMCBL"),
        ("BTCUSD", "XXBTZEUR"),
        ("ETHUSD", "XETHXXBT"),
    ],
)
def test_those_spellings_of_another_market_are_refused(symbol: str, cell: str) -> None:
    with pytest.raises(MarketsError, match=f"found {cell} in column symbol, allowed {symbol}"):
        chosen_market({cell: 2}, SYMBOL, symbol)


@pytest.mark.parametrize("cell", ["BTC/USD", "BTCUSDC", "BTC", "BTC.V"])
def test_a_market_that_differs_in_the_dollar_alone_is_read_and_said(cell: str) -> None:
    assert chosen_market({cell: 2}, SYMBOL, "BTCUSDT").notes == (f"column symbol says {cell}: read as BTCUSDT",)


@pytest.mark.parametrize("cell", ["ETHUSDT", "ETH", "AAPL", "BTCEUR", "ETHBTC"])
def test_another_market_than_the_symbol_is_refused(cell: str) -> None:
    with pytest.raises(MarketsError, match=f"found {cell} in column symbol, allowed BTCUSDT"):
        chosen_market({cell: 2}, SYMBOL, "BTCUSDT")


def test_a_kind_of_market_names_none_and_is_said_and_several_kinds_are_refused() -> None:
    assert chosen_market({"spot": 2}, KIND, "BTCUSDT").notes == ("column market says spot: read as BTCUSDT",)
    assert chosen_market({"": 2, "1.5": 3, "1.7": 4}, KIND, "BTCUSDT").cells is None
    with pytest.raises(MarketsError, match="spot, futures"):
        chosen_market({"spot": 2, "futures": 9}, KIND, "")


def test_rows_without_a_name_belong_to_no_market_of_several() -> None:
    assert chosen_market({"BTCUSDT": 2, "": 3, "ETHUSDT": 4}, SYMBOL, "BTCUSDT").cells == frozenset({"BTCUSDT"})
