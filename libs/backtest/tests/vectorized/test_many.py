"""Many parameter sets at once give what each gives by itself."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.statistics import statistics_of
from tradewire.backtest.statistics.sampling import periods_per_year, simple_returns
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import AccountSettings, BacktestRequest, BacktestResult
from tradewire.trading.language import StrategyErrors, parse_strategy

from .markets import history

ENGINE = VectorizedEngine()
FAMILY = """
id: family
venue: paper
account: desk
symbols: [AAA, BBB]
interval: 1h
indicators:
  level: 40 + edge
  fast: ema(close, n)
  slow: ema(fast, n + 3)
  band: bollinger(close, 20, width)
  high4: sma(close, 3, interval=4h)
  spread: (fast - slow) / close
entry_long: crossed_above(fast, slow) and not close > band.upper
exit_long: crossed_below(fast, slow) or spread < -0.02
entry_short: close < band.lower and rsi(fast, 5) < level or spread < -edge / 1000
exit_short: crossed_above(close, band.middle) or close > high4 * 1.05
sizing: {volatility_target: 0.05 * width, volatility: volatility(n), max_leverage: 1}
protect: {stop_loss: width * atr(n), trailing_stop: 3 * atr(14)}
params:
  n: {default: 5, low: 2, high: 30, step: 1}
  width: {default: 2, low: 0.5, high: 3}
  edge: {default: 10, low: 0, high: 20, step: 1}
"""
SAMPLES = [
    path for path in sorted((Path(__file__).parents[4] / "strategies").glob("*.yaml")) if "params:" in path.read_text()
]
"""The sample strategies that have parameters to vary."""


def request_of(text: str, bars: int = 160) -> BacktestRequest:
    document = parse_strategy(text)
    drawn = range(len(document.symbols))
    markets = tuple(
        replace(
            history(symbol, 7 + seed, [5] * bars),
            interval=document.interval,
        )
        for seed, symbol in zip(drawn, document.symbols, strict=True)
    )
    return BacktestRequest(text, markets, account=AccountSettings(taker_fee=Decimal("0.0004")))


def assert_row(found: Any, number: int, alone: BacktestResult) -> None:
    equity = alone.equity_e8 / 1e8
    returns = simple_returns(equity)
    assert found.final_equity[number] == equity[-1]
    assert found.trades[number] == len(alone.trades)
    assert found.fees[number] == pytest.approx(float(sum(fill.fee for fill in alone.fills)), rel=1e-12)
    assert found.ruined[number] == bool((equity <= 0).any())
    stats = statistics_of(alone, ())
    assert found.max_drawdown[number] == pytest.approx(-float(stats["max_drawdown"] or 0.0), abs=1e-12)
    if stats["sharpe"] is not None:
        annual = math.sqrt(periods_per_year(alone.time_us) or math.nan)
        assert found.sharpe[number] * annual == pytest.approx(float(stats["sharpe"]), rel=1e-6, abs=1e-9)
    after_ruin = np.zeros(len(equity) - 1 - len(returns))
    parts = np.array_split(np.concatenate([returns, after_ruin]), len(found.block_count))
    assert found.block_count.tolist() == [len(part) for part in parts]
    np.testing.assert_allclose(found.block_sum[number], [part.sum() for part in parts], atol=1e-12)
    np.testing.assert_allclose(found.block_sum_sq[number], [(part**2).sum() for part in parts], atol=1e-12)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(2, 30), st.sampled_from([0.5, 1.5, 2.25]), st.integers(0, 20)), min_size=1, max_size=5
    ),
    st.sampled_from([1, 20_000, 10**8]),
)
def test_every_set_gives_what_run_gives_for_it(sets: list[tuple[int, float, int]], cache_bytes: int) -> None:
    request = request_of(FAMILY)
    columns = dict(zip(("n", "width", "edge"), np.array(sets, dtype=float).T, strict=True))
    found = VectorizedEngine(cache_bytes=cache_bytes).run_many(request, columns, blocks=7)
    for number, values in enumerate(sets):
        params = dict(zip(columns, map(float, values), strict=True))
        assert_row(found, number, ENGINE.run(replace(request, params=params)))


def test_the_family_trades() -> None:
    found = ENGINE.run_many(request_of(FAMILY), {"n": np.arange(3.0, 9.0)})
    assert found.trades.min() > 3
    assert len(set(found.final_equity)) == 6


@pytest.mark.parametrize(
    "path",
    SAMPLES,
    ids=lambda path: path.stem,
)
def test_every_sample_strategy_gives_what_run_gives(path: Path) -> None:
    text = path.read_text().replace("venue: coinbase", "venue: paper").replace("venue: bitstamp", "venue: paper")
    text = text.replace("interval: 1d", "interval: 1h").replace("interval=1w", "interval=1d")
    request = request_of(text, bars=500)
    spans = parse_strategy(text).params
    columns = {name: np.array([span.low, span.default, span.high]) for name, span in spans.items()}
    found = ENGINE.run_many(request, columns)
    for number in range(3):
        params = {name: float(values[number]) for name, values in columns.items()}
        assert_row(found, number, ENGINE.run(replace(request, params=params)))


def test_results_do_not_depend_on_the_order_of_sets() -> None:
    n = np.array([4.0, 9, 2, 30, 9])
    found = ENGINE.run_many(request_of(FAMILY), {"n": n})
    turned = ENGINE.run_many(request_of(FAMILY), {"n": n[::-1]})
    assert np.array_equal(found.final_equity, turned.final_equity[::-1])
    assert np.array_equal(found.block_sum_sq, turned.block_sum_sq[::-1])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("n", 1.0, "parameter `n` is 1"), ("n", 2.5, "must be a whole number"), ("m", 2.0, "no parameter `m`")],
)
def test_a_faulty_set_says_what_run_says(name: str, value: float, message: str) -> None:
    with pytest.raises(StrategyErrors, match=message):
        ENGINE.run_many(request_of(FAMILY), {name: np.array([value])})


def test_without_blocks_all_but_the_way_of_the_equity_is_the_same() -> None:
    columns = {"n": np.arange(3.0, 9.0)}
    found, whole = (ENGINE.run_many(request_of(FAMILY), columns, blocks=blocks) for blocks in (0, 5))
    for name in ("total_return", "trades", "fees", "final_equity"):
        assert np.array_equal(getattr(found, name), getattr(whole, name))
    assert np.isnan(found.max_drawdown).all()
    assert np.isnan(found.sharpe).all()
    assert found.block_sum.shape == (6, 0)
    assert found.block_count.shape == (0,)


def test_a_set_whose_stop_is_not_above_zero_says_what_run_says() -> None:
    text = FAMILY.replace("trailing_stop: 3", "take_profit: far, trailing_stop: 3")
    text += "  far: {default: 1, low: 0, high: 9}\n"
    with pytest.raises(StrategyErrors, match="take_profit is 0; it must be above 0"):
        ENGINE.run_many(request_of(text), {"far": np.array([2.0, 0.0])})


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        ENGINE.run_many(request_of(FAMILY), {"n": np.array([2.0]), "edge": np.array([1.0, 2.0])})
    with pytest.raises(ValueError, match="-1 blocks; at least 0"):
        ENGINE.run_many(request_of(FAMILY), {"n": np.array([2.0])}, blocks=-1)
