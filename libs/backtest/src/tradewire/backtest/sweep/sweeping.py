"""Runs a sweep: searches, keeps every result, and judges the best on bars that the search has not seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.statistics.overfitting import backtest_overfitting, deflated_sharpe, effective_trials
from tradewire.backtest.sweep.figures import (
    SHARPE,
    bars_per_year,
    figures_of_returns,
    figures_of_row,
    scores,
    shape_of,
    trade,
)
from tradewire.backtest.sweep.plan import BLOCKS, SweepPlan
from tradewire.backtest.sweep.report import Ranked, Stitched, SweepReport, WindowResult
from tradewire.backtest.sweep.space import ParamSet
from tradewire.backtest.sweep.spans import Window
from tradewire.backtest.sweep.store import SweepChangedError, SweepStore
from tradewire.backtest.sweep.tasks import MEASURES, Span, Task, closes
from tradewire.backtest.sweep.workers import Workers
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.backtest.vectorized.outcomes import block_counts
from tradewire.backtest.vectorized.results import left_out
from tradewire.trading.language import parse_strategy

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

Tick = Callable[[int, bool], None]
"""Called with how many sets were finished, and whether they were found in the store."""
TASK_SETS = 256
"""Most sets in a task: few enough to see progress, enough that indicators are shared."""
OVERFITTING_SETS = 4096
"""Sets at most that the probability of overfitting is estimated from: evenly spread over the search, and the best."""


def run_sweep(
    plan: SweepPlan, workers: Workers, store: SweepStore, tick: Tick = lambda done, stored: None
) -> SweepReport:
    """Search, judge and rank. What the store holds is not run again; the report doesn't depend on the workers.

    Each set that is ranked, or trades a test, passes the checks of BacktestPort.run.
    Raises: ValueError when no set traded, or as BacktestPort.run; SweepChangedError for a store of another sweep.
    """
    explorer = _Explorer(plan, workers, store, tick)
    explorer.explore(plan.searched)
    windows = [_walked(explorer, window) for window in plan.windows()]
    return _judged(explorer, windows)


@dataclass(frozen=True, slots=True, eq=False)
class _Explorer:
    plan: SweepPlan
    workers: Workers
    store: SweepStore
    tick: Tick

    def explore(self, span: Span) -> None:
        """Run the search over a span, into the store."""
        years = self.years(span)
        batches = self.plan.search.batches(self.plan.space)
        number = 0
        batch = next(batches, None)
        while batch:
            rows = self._rows(span, number, batch)
            number += len(batch)
            try:
                batch = batches.send(scores(self.plan.objective, rows, years))
            except StopIteration:
                return

    def years(self, span: Span) -> float:
        """Length of a span."""
        times = closes(self.plan.request.markets, span)
        per_year = bars_per_year(self.plan.times_us)
        return len(times) / per_year if per_year else 0.0

    def _rows(self, span: Span, first: int, batch: Sequence[ParamSet]) -> FloatArray:
        rows = np.empty((len(batch), len(MEASURES) + 2 * BLOCKS))
        stored = self.store.between(span.scope, first, first + len(batch))
        for number, (values, row) in stored.items():
            if values != batch[number - first]:
                raise SweepChangedError(
                    "the stored sweep tried other parameter sets (other versions?); give another --out"
                )
            rows[number - first] = row
        if stored:
            self.tick(len(stored), True)
        left = [number for number in range(first, first + len(batch)) if number not in stored]
        for task, found in self.workers.done(self._tasks(span, first, batch, left)):
            self.store.put(span.scope, task.numbers, task.sets, found)
            rows[[number - first for number in task.numbers]] = found
            self.tick(len(task.sets), False)
        return rows

    def _tasks(self, span: Span, first: int, batch: Sequence[ParamSet], left: Sequence[int]) -> Iterator[Task]:
        size = max(1, min(TASK_SETS, math.ceil(len(left) / (4 * self.workers.slots))))
        for at in range(0, len(left), size):
            numbers = tuple(left[at : at + size])
            yield Task(span, numbers, tuple(batch[number - first] for number in numbers))

    def ranked(self, span: Span, most: int) -> tuple[FloatArray, FloatArray, list[int]]:
        """Sets, measures, and the numbers of the best; of equal ones the earlier first. Raises: ValueError."""
        sets, rows = self.store.columns(span.scope, len(MEASURES))
        found = scores(self.plan.objective, rows, self.years(span))
        order = np.argsort(-np.where(np.isnan(found), -np.inf, found), kind="stable")
        best = [int(number) for number in order[:most] if not math.isnan(found[number])]
        if not best:
            raise ValueError("no parameter set traded; widen --params, or give more data")
        return sets, rows, best


def _walked(explorer: _Explorer, window: Window) -> tuple[WindowResult, FloatArray]:
    """Search a window's training, trade its best through the test."""
    plan = explorer.plan
    explorer.explore(window.train)
    sets, rows, (best,) = explorer.ranked(window.train, 1)
    values = _values(sets, best)
    traded = trade(plan.job, values, window.test, window.counted_us)
    per_year = bars_per_year(plan.times_us)
    result = WindowResult(
        window.train,
        Span(window.counted_us, window.test.end_us),
        _named(plan, values),
        figures_of_row(rows[best], per_year, explorer.years(window.train)),
        figures_of_returns(traded.returns, traded.trades, per_year),
    )
    return result, traded.returns


