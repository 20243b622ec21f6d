"""A run that begins later decides as one that has seen all bars before it, in every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libs.backtest.tests.futures.markets import HOUR_US, market

import tradewire.backtest as tb
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.parity import certify
from tradewire.backtest.report import data_hash
from tradewire.backtest.sweeps import SweepPlan, SweepStore, parse_space, parse_walk_forward, processes, run_sweep
from tradewire.backtest.sweeps.tasks import SweepSpan, cut
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.backtest.warmup import answers_on, ready_from_us
from tradewire.ports.backtest import BacktestPort, BacktestRequest, BacktestResult
from tradewire.testkit.cold_requests import without_earlier
from tradewire.trading.language import compile_strategy, parse_strategy

SYMBOLS = ("BTCUSDT", "ETHUSDT")
TEXT = """\
id: slow
venue: binance
account: main
symbols: [BTCUSDT, ETHUSDT]
interval: 1h
params: {n: {default: 80, low: 20, high: 100, step: 20}}
indicators: {slow: "ema(close, n)", day: "sma(close, 3, interval=1d)"}
entry_long: crossed_above(close, slow) and close > day
exit_long: crossed_below(close, slow)
entry_short: crossed_below(close, slow)
exit_short: crossed_above(close, slow) or close > day
sizing: {fraction_of_equity: 0.3}
protect: {stop_loss: 2 * atr(14), trailing_stop: 3 * atr(50)}
"""
ENGINES = (FuturesEngine(), VectorizedEngine())
ENGINES_BY_NAME: dict[str, BacktestPort] = {engine.name: engine for engine in ENGINES}


def whole(seed: int, bars: int = 400, missing: float = 0.0, mark: bool = False) -> BacktestRequest:
    markets = (market(symbol, seed + n, bars, mark=mark, missing=missing) for n, symbol in enumerate(SYMBOLS))
    return BacktestRequest(TEXT, tuple(markets))


def later(request: BacktestRequest, begin: int) -> BacktestRequest:
    """The same from an hour on, with what was before it to warm up on."""
    return replace(request, markets=cut(request.markets, SweepSpan(begin * HOUR_US, 2**62)))


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**31),
    begin=st.integers(1, 390),
    missing=st.sampled_from([0.0, 0.2]),
    mark=st.booleans(),
)
def test_engines_agree_and_answer_as_if_they_had_run_all_along(
    seed: int, begin: int, missing: float, mark: bool
) -> None:
    request = later(whole(seed, missing=missing, mark=mark), begin)
    exact, arrays = (engine.run(request) for engine in ENGINES)

    assert certify([exact, arrays]).clean
    assert int(exact.time_us[0]) > begin * HOUR_US
    strategy = compile_strategy(parse_strategy(TEXT))
    for one, all_along in zip(request.markets, whole(seed, missing=missing, mark=mark).markets, strict=True):
        answers, expected = answers_on(strategy, one), answers_on(strategy, all_along)
        np.testing.assert_array_equal(answers.signal, expected.signal[-len(answers) :])
        np.testing.assert_array_equal(answers.stop_distance, expected.stop_distance[-len(answers) :])


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_a_later_start_is_ready_at_once_where_there_is_enough_before(engine: BacktestPort) -> None:
    request = later(whole(3), 200)

    first = {one.symbol: int(one.open_time_us[0]) + HOUR_US for one in request.markets}
    assert ready_from_us(request) == first
    assert all(at is not None and at > first[symbol] for symbol, at in ready_from_us(without_earlier(request)).items())
    assert engine.run(request).fingerprint != engine.run(without_earlier(request)).fingerprint
    assert data_hash(request.markets) != data_hash(without_earlier(request).markets)


def test_many_sets_warm_up_as_one_does() -> None:
    request = later(whole(5), 150)
    lengths = np.array([20.0, 40.0, 80.0, 100.0])

    found = VectorizedEngine().run_many(request, {"n": lengths})

    alone = [VectorizedEngine().run(replace(request, params={"n": n})) for n in lengths.tolist()]
    assert found.final_equity.tolist() == [result.equity_e8[-1] / 1e8 for result in alone]


def frame(request: BacktestRequest) -> dict[str, pl.DataFrame]:
    names = ("open", "high", "low", "close", "volume")
    return {
        one.symbol: pl.DataFrame(
            {"open_time": EPOCH_MS + one.open_time_us // 1_000, **{name: getattr(one, name) for name in names}}
        )
        for one in request.markets
    }


EPOCH_MS = 1_600_000_000_000 // 86_400_000 * 86_400_000


@pytest.mark.parametrize("engine", ["futures", "vectorized"])
def test_run_from_python_warms_up_before_its_start(engine: str) -> None:
    start = datetime.fromtimestamp(EPOCH_MS / 1_000 + 200 * 3_600, UTC)

    run = tb.run(TEXT, frame(whole(3)), engine=engine, start=start)

    assert run.ready_from == dict.fromkeys(SYMBOLS, datetime.fromtimestamp(EPOCH_MS / 1_000 + 201 * 3_600, UTC))
    assert run.equity.index[0] == run.ready_from["BTCUSDT"]
    assert len(run.trades) > 0
    assert run.plot("trades").data


@pytest.mark.parametrize("engine", ["futures", "vectorized"])
def test_every_span_of_a_search_warms_up_on_the_bars_before(engine: str, tmp_path: Path) -> None:
    """Training, test and held-out end are those of single runs over their spans; in other processes, too."""
    request = later(whole(11, 600), 120)
    space = parse_space(parse_strategy(TEXT), ["n=40,80"])
    walk = parse_walk_forward("180:100", HOUR_US)
    plan = SweepPlan(request, space, engine=engine, walk_forward=walk, embargo=10)
    with SweepStore(tmp_path, plan.manifest()) as store, processes(plan.job, 2) as workers:
        report = run_sweep(plan, workers, store)

    def alone(span: SweepSpan, params: dict[str, float]) -> BacktestResult:
        cuts = cut(request.markets, span)
        assert all(one.earlier is not None and len(one.earlier) >= 120 for one in cuts)
        return ENGINES_BY_NAME[engine].run(replace(request, markets=cuts, params=params))

    assert report.held_out is not None
    assert report.best.out_of_sample is not None
    run = tb.Run(
        replace(request, markets=cut(request.markets, report.held_out)),
        alone(report.held_out, dict(report.best.params)),
    )
    assert report.best.out_of_sample.total_return == run.stats["total_return"]
    assert report.best.out_of_sample.sharpe == run.stats["sharpe"]
    for window in report.windows:
        assert int(alone(window.test, dict(window.params)).time_us[0]) == window.test.begin_us + HOUR_US
    assert set(report.ready_from_us.values()) == {report.searched.begin_us + HOUR_US}
