"""Parameter search from Python."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict, Unpack, get_type_hints

import numpy as np
import pandas as pd

from tradewire.backtest.asking import BacktestSettings, request_of
from tradewire.backtest.frames import Data
from tradewire.backtest.sweeps import (
    Search,
    SweepPlan,
    SweepReport,
    SweepStore,
    parse_space,
    parse_walk_forward,
    processes,
    run_sweep,
)
from tradewire.backtest.sweeps.files import write_results
from tradewire.ports.backtest import BacktestRequest
from tradewire.trading.language import INTERVALS_US, parse_strategy, with_defaults


class Judging(TypedDict, total=False):
    """How a search is judged, as the options of ``tradewire sweep``.

    ``search``: grid, random or tpe, with ``trials`` and ``seed``; ``objective``: sharpe, return, calmar or drawdown;
    ``holdout``: last share of the bars that is kept unseen, by windows too; ``walk_forward``: TRAIN:TEST[:STEP], bars
    or as 180d:30d; ``anchored``; ``embargo``: bars; ``engine``: vectorized or futures; ``jobs``: processes; ``top``:
    sets that are ranked; ``out``: folder of the results, from which a stopped sweep goes on.
    """

    search: str
    trials: int
    seed: int
    objective: str
    holdout: float
    walk_forward: str | None
    anchored: bool
    embargo: int | None
    engine: str
    jobs: int
    top: int
    out: str | Path | None


class SweepSettings(BacktestSettings, Judging, total=False):
    """Everything that a sweep may be asked for."""


@dataclass(frozen=True)
class Sweep:
    """A finished search: what was tried and what came of it. In a notebook it shows the ranked sets."""

    plan: SweepPlan
    report: SweepReport

    @property
    def best(self) -> Mapping[str, float]:
        """The parameters of the best set."""
        return self.report.best.params

    @property
    def best_strategy(self) -> str:
        """The strategy's text with the best set as its defaults."""
        return with_defaults(self.plan.request.strategy, self.best)

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """A row a ranked set, the best first: parameters, figures in and out of sample, deflated Sharpe ratio."""
        rows = []
        for item in self.report.ranked:
            inside, outside = item.in_sample, item.out_of_sample
            beyond = {} if outside is None else {"sharpe_oos": outside.sharpe, "return_oos": outside.total_return}
            own = {"sharpe": inside.sharpe, "return": inside.total_return, "max_drawdown": inside.max_drawdown}
            judged = {"trades": inside.trades + inside.open_trades, "ruined": inside.ruined}
            rows.append({**item.params, **own, **judged, **beyond, "deflated_sharpe": item.deflated_sharpe})
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return f"<Sweep {self.report.strategy_id}: {self.report.sets:,} sets, best {dict(self.best)}>"

    def _repr_html_(self) -> str:
        return str(self.ranked.to_html())


def sweep(
    strategy: str | Path,
    data: Data,
    space: str | Sequence[str] = (),
    *,
    where: str | Sequence[str] = (),
    **settings: Unpack[SweepSettings],
) -> Sweep:
    """Try many parameter sets; rank them in and out of sample.

    Parameters: strategy, data: as of `run`; space: ``"fast_len=5:60:5"``, a text a parameter, as ``--params`` of
    ``tradewire sweep``, by default all over the file's ranges; where: conditions, ``"fast_len < slow_len"``; settings:
    those of `run` and of `Judging`.
    Raises: as `run`; ValueError also for a space or a setting out of range, and when no set traded.
    """
    words = {name: _judging(name, value) for name, value in settings.items() if name in Judging.__annotations__}
    own = {name: value for name, value in settings.items() if name not in words}
    jobs, out = words.pop("jobs", 1), words.pop("out", None)
    asked = _texts("space", space), _texts("where", where)
    plan = _plan(request_of(strategy, data, **own), *asked, words)  # type: ignore[arg-type]  # what is left is Settings
    with ExitStack() as stack:
        folder = Path(str(out)) if out else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tradewire-")))
        store = stack.enter_context(SweepStore(folder, plan.manifest()))
        report = run_sweep(plan, stack.enter_context(processes(plan.job, int(str(jobs)))), store)
        if out is not None:
            write_results(folder, plan, store, report)
    return Sweep(plan, report)


def _plan(request: BacktestRequest, space: Sequence[str], where: Sequence[str], words: Mapping[str, Any]) -> SweepPlan:
    """The plan of a search; ``words``: those of `Judging`. Raises: ValueError."""
    document, rest = parse_strategy(request.strategy), dict(words)
    text, anchored = rest.pop("walk_forward", None), rest.pop("anchored", False)
    interval_us = INTERVALS_US[document.interval]
    walk = None if text is None else parse_walk_forward(text, interval_us, anchored=anchored)
    search = Search(rest.pop("search", "grid"), rest.pop("trials", 500), rest.pop("seed", 0))
    return SweepPlan(request, parse_space(document, space, where), search, walk_forward=walk, **rest)


def _texts(what: str, words: str | Sequence[str]) -> Sequence[str]:
    """One text or several. Raises: ValueError for anything else."""
    found = (words,) if isinstance(words, str) else words
    if not isinstance(found, Sequence) or not all(isinstance(word, str) for word in found):
        raise ValueError(f"{what}: found {words!r}, allowed one text or several, as for the command")
    return found


def _judging(name: str, value: object) -> object:
    """A setting of `Judging` in its own type. Raises: ValueError for one of another."""
    kind = get_type_hints(Judging)[name]
    plain = value.item() if isinstance(value, np.generic) else value
    if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    if not isinstance(plain, kind) or (isinstance(plain, bool) and kind is not bool):
        raise ValueError(f"{name}: found {value!r}, allowed {getattr(kind, '__name__', kind)}")
    return plain