def _judged(explorer: _Explorer, walked: Sequence[tuple[WindowResult, FloatArray]]) -> SweepReport:
    plan, span = explorer.plan, explorer.plan.searched
    sets, rows, best = explorer.ranked(span, plan.top)
    counts = block_counts(len(closes(plan.request.markets, span)), BLOCKS)
    sample = explorer.store.sample(span.scope, max(1, len(sets) // OVERFITTING_SETS), best[0])[:, len(MEASURES) :]
    sums, squares = sample[:, :BLOCKS], sample[:, BLOCKS:]
    overfitting = backtest_overfitting(counts, sums, squares)
    share = effective_trials(sums / counts) / len(sample)
    trials = max(1.0, share * len(sets))
    variance = float(np.var(rows[:, SHARPE], ddof=1)) if len(rows) > 1 else 0.0
    ranked = tuple(_ranked(explorer, _values(sets, number), rows[number], variance, trials) for number in best)
    return SweepReport(
        strategy_id=parse_strategy(plan.request.strategy).id,
        objective=plan.objective,
        search=plan.search.kind,
        engine=plan.engine,
        names=plan.space.names,
        searched=span,
        held_out=None if plan.window is None else Span(plan.window.counted_us, plan.window.test.end_us),
        embargo_us=plan.embargo_us,
        sets=len(sets),
        effective_trials=trials,
        overfitting=overfitting,
        ranked=ranked,
        windows=tuple(result for result, _ in walked),
        stitched=_stitched(plan, walked),
        left_out=_left_out(plan),
    )


def _left_out(plan: SweepPlan) -> tuple[str, ...]:
    """The futures engine models all that can be asked for."""
    if plan.engine != VectorizedEngine.name:
        return ()
    return left_out(plan.request.account, plan.request.markets)


def _ranked(explorer: _Explorer, values: ParamSet, row: FloatArray, variance: float, trials: float) -> Ranked:
    """One of the best, with its evidence."""
    plan, span = explorer.plan, explorer.plan.searched
    per_year = bars_per_year(plan.times_us)
    inside = trade(plan.job, values, span, span.begin_us)
    skew, kurtosis = shape_of(inside.returns)
    outside = None
    if plan.window is not None:
        traded = trade(plan.job, values, plan.window.test, plan.window.counted_us)
        outside = figures_of_returns(traded.returns, traded.trades, per_year)
    return Ranked(
        _named(plan, values),
        figures_of_row(row, per_year, explorer.years(span)),
        outside,
        deflated_sharpe(float(row[SHARPE]), len(inside.returns), skew, kurtosis, variance, trials),
    )


def _stitched(plan: SweepPlan, walked: Sequence[tuple[WindowResult, FloatArray]]) -> Stitched | None:
    """The tests one after another as one account, and the mean of what training promised."""
    if not walked:
        return None
    returns = np.concatenate([part for _, part in walked])
    trades = sum(result.out_of_sample.trades for result, _ in walked)
    promised = [result.in_sample.sharpe for result, _ in walked]
    return Stitched(
        figures_of_returns(returns, trades, bars_per_year(plan.times_us)), float(np.mean(promised)), len(returns)
    )


def _values(sets: FloatArray, number: int) -> ParamSet:
    return tuple(float(value) for value in sets[number])


def _named(plan: SweepPlan, values: ParamSet) -> dict[str, float]:
    return dict(zip(plan.space.names, values, strict=True))
