"""Indicators over candles by each adapter and form; longer candles; files that read back equal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tradewire.backtest.data import Candles, MarketDataError, load_candles
from tradewire.backtest.data.indicator_series import compare, compute
from tradewire.backtest.data.resampling import resample
from tradewire.backtest.data.writing import write_candles
from tradewire.trading.indicators import IndicatorError
from tradewire.trading.indicators.adapters.choice import Adapter
from tradewire.trading.language import StrategyErrors
from tradewire.trading.language.bars import Aggregator, IndicatorBar

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
HOUR_US = 3_600_000_000


@pytest.fixture(scope="module")
def candles() -> Candles:
    return load_candles(SAMPLE / "coinbase-BTCUSD-1h.csv").part(slice(0, 700))


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        ("rsi(close, 14)", ["value"]),
        ("macd(close)", ["macd", "signal", "histogram"]),
        ("macd(close).signal - 2 * ema(close, 5)", ["value"]),
        ("ema(close, 5, interval=4h)", ["value"]),
        ("cdlengulfing()", ["value"]),
    ],
)
def test_both_forms_give_each_output_bit_for_bit(candles: Candles, text: str, outputs: list[str]) -> None:
    arrays, streamed = compute(text, candles), compute(text, candles, stream=True)
    assert list(arrays) == list(streamed) == outputs
    for name in outputs:
        assert arrays[name].tobytes() == streamed[name].tobytes()
        assert np.count_nonzero(~np.isnan(arrays[name])) > 500


def test_adapters_are_compared_and_the_first_bar_that_differs_is_named(candles: Candles) -> None:
    rows = compare("rsi(close, 14)", candles)
    assert [(row.way, row.bar) for row in rows] == [
        ("native, bar by bar", None),
        ("talib", None),
        ("pandas-ta", None),
    ]
    seeded_otherwise = compare("macd(close).macd", candles)[-1]
    assert (seeded_otherwise.way, seeded_otherwise.bar) == ("pandas-ta", 33)
    assert seeded_otherwise.time_ms == candles.open_time_us[33] // 1000


def test_what_an_adapter_does_not_have_is_said(candles: Candles) -> None:
    with pytest.raises(IndicatorError, match="TA-Lib has no choppiness"):
        compute("choppiness(14)", candles, Adapter.TALIB)
    assert "has no choppiness" in compare("choppiness(14)", candles)[1].refused
    with pytest.raises(ValueError, match="allowed native"):
        compute("rsi(close, 14)", candles, Adapter.TALIB, stream=True)
    with pytest.raises(StrategyErrors, match="unknown name `clos`"):
        compute("macd(clos)", candles)


def test_resampling_is_what_the_language_aggregates(candles: Candles) -> None:
    made = resample(candles, "4h")
    aggregator = Aggregator(HOUR_US, 4 * HOUR_US)
    rows = zip(candles.open_time_us.tolist(), *(column.tolist() for column in candles.columns), strict=True)
    wanted = [bar for row in rows for bar in aggregator.update(IndicatorBar(*row))]
    assert made.candles.open_time_us.tolist() == [bar.open_time_us for bar in wanted]
    for name in ("open", "high", "low", "close"):
        assert getattr(made.candles, name).tolist() == [getattr(bar, name) for bar in wanted]
    np.testing.assert_allclose(made.candles.volume, [bar.volume for bar in wanted], rtol=1e-15)


@pytest.mark.parametrize("volume", ["0.1", "5640.12345678", "12345678.12345678", "8100000000000.25"])
def test_volumes_are_added_as_decimals(candles: Candles, tmp_path: Path, volume: str) -> None:
    given = replace(candles, volume=np.full(len(candles), float(volume)))
    path = tmp_path / "day.csv"

    made = resample(given, "1d")
    write_candles(made.candles, path, made.volumes)

    whole = {int(at) for at in made.candles.open_time_us // 1000} - {part.time_ms for part in made.partial}
    written = [line.split(",") for line in path.read_text().splitlines()[1:]]
    assert {Decimal(row[5]) for row in written if int(row[0]) in whole} == {24 * Decimal(volume)}
    assert made.candles.volume.tolist() == [float(exact) for exact in made.volumes]


def test_buckets_that_are_cut_at_the_ends_are_dropped_and_said(candles: Candles) -> None:
    first_us = int(candles.open_time_us[0])  # 11:00
    made = resample(candles.part(slice(0, 10)), "4h")  # 11:00 to 20:00
    assert made.dropped_first_us == first_us
    assert made.candles.open_time_us.tolist() == [first_us + HOUR_US, first_us + 5 * HOUR_US]
    assert made.dropped_last_us == first_us + 9 * HOUR_US
    whole = resample(candles.part(slice(1, 9)), "4h")
    assert (whole.dropped_first_us, whole.dropped_last_us, len(whole.candles)) == (None, None, 2)


@pytest.mark.parametrize("interval", ["30m", "1h", "7m"])
def test_no_interval_that_is_not_longer(candles: Candles, interval: str) -> None:
    with pytest.raises(MarketDataError, match="allowed 2h, 3h"):
        resample(candles, interval)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_written_candles_read_back_equal(candles: Candles, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    for given in (candles, resample(candles, "4h").candles):
        write_candles(given, path)
        found = load_candles(path)
        assert found.interval == given.interval
        assert found.open_time_us.tobytes() == given.open_time_us.tobytes()
        assert [column.tobytes() for column in found.columns] == [column.tobytes() for column in given.columns]
    assert list(tmp_path.iterdir()) == [path]
