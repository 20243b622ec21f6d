"""Which file of a folder is whose, by the names that venues and other tools give."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tradewire.backtest.data import MarketDataError, MarketFiles, load_markets, remarks

from .test_wild_files import Wanted
from .wild import PLAIN


def test_a_folder_of_freqtrade_has_candles_marks_and_funding_by_its_names(tmp_path: Path) -> None:
    moments = pd.date_range("2024-01-01", periods=48, freq="h", tz="UTC").as_unit("ms")
    prices = {"open": 100.5, "high": 110.0, "low": 90.25, "close": 101.0, "volume": 5.5}
    candles = pd.DataFrame({"date": moments, **prices})
    rates = pd.DataFrame({"date": moments[::8], **prices}).assign(open=0.0001, high=0.0, low=0.0, close=0.0, volume=0.0)
    for base in ("BTC", "ETH"):
        candles.to_feather(tmp_path / f"{base}_USDT_USDT-1h-futures.feather")
        candles.to_feather(tmp_path / f"{base}_USDT_USDT-1h-mark.feather")
        rates.to_feather(tmp_path / f"{base}_USDT_USDT-8h-funding_rate.feather")
    files = MarketFiles([tmp_path], mark=[tmp_path], funding=[tmp_path])
    markets = load_markets(Wanted("1h", ("ETHUSDT", "BTCUSDT")), files)
    assert [(market.symbol, len(market), market.mark is not None) for market in markets] == [
        ("ETHUSDT", 48, True),
        ("BTCUSDT", 48, True),
    ]
    assert all(market.funding_rate is not None and market.funding_rate.sum() > 0 for market in markets)


@pytest.mark.parametrize("symbol", ["BTC-USD", "BTC_USD_PERP", "币安人生USDT"])
def test_a_folder_gives_a_symbol_of_any_spelling_its_file(tmp_path: Path, symbol: str) -> None:
    (tmp_path / f"venue-{symbol}-1h.csv").write_bytes(PLAIN)
    (market,) = load_markets(Wanted("1h", (symbol,)), MarketFiles([tmp_path]))
    assert (market.symbol, len(market)) == (symbol, 4)


def test_marks_and_funding_of_some_symbols_alone_are_taken_and_the_others_are_named(tmp_path: Path) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        (tmp_path / f"{symbol}-1h.csv").write_bytes(PLAIN)
    (tmp_path / "BTCUSDT-1h-mark.csv").write_bytes(PLAIN)
    (tmp_path / "funding.csv").write_text("funding_time,funding_rate\n1600002000000,0.0001\n")
    files = MarketFiles([tmp_path], mark=[tmp_path], funding=[f"BTCUSDT={tmp_path / 'funding.csv'}"])

    bitcoin, ether = load_markets(Wanted("1h", ("BTCUSDT", "ETHUSDT")), files)

    assert bitcoin.mark is not None
    assert (ether.mark, ether.funding_rate) == (None, None)
    assert remarks((ether,)) == (
        "ETHUSDT: --mark names no file of it: the last price stands in for the mark",
        "ETHUSDT: --funding names no file of it: no funding is paid",
    )


def test_marks_of_none_of_the_symbols_are_refused(tmp_path: Path) -> None:
    for name in ("BTCUSDT-1h.csv", "XRPUSDT-1h-mark.csv"):
        (tmp_path / name).write_bytes(PLAIN)
    files = MarketFiles([tmp_path / "BTCUSDT-1h.csv"], mark=[tmp_path])

    with pytest.raises(MarketDataError, match="--mark: found no file for BTCUSDT"):
        load_markets(Wanted("1h", ("BTCUSDT",)), files)
