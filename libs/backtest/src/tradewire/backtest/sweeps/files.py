"""Files of a sweep: every set with its measures, and the evidence for the best."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl

from tradewire.backtest.data.writing import write_parquet
from tradewire.backtest.statistics.sampling import periods_per_year
from tradewire.backtest.sweeps.plan import SweepPlan
from tradewire.backtest.sweeps.report import SweepReport
from tradewire.backtest.sweeps.store import SweepStore
from tradewire.backtest.sweeps.tasks import MEASURES, closes
from tradewire.backtest.whole_file import whole_file, write_whole

EVIDENCE = "evidence.json"
_IN_STATISTICS = {"max_drawdown": -1.0}
"""Factor from a measure to the statistic of its name."""


def write_results(folder: Path, plan: SweepPlan, store: SweepStore, report: SweepReport) -> None:
    """``results.parquet``: all sets in the search's order; ``evidence.json``: inputs by hash, and the report.

    Measures mean what the statistics of these names do, with ``entries`` that filled in place of closed trades; there
    is no ``sharpe`` of a set that never traded.
    """
    sets, rows = store.columns(plan.searched.scope, len(MEASURES))
    periods = periods_per_year(closes(plan.request.markets, plan.searched))
    rows = rows * np.array([_IN_STATISTICS.get(name, 1.0) for name in MEASURES])
    rows[:, MEASURES.index("sharpe")] *= math.sqrt(periods or math.nan)
    rows[rows[:, MEASURES.index("trades")] == 0.0, MEASURES.index("sharpe")] = math.nan
    columns = {name: sets[:, place] for place, name in enumerate(plan.space.names)}
    measured = {
        f"measure.{name}" if name in columns else name: rows[:, i]
        for i, name in enumerate("entries" if measure == "trades" else measure for measure in MEASURES)
    }
    with whole_file(folder / "results.parquet") as part:
        write_parquet(pl.DataFrame({**columns, **measured}, nan_to_null=True), part)
    document = {"inputs": dict(plan.manifest()), "report": asdict(report)}
    write_whole(folder / EVIDENCE, json.dumps(document, indent=1, allow_nan=False) + "\n")
