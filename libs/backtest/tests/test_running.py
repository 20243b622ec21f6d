"""Backtests from Python, with whatever frames a quant has at hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import tradewire.backtest as tb
from tradewire.backtest.data import MarketDataError

ROOT = Path(__file__).parents[3]
STRATEGY = ROOT / "strategies/ema-cross-btc.yaml"
DAILY = ROOT / "strategies/trend-daily.yaml"
FILE = ROOT / "data/sample/coinbase-BTCUSD-1h.csv"
BARS = 1_500


@pytest.fixture(scope="module")
def candles() -> pl.DataFrame:
    return pl.read_csv(FILE).head(BARS)


@pytest.fixture(scope="module")
def reference(candles: pl.DataFrame) -> tb.Run:
    return tb.run(STRATEGY, candles, instruments=FILE.parent / "instruments.yaml")


def indexed(frame: pl.DataFrame) -> pd.DataFrame:
    """The same as most of the pandas world keeps it: times in the index."""
    table = pd.DataFrame({name: frame[name].to_list() for name in frame.columns})
    return table.set_index(pd.to_datetime(table.pop("open_time"), unit="ms"))


def test_frames_and_files_give_one_result(candles: pl.DataFrame, reference: tb.Run) -> None:
    instruments = FILE.parent / "instruments.yaml"
    end = pd.to_datetime(candles["open_time"][-1] + 3_600_000, unit="ms", utc=True).to_pydatetime()

    from_pandas = tb.run(STRATEGY, indexed(candles), instruments=instruments)
    from_file = tb.run(STRATEGY, FILE, end=end)
    from_mapping = tb.run(STRATEGY.read_text(), {"BTCUSD": candles}, instruments=str(instruments))

    assert {r.fingerprint for r in (from_pandas, from_file, from_mapping)} == {reference.fingerprint}


def test_run_shows_its_trades_equity_and_statistics(reference: tb.Run) -> None:
    assert len(reference.trades) == len(reference.result.trades) > 0
    assert list(reference.trades.columns)[:4] == ["symbol", "side", "qty", "entry_time"]
    assert reference.trades["entry_time"].dt.tz is not None
    assert len(reference.equity) == BARS
    gained = reference.equity.iloc[-1] / 100_000 - 1
    assert reference.stats["total_return"] == pytest.approx(gained)
    assert "ema-cross-btc by futures" in repr(reference)
    assert reference.plot().data


def test_run_leaves_files(reference: tb.Run, tmp_path: Path) -> None:
    assert reference.report(tmp_path / "report.html").stat().st_size > 100_000
    assert set(reference.save(tmp_path / "run")) >= {"trades", "fills", "equity", "result", "provenance"}


def test_engine_and_account_are_a_word_away(candles: pl.DataFrame, reference: tb.Run) -> None:
    instruments = FILE.parent / "instruments.yaml"
    fast = tb.run(STRATEGY, candles, engine="vectorized", instruments=instruments)
    small = tb.run(
        STRATEGY, candles, capital=1_000, fee=0, slippage_bps=0, margin_mode="isolated", params={"fast_len": 9}
    )

    assert fast.equity.iloc[-1] == pytest.approx(reference.equity.iloc[-1], rel=1e-9)
    assert small.equity.iloc[0] == 1_000
    assert small.trades["fees"].sum() == 0


def test_what_does_not_fit_is_told(candles: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="one by symbol: BTCUSD, ETHUSD, LTCUSD"):
        tb.run(DAILY, candles)
    with pytest.raises(ValueError, match="found engine 'fast'"):
        tb.run(STRATEGY, candles, engine="fast")
    with pytest.raises(MarketDataError, match="open"):
        tb.run(STRATEGY, candles.drop("open"))
