"""Runs a sweep: searches, keeps every result, and judges the best on bars that the search has not seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.documents import document_of
from tradewire.backtest.not_happened import lines_below, never_ready_line, not_happened
from tradewire.backtest.statistics.overfitting import backtest_overfitting, deflated_sharpe, effective_trials
from tradewire.backtest.statistics.sampling import simple_returns
from tradewire.backtest.statistics.summary import equity_of
from tradewire.backtest.sweeps.absences import absences
from tradewire.backtest.sweeps.figures import (
    SHARPE,
    TRADES,
    figures_of,
    figures_of_accounts,
    run_set,
    scores,
    shape_of,
    years_of,
)
from tradewire.backtest.sweeps.plan import BLOCKS, SweepPlan
from tradewire.backtest.sweeps.report import (
    NeverTraded,
    Ranked,
    SkippedWindow,
    Stitched,
    SweepReport,
    WindowResult,
)
from tradewire.backtest.sweeps.space import ParamSet
from tradewire.backtest.sweeps.spans import Window
from tradewire.backtest.sweeps.store import SweepChangedError, SweepStore
from tradewire.backtest.sweeps.tasks import MEASURES, SweepSpan, Task, closes
from tradewire.backtest.sweeps.workers import Workers
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.backtest.vectorized.outcomes import block_counts
from tradewire.backtest.vectorized.results import left_out
from tradewire.backtest.warmup import ready_from_us
from tradewire.ports.backtest import BacktestResult

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

Tick = Callable[[int, bool], None]
"""Called with how many sets were finished, and whether they were found in the store."""
TASK_SETS = 256
"""Most sets in a task: few enough to see progress, enough that indicators are shared."""
IDLE_SHOWN = 3
"""Sets without a trade that are run again to tell why."""
OVERFITTING_SETS = 4096
"""Sets at most that the probability of overfitting is estimated from: evenly spread over the search, and the best."""


_Walked = tuple[WindowResult, BacktestResult] | SkippedWindow


class NoSetTradedError(ValueError):
    """No parameter set traded on the bars that were searched."""


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

    def explore(self, span: SweepSpan) -> None:
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

    def years(self, span: SweepSpan) -> float:
        """From a span's first close to its last."""
        return years_of(closes(self.plan.request.markets, span))

    def _rows(self, span: SweepSpan, first: int, batch: Sequence[ParamSet]) -> FloatArray:
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

    def _tasks(self, span: SweepSpan, first: int, batch: Sequence[ParamSet], left: Sequence[int]) -> Iterator[Task]:
        size = max(1, min(TASK_SETS, math.ceil(len(left) / (4 * self.workers.slots))))
        for at in range(0, len(left), size):
            numbers = tuple(left[at : at + size])
            yield Task(span, numbers, tuple(batch[number - first] for number in numbers))

    def ranked(self, span: SweepSpan, most: int) -> tuple[FloatArray, FloatArray, list[int]]:
        """Sets, measures, and the numbers of the best; of equal ones the earlier first. Raises: ValueError."""
        sets, rows = self.store.columns(span.scope, len(MEASURES))
        found = scores(self.plan.objective, rows, self.years(span))
        traded = np.flatnonzero(~np.isnan(found))
        best: list[int] = traded[np.argsort(-found[traded], kind="stable")][:most].tolist()
        if not best:
            raise NoSetTradedError(self._why_none_traded(span, sets))
        return sets, rows, best

    def _why_none_traded(self, span: SweepSpan, sets: FloatArray) -> str:
        """What became of the signals of the first set, which stands for the others."""
        first = self.idle(span, _values(sets, 0))
        told = ", ".join(f"{name}={value:g}" for name, value in first.params.items())
        return f"none of {len(sets):,} parameter sets traded; of {told}: {'; '.join(first.not_happened)}"

    def idle(self, span: SweepSpan, values: ParamSet) -> NeverTraded:
        """A set that never traded, and why."""
        result = run_set(self.plan.job, values, span)
        never = never_ready_line(result)
        lines = [*([never] if never else []), *lines_below(result)] or ["no rule asked for a trade"]
        return NeverTraded(_named(self.plan, values), tuple(lines))


