"""Backtests from Python, with whatever frames a quant has at hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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


def test_run_tells_of_each_trade_why_and_how_far_and_what_did_not_happen(reference: tb.Run) -> None:
    table = reference.trades
    assert set(table["exit_reason"]) <= {"signal", "stop", "target", "trail", "end"}
    assert (table["mae_ratio"] <= 0).all()
    assert (table["mfe_ratio"] >= 0).all()
    assert (table["held"] >= pd.Timedelta(0)).all()
    assert reference.activity.entries == len(table)
    assert any(line.startswith("not ready: ") for line in reference.not_happened)
    assert "<li>not ready: " in reference._repr_html_()


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


def test_a_run_has_what_the_command_has(candles: pl.DataFrame, reference: tb.Run) -> None:
    instruments = FILE.parent / "instruments.yaml"
    late = tb.run(STRATEGY, candles, instruments=instruments, latency_ms=90_000)
    bounded = tb.run(STRATEGY, candles, instruments=instruments, limits={"max_order_notional": 1_000})
    assert late.request.account.latency_us == 90_000_000
    assert late.fingerprint != reference.fingerprint
    assert not bounded.result.fills


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"capital": float("nan")}, "capital: found nan, allowed a finite number"),
        ({"fee": "inf"}, "fee: found inf, allowed a finite number"),
        ({"slippage_bps": "much"}, "slippage_bps: found 'much', allowed a number"),
        ({"volume_share": 2}, "volume_share: found 2, allowed 0 to 1"),
        ({"leverage": 0}, "leverage: found 0, allowed a whole number from 1"),
        ({"latency_ms": -1}, "latency_ms: found -1, allowed a whole number from 0"),
        ({"margin_mode": "both"}, "margin_mode: found 'both', allowed cross or isolated"),
        ({"limits": {"max_levrage": 1}}, "did you mean max_leverage"),
        ({"limits": {"max_leverage": float("nan")}}, "limits: max_leverage: found nan, allowed a finite number"),
        ({"limits": {"max_leverage": -1}}, "limits: max_leverage: found -1, allowed above 0"),
        ({"limits": {"max_orders_per_minute": 1.5}}, "allowed a whole number"),
        ({"fee": 1}, "fee: found 1, allowed 0 to 0.99999999"),
        ({"params": {"fast_len": float("nan")}}, "fast_len"),
        ({"params": {"fast_len": "nine"}}, "params: fast_len: found 'nine', allowed a number"),
        ({"params": {"fast_len": "1.0000000000000002"}}, "`fast_len` is 1.0000000000000002"),
        ({"tz": "Berlin"}, "allowed a name of the time zone database"),
        ({"start": "01/02/2024"}, "start: found '01/02/2024', allowed a time after 1974"),
        ({"start": 12}, "start: found 12, allowed a time after 1974"),
    ],
    ids=str,
)
def test_a_setting_that_no_run_can_have_is_refused(candles: pl.DataFrame, setting: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        tb.run(STRATEGY, candles, **setting)


def test_a_setting_that_there_is_not_is_refused(candles: pl.DataFrame) -> None:
    with pytest.raises(TypeError, match="did you mean latency_ms"):
        tb.run(STRATEGY, candles, latency_m=1)  # type: ignore[call-arg]  # that is the test


@pytest.mark.parametrize(
    "start", ["2017-08-01", 1_501_545_600, 1_501_545_600_000, "1501545600", datetime(2017, 8, 1, tzinfo=UTC)]
)
def test_a_start_in_any_form_is_one_moment(candles: pl.DataFrame, start: Any) -> None:
    run = tb.run(STRATEGY, candles, start=start)
    assert run.request.markets[0].open_time_us[0] == 1_501_545_600_000_000


def test_a_sweep_from_python_is_that_of_the_command(candles: pl.DataFrame, tmp_path: Path) -> None:
    space, where = ["fast_len=5:20:5", "slow_len=30,40"], "fast_len < slow_len"
    swept = tb.sweep(STRATEGY, candles, space, where=where, fee=0, holdout=0.2, out=tmp_path / "sweep")
    again = tb.sweep(STRATEGY, candles, space, where=where, fee=0, holdout=0.2, engine="futures")
    assert swept.report.sets == len(swept.ranked) == 8
    assert swept.best == dict(swept.ranked.iloc[0][["fast_len", "slow_len"]])
    assert again.ranked["sharpe"].tolist() == pytest.approx(swept.ranked["sharpe"].tolist(), rel=1e-6)
    assert f"default: {swept.best['fast_len']:g}" in swept.best_strategy
    assert len(pd.read_parquet(tmp_path / "sweep/results.parquet")) == 8
    with pytest.raises(ValueError, match="allowed grid, random, tpe"):
        tb.sweep(STRATEGY, candles, space, search="luck")


def test_engines_are_compared_from_python(candles: pl.DataFrame) -> None:
    compared = tb.compare(STRATEGY, candles, instruments=FILE.parent / "instruments.yaml")
    assert compared.clean
    assert compared.table["engine"].tolist() == ["futures", "vectorized"]
    with pytest.raises(ValueError, match="allowed two or more"):
        tb.compare(STRATEGY, candles, engines=["futures"])


def test_frames_by_the_names_of_ccxt_are_those_of_the_symbols() -> None:
    files = {
        name: FILE.parent / f"bitstamp-{name.replace('/', '')}-1d.csv" for name in ("BTC/USD", "ETH/USD", "LTC/USD")
    }
    frames = {f"{name}:USD": pl.read_csv(file) for name, file in files.items()}
    run = tb.run(DAILY, frames, instruments=FILE.parent / "instruments.yaml")
    assert run.fingerprint == tb.run(DAILY, FILE.parent).fingerprint
    with pytest.raises(MarketDataError, match=r"found XRP/USD, allowed BTCUSD"):
        tb.run(DAILY, {**frames, "XRP/USD": frames["BTC/USD:USD"]})


def test_a_frame_with_a_name_twice_is_refused_and_named(candles: pl.DataFrame) -> None:
    table = candles.to_pandas()
    beside = table.assign(Close=1.0)
    same = pd.concat([table, table[["close"]]], axis=1)
    levels = table.set_axis(pd.MultiIndex.from_product([table.columns, ["BTC-USD"]]), axis=1)
    for frame, said in ((beside, "close and Close"), (same, "close twice"), (levels, "2 levels of names")):
        with pytest.raises(MarketDataError, match=said) as caught:
            tb.run(STRATEGY, frame)
        assert str(caught.value).startswith("the frame of BTCUSD (data)")
    with pytest.raises(MarketDataError, match=r"the frame of BTCUSD \(mark\).*close and Close"):
        tb.run(STRATEGY, candles, mark=candles.with_columns(Close=pl.lit(1.0)))


def test_a_computed_frame_is_refused_with_a_hint_and_rounded_when_asked(
    candles: pl.DataFrame, reference: tb.Run
) -> None:
    instruments = FILE.parent / "instruments.yaml"
    computed = candles.with_columns(pl.col("open", "high", "low", "close") * (1 + 1e-13))
    with pytest.raises(MarketDataError, match=r"the frame of BTCUSD.*round_prices=True"):
        tb.run(STRATEGY, computed, instruments=instruments)
    rounded = tb.run(STRATEGY, computed, instruments=instruments, round_prices=True)
    assert rounded.fingerprint == reference.fingerprint
    assert any("rounded to the tick" in remark for remark in rounded.remarks)


def test_times_without_a_zone_are_utc_or_of_the_zone_told(candles: pl.DataFrame, reference: tb.Run) -> None:
    instruments = FILE.parent / "instruments.yaml"
    moments = pd.to_datetime(candles["open_time"].to_numpy(), unit="ms")
    tokyo = moments.tz_localize("UTC").tz_convert("Asia/Tokyo").tz_localize(None)
    for times, zone in ((moments, None), (tokyo, "Asia/Tokyo")):
        run = tb.run(STRATEGY, candles.to_pandas().assign(open_time=times), instruments=instruments, tz=zone)
        assert run.fingerprint == reference.fingerprint
        assert f"read as {zone or 'UTC'}" in " ".join(run.remarks)


def test_what_does_not_fit_is_told(candles: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="one by symbol: BTCUSD, ETHUSD, LTCUSD"):
        tb.run(DAILY, candles)
    with pytest.raises(ValueError, match="found engine 'fast'"):
        tb.run(STRATEGY, candles, engine="fast")
    with pytest.raises(MarketDataError, match="open"):
        tb.run(STRATEGY, candles.drop("open"))
    with pytest.raises(ValueError, match=r"capital: found 0, allowed 0.00000001 to 45000000000"):
        tb.run(STRATEGY, candles, capital=0)
