"""Searches, their store, and what they report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewire.backtest.data import MarketFiles, load_markets
from tradewire.backtest.report import data_hash
from tradewire.backtest.sweeps import (
    Search,
    SweepChangedError,
    SweepPlan,
    SweepReport,
    SweepStore,
    WalkForward,
    parse_space,
    parse_walk_forward,
    processes,
    run_sweep,
)
from tradewire.backtest.sweeps.constraint import Constraint
from tradewire.backtest.sweeps.evidence import evidence_line, evidence_of
from tradewire.backtest.sweeps.files import write_results
from tradewire.backtest.sweeps.tasks import MEASURES, Task
from tradewire.backtest.sweeps.workers import Here
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import BacktestRequest
from tradewire.trading.language import compile_strategy, parse_strategy

ROOT = Path(__file__).parents[4]
TEXT = (ROOT / "strategies/ema-cross-btc.yaml").read_text()
DOCUMENT = parse_strategy(TEXT)
HOUR_US = 3_600_000_000
SPACE = parse_space(DOCUMENT, ["fast_len=5:20:5", "slow_len=10,20,30"], ["fast_len < slow_len"])


@pytest.fixture(scope="module")
def request_() -> BacktestRequest:
    files = MarketFiles(data=(str(ROOT / "data/sample/coinbase-BTCUSD-1h.csv"),))
    end_us = 1_498_906_800_000_000 + 2400 * HOUR_US
    return BacktestRequest(TEXT, load_markets(compile_strategy(DOCUMENT), files, end_us=end_us))


def swept(plan: SweepPlan, folder: Path, jobs: int = 1) -> SweepReport:
    with SweepStore(folder, plan.manifest()) as store, processes(plan.job, jobs) as workers:
        return run_sweep(plan, workers, store)


def test_space_by_range_list_and_the_files_own_range() -> None:
    assert SPACE.levels == {"fast_len": (5, 10, 15, 20), "slow_len": (10, 20, 30)}
    assert list(SPACE.sets())[:4] == [(5, 10), (5, 20), (5, 30), (10, 20)]
    assert SPACE.count() == 8
    assert parse_space(DOCUMENT, ()).size == 56 * 96
    assert [SPACE.at(number) for number in (0, 1, 3)] == [(5, 10), (5, 20), (10, 10)]


@pytest.mark.parametrize(
    ("words", "where", "message"),
    [
        (["fast=5:10:1"], [], "did you mean fast_len"),
        (["fast_len=1:10:1"], [], "allowed 5 to 60"),
        (["fast_len=5:10:0.5"], [], "whole numbers"),
        (["fast_len=10:5:1"], [], "LOW <= HIGH"),
        (["fast_len=a"], [], "allowed fast_len=LOW:HIGH:STEP"),
        (["fast_len=5", "fast_len=6"], [], "twice"),
        (["fast_len"], ["fast_len > 100"], "no parameter set meets"),
        (["fast_len"], ["__import__('os')"], "allowed comparisons"),
        (["fast_len"], ["fast_len < slow_len"], "found 'slow_len'"),
        (["fast_len"], ["fast_len <"], "allowed a comparison"),
    ],
)
def test_faults_of_a_space_are_named(words: list[str], where: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        parse_space(DOCUMENT, words, where)


def test_constraints_compute_and_compare() -> None:
    condition = Constraint("a < b <= 2 * a and not b - a == 1 or a / b > -a", ("a", "b"))
    assert condition.holds({"a": 2, "b": 4})
    assert not Constraint("1 / a > 0", ("a",)).holds({"a": 0})


def test_rows_are_those_of_single_runs(request_: BacktestRequest, tmp_path: Path) -> None:
    plan = SweepPlan(request_, SPACE, holdout=0)
    with SweepStore(tmp_path, plan.manifest()) as store:
        run_sweep(plan, Here(plan.job), store)
        sets, rows = store.columns(plan.searched.scope, len(MEASURES))
    for values, row in zip(sets, rows, strict=True):
        params = dict(zip(SPACE.names, map(float, values), strict=True))
        result = VectorizedEngine().run(replace(request_, params=params))
        assert row[MEASURES.index("final_equity")] == result.equity_e8[-1] / 1e8


@pytest.mark.parametrize("kind", ["grid", "random", "tpe"])
def test_processes_and_searches_change_nothing_but_what_is_tried(
    request_: BacktestRequest, tmp_path: Path, kind: str
) -> None:
    plan = SweepPlan(request_, SPACE, Search(kind, 6, seed=3))
    alone = swept(plan, tmp_path / "one")

    assert alone == swept(plan, tmp_path / "two", jobs=2)
    assert alone.sets == (8 if kind == "grid" else 6)
    assert alone.best.out_of_sample is not None
    sharpes = [item.in_sample.sharpe for item in alone.ranked]
    assert None not in sharpes
    assert sharpes == sorted(sharpes, reverse=True)  # type: ignore[type-var]  # none is None


class Stopping(Here):
    """Ends like a kill after some tasks."""

    def __init__(self, job: Any, after: int) -> None:
        super().__init__(job)
        self.left, self.slots = after, 4

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, np.ndarray]]:
        for found in super().done(tasks):
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            yield found


@pytest.mark.parametrize("kind", ["grid", "tpe"])
def test_a_stopped_sweep_goes_on_where_it_was(request_: BacktestRequest, tmp_path: Path, kind: str) -> None:
    plan = SweepPlan(request_, SPACE, Search(kind, 8))
    whole = swept(plan, tmp_path / "whole")
    with SweepStore(tmp_path / "cut", plan.manifest()) as store, pytest.raises(KeyboardInterrupt):
        run_sweep(plan, Stopping(plan.job, 3), store)
    seen = {True: 0, False: 0}

    def tick(done: int, stored: bool) -> None:
        seen[stored] += done

    with SweepStore(tmp_path / "cut", plan.manifest()) as store:
        assert run_sweep(plan, Here(plan.job), store, tick) == whole
    assert seen == {True: 3, False: 5}


def test_a_folder_of_another_sweep_is_refused(request_: BacktestRequest, tmp_path: Path) -> None:
    plan = SweepPlan(request_, SPACE)
    with SweepStore(tmp_path, plan.manifest()):
        pass
    with pytest.raises(SweepChangedError, match="another strategy"):
        SweepStore(tmp_path, replace(plan, request=replace(request_, strategy=TEXT + "# more\n")).manifest())
    with pytest.raises(SweepChangedError, match="another search"):
        SweepStore(tmp_path, replace(plan, search=Search("random")).manifest())


def test_windows_leave_an_embargo_between_training_and_test() -> None:
    walk = parse_walk_forward("10d:120", HOUR_US)
    windows = walk.windows(0, 500 * HOUR_US, 24 * HOUR_US)
    assert [window.test.begin_us // HOUR_US for window in windows] == [240, 360, 480]
    assert [window.train.begin_us // HOUR_US for window in windows] == [0, 120, 240]
    assert all(window.test.begin_us - window.train.end_us == 24 * HOUR_US for window in windows)
    assert windows[-1].test.end_us == 500 * HOUR_US
    anchored = WalkForward(walk.train_us, walk.test_us, walk.step_us, anchored=True)
    assert {window.train.begin_us for window in anchored.windows(0, 500 * HOUR_US, 0)} == {0}
    for text in ("10d", "10d:x", "0:5", "90m:5", "10d:5:4"):
        with pytest.raises(ValueError, match="--walk-forward"):
            parse_walk_forward(text, HOUR_US)
    with pytest.raises(ValueError, match="embargo"):
        walk.windows(0, 500 * HOUR_US, 121 * HOUR_US)


def test_what_is_chosen_does_not_depend_on_bars_held_out(request_: BacktestRequest, tmp_path: Path) -> None:
    walk = parse_walk_forward("1200:600", HOUR_US)
    plan = SweepPlan(request_, SPACE, walk_forward=walk)
    (market,) = request_.markets
    seen = np.searchsorted(market.open_time_us, plan.searched.end_us)
    scale = np.where(np.arange(len(market)) < seen, 1.0, 2.0)
    moved = {name: getattr(market, name) * scale for name in ("open", "high", "low", "close")}
    other = replace(plan, request=replace(request_, markets=(replace(market, **moved),)))

    first, second = swept(plan, tmp_path / "a"), swept(other, tmp_path / "b")
    assert [item.params for item in first.ranked] == [item.params for item in second.ranked]
    assert [item.in_sample for item in first.ranked] == [item.in_sample for item in second.ranked]
    assert first.ranked[0].out_of_sample != second.ranked[0].out_of_sample
    assert first.windows[0].params == second.windows[0].params
    assert first.stitched is not None
    gained = np.prod([1 + (window.out_of_sample.total_return or 0.0) for window in first.windows]) - 1
    assert first.stitched.out_of_sample.total_return == pytest.approx(gained)


def test_futures_engine_sweeps_too(request_: BacktestRequest, tmp_path: Path) -> None:
    space = parse_space(DOCUMENT, ["fast_len=5,10", "slow_len=20"])
    exact = swept(SweepPlan(request_, space, engine="futures"), tmp_path / "f")
    arrays = swept(SweepPlan(request_, space), tmp_path / "v")
    assert [item.params for item in exact.ranked] == [item.params for item in arrays.ranked]
    assert exact.best.in_sample.total_return == pytest.approx(arrays.best.in_sample.total_return, abs=1e-9)


def test_evidence_names_figures_and_inputs_as_the_report_has_them(request_: BacktestRequest, tmp_path: Path) -> None:
    plan = SweepPlan(request_, SPACE, holdout=0.25)
    with SweepStore(tmp_path, plan.manifest()) as store, processes(plan.job, 1) as workers:
        report = run_sweep(plan, workers, store)
        write_results(tmp_path, plan, store, report)

    found = evidence_of(tmp_path, plan, report)

    best = report.best
    assert best.out_of_sample is not None
    assert found["sharpe_in_sample"] == f"{best.in_sample.sharpe:.4f}"
    assert found["sharpe_out_of_sample"] == f"{best.out_of_sample.sharpe:.4f}"
    assert found["trades_in_sample"] == str(best.in_sample.trades)
    assert found["params"] == " ".join(f"{name}={value:g}" for name, value in best.params.items())
    assert found["data_sha256"] == data_hash(request_.markets)
    assert found["evidence_sha256"] == hashlib.sha256((tmp_path / "evidence.json").read_bytes()).hexdigest()
    assert {"deflated_sharpe", "overfitting_probability", "searched", "held_out"} <= set(found)
    assert found["evidence_sha256"] in evidence_line(found)
    assert "\n" not in evidence_line(found)


def test_evidence_leaves_out_what_was_not_measured(request_: BacktestRequest, tmp_path: Path) -> None:
    plan = SweepPlan(request_, SPACE, holdout=0)
    with SweepStore(tmp_path, plan.manifest()) as store, processes(plan.job, 1) as workers:
        report = run_sweep(plan, workers, store)
        write_results(tmp_path, plan, store, report)

    found = evidence_of(tmp_path, plan, report)

    assert not [name for name in found if name.endswith("_out_of_sample") or name == "held_out"]