def _walked(explorer: _Explorer, window: Window) -> _Walked:
    """Search a window's training, trade its best through the test."""
    plan = explorer.plan
    for name, span in (("training", window.train), ("test", window.test)):
        if not len(closes(plan.request.markets, span)):
            return SkippedWindow(window.train, window.test, f"no market has a bar in its {name}")
    explorer.explore(window.train)
    try:
        sets, _, (best,) = explorer.ranked(window.train, 1)
    except NoSetTradedError as error:
        return SkippedWindow(window.train, window.test, str(error))
    values = _values(sets, best)
    inside, outside = run_set(plan.job, values, window.train), run_set(plan.job, values, window.test)
    named, figures = _named(plan, values), (figures_of(inside), figures_of(outside))
    return WindowResult(window.train, window.test, named, *figures), outside


def _judged(explorer: _Explorer, walked: Sequence[_Walked]) -> SweepReport:
    plan, span = explorer.plan, explorer.plan.searched
    sets, rows, best = explorer.ranked(span, plan.top)
    counts = block_counts(len(closes(plan.request.markets, span)), BLOCKS)
    sample = explorer.store.sample(span.scope, max(1, len(sets) // OVERFITTING_SETS), best[0])[:, len(MEASURES) :]
    sums, squares = sample[:, :BLOCKS], sample[:, BLOCKS:]
    overfitting = backtest_overfitting(counts, sums, squares)
    share = effective_trials(sums / np.maximum(counts, 1)) / len(sample)
    trials = max(1.0, share * len(sets))
    variance = float(np.var(rows[:, SHARPE], ddof=1)) if len(rows) > 1 else 0.0
    judged = (_ranked(explorer, _values(sets, number), rows[number], variance, trials) for number in best)
    first, inside = next(judged)
    activity, lines = inside.activity, tuple(not_happened(inside))
    idle = np.flatnonzero(rows[:, TRADES] == 0.0)
    tested = [one for one in walked if not isinstance(one, SkippedWindow)]
    return SweepReport(
        strategy_id=document_of(plan.request.strategy).id,
        objective=plan.objective,
        search=plan.search.kind,
        engine=plan.engine,
        names=plan.space.names,
        searched=span,
        held_out=None if plan.window is None else plan.window.test,
        embargo_us=plan.embargo_us,
        sets=len(sets),
        sets_without_trades=len(idle),
        never_traded=tuple(explorer.idle(span, _values(sets, number)) for number in idle[:IDLE_SHOWN].tolist()),
        effective_trials=trials,
        overfitting=overfitting,
        ranked=(first, *(item for item, _ in judged)),
        windows=tuple(result for result, _ in tested),
        skipped_windows=tuple(one for one in walked if isinstance(one, SkippedWindow)),
        stitched=_stitched(tested),
        ready_from_us=ready_from_us(plan.job.asked(_values(sets, best[0]), span)),
        activity=activity,
        not_happened=lines,
        left_out=_left_out(plan),
        no_bars=tuple(absences(plan, plan.windows())),
    )


def _left_out(plan: SweepPlan) -> tuple[str, ...]:
    """The futures engine models all that can be asked for."""
    if plan.engine != VectorizedEngine.name:
        return ()
    return left_out(plan.request.account, plan.request.markets)


def _ranked(
    explorer: _Explorer, values: ParamSet, row: FloatArray, variance: float, trials: float
) -> tuple[Ranked, BacktestResult]:
    """One of the best, with its evidence, and its run on the bars searched."""
    plan, span = explorer.plan, explorer.plan.searched
    inside = run_set(plan.job, values, span)
    returns = simple_returns(equity_of(inside))
    skew, kurtosis = shape_of(returns)
    ranked = Ranked(
        _named(plan, values),
        figures_of(inside),
        None if plan.window is None else figures_of(run_set(plan.job, values, plan.window.test)),
        deflated_sharpe(float(row[SHARPE]), len(returns), skew, kurtosis, variance, trials),
    )
    return ranked, inside


def _stitched(walked: Sequence[tuple[WindowResult, BacktestResult]]) -> Stitched | None:
    """The tests one after another as one account, and the mean of what training promised."""
    if not walked:
        return None
    accounts = [account for _, account in walked]
    promised = [result.in_sample.sharpe for result, _ in walked if result.in_sample.sharpe is not None]
    mean = float(np.mean(promised)) if promised else None
    return Stitched(figures_of_accounts(accounts), mean, sum(len(account.time_us) for account in accounts))


def _values(sets: FloatArray, number: int) -> ParamSet:
    return tuple(float(value) for value in sets[number])


def _named(plan: SweepPlan, values: ParamSet) -> dict[str, float]:
    return dict(zip(plan.space.names, values, strict=True))
