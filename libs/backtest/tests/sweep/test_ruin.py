"""A parameter set that loses everything is ruined, and last, whatever its account does afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from libs.backtest.tests.futures.markets import HOUR_US, instrument

from tradewire.backtest.not_happened import headlines
from tradewire.backtest.report.files import result_document
from tradewire.backtest.statistics import statistics_of
from tradewire.backtest.sweeps import Search, SweepPlan, SweepReport, SweepStore, parse_space, processes, run_sweep
from tradewire.backtest.sweeps.figures import SweepFigures
from tradewire.backtest.sweeps.files import write_results
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import BacktestRequest, MarketHistory
from tradewire.trading.language import parse_strategy

TEXT = """\
id: all-in
venue: binance
account: main
symbols: [BTCUSDT]
interval: 1h
entry_long: close > 0
exit_long: close < 0
sizing: {fraction_of_equity: lever}
params: {lever: {default: 1, low: 1, high: 4, step: 1}}
"""
CLOSES = np.concatenate([np.full(30, 100.0), np.linspace(100, 60, 20), np.linspace(60, 300, 100), np.full(50, 300.0)])


def request(text: str = TEXT) -> BacktestRequest:
    """A market that falls by 40 % and then rises fivefold: with a lever of 3 and more nothing is left at the low."""
    close = np.round(CLOSES, 2)
    opened = np.concatenate([close[:1], close[:-1]])
    high, low = np.round(np.maximum(opened, close) + 0.1, 2), np.round(np.minimum(opened, close) - 0.1, 2)
    times = np.arange(len(close), dtype=np.int64) * HOUR_US
    bars = (times, opened, high, low, close, np.full(len(close), 1_000.0))
    return BacktestRequest(text, (MarketHistory(instrument("BTCUSDT"), "1h", *bars),))


def swept(folder: Path, text: str = TEXT, **options: object) -> SweepReport:
    asked = request(text)
    plan = SweepPlan(asked, parse_space(parse_strategy(text), ()), holdout=0.0, **options)  # type: ignore[arg-type]
    with SweepStore(folder, plan.manifest()) as store, processes(plan.job, 1) as workers:
        report = run_sweep(plan, workers, store)
        write_results(folder, plan, store, report)
    return report


@pytest.mark.parametrize("objective", ["sharpe", "return", "calmar", "drawdown"])
@pytest.mark.parametrize("search", ["grid", "tpe"])
def test_ruined_sets_are_marked_and_come_last(objective: str, search: str, tmp_path: Path) -> None:
    ranked = swept(tmp_path, objective=objective, search=Search(search, 4)).ranked

    marks = [(item.params["lever"], item.in_sample.ruined) for item in ranked]
    assert sorted(marks) == [(1, False), (2, False), (3, True), (4, True)]
    assert [ruined for _, ruined in marks] == [False, False, True, True]
    measured = pl.read_parquet(tmp_path / "results.parquet").sort("lever")
    assert measured["ruined"].to_list() == [0.0, 0.0, 1.0, 1.0]
    found = json.loads((tmp_path / "evidence.json").read_text())["report"]["ranked"]
    assert [item["in_sample"]["ruined"] for item in found] == [False, False, True, True]


def test_a_run_that_loses_everything_says_so_first() -> None:
    asked = request()

    result = VectorizedEngine().run(BacktestRequest(TEXT, asked.markets, {"lever": 4.0}))

    assert headlines(result)[0].startswith("RUINED: equity was -")
    assert result_document(result, statistics_of(result, asked.markets), {}, asked.markets)["ruined_at_ms"] is not None
    assert statistics_of(result, asked.markets)["cagr"] == -1.0
    assert not headlines(VectorizedEngine().run(BacktestRequest(TEXT, asked.markets, {"lever": 1.0})))


def test_sets_that_never_traded_are_counted_and_have_no_sharpe_ratio(tmp_path: Path) -> None:
    report = swept(tmp_path, text=TEXT.replace("close > 0", "close > 700 - 400 * lever"))

    assert (report.sets, report.sets_without_trades, len(report.ranked)) == (4, 1, 3)
    measured = pl.read_parquet(tmp_path / "results.parquet").sort("lever")
    assert measured.filter(pl.col("entries") == 0)["sharpe"].to_list() == [None]


@pytest.mark.parametrize("engine", ["vectorized", "futures"])
def test_sets_that_never_traded_are_named_with_what_refused_them(engine: str, tmp_path: Path) -> None:
    text = TEXT.replace("fraction_of_equity: lever", "fixed_qty: 0.01 * lever")
    report = swept(tmp_path, text=text, engine=engine)

    (idle,) = report.never_traded
    assert (report.sets_without_trades, idle.params) == (1, {"lever": 1.0})
    assert any(line.startswith("refused by risk:") and "min_notional" in line for line in idle.not_happened)
    found = json.loads((tmp_path / "evidence.json").read_text())["report"]["never_traded"]
    assert found == [{"params": {"lever": 1.0}, "not_happened": list(idle.not_happened)}]


def test_where_no_set_traded_the_answer_says_why(tmp_path: Path) -> None:
    text = TEXT.replace("fraction_of_equity: lever", "fixed_qty: 0.0001 * lever")
    with pytest.raises(ValueError, match=r"none of 4 parameter sets traded; of lever=1: refused by risk: .*min_qty"):
        swept(tmp_path, text=text)


@pytest.mark.parametrize("engine", ["vectorized", "futures"])
def test_figures_of_a_search_are_the_statistics_of_a_run(engine: str, tmp_path: Path) -> None:
    from tradewire.backtest.sweeps.tasks import ENGINES

    report = swept(tmp_path, engine=engine)

    measured = pl.read_parquet(tmp_path / "results.parquet")
    for item in report.ranked:
        asked = request()
        result = ENGINES[engine]().run(BacktestRequest(TEXT, asked.markets, item.params))
        stats, figures = statistics_of(result, asked.markets), item.in_sample
        names = set(SweepFigures.__dataclass_fields__) - {"ruined"}
        assert {name: getattr(figures, name) for name in names} == {name: stats[name] for name in names}
        row = measured.filter(pl.col("lever") == item.params["lever"]).row(0, named=True)
        for name in ("total_return", "max_drawdown", "sharpe"):
            expected = stats[name]
            assert row[name] == pytest.approx(0.0 if expected is None else float(expected), rel=1e-9)
