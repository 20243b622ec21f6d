"""Files of a sweep: every set with its measures, and the evidence for the best."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import polars as pl

from tradewire.backtest.sweep.plan import SweepPlan
from tradewire.backtest.sweep.report import SweepReport
from tradewire.backtest.sweep.store import SweepStore
from tradewire.backtest.sweep.tasks import MEASURES

EVIDENCE = "evidence.json"


def write_results(folder: Path, plan: SweepPlan, store: SweepStore, report: SweepReport) -> None:
    """``results.parquet``: all sets in the search's order; ``evidence.json``: inputs by hash, and the report."""
    sets, rows = store.columns(plan.searched.scope, len(MEASURES))
    columns = {name: sets[:, place] for place, name in enumerate(plan.space.names)}
    measured = {f"measure.{name}" if name in columns else name: rows[:, i] for i, name in enumerate(MEASURES)}
    pl.DataFrame({**columns, **measured}).write_parquet(folder / "results.parquet")
    document = {"inputs": dict(plan.manifest()), "report": asdict(report)}
    (folder / EVIDENCE).write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
