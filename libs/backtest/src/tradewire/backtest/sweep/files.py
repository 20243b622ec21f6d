"""Files of a sweep: every set with its measures, and the evidence for the best."""

from __future__ import annotations

import hashlib
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


def evidence_line(folder: Path, report: SweepReport) -> str:
    """The evidence in a line: what was found, and the sha256 of the file that shows it."""
    digest = hashlib.sha256((folder / EVIDENCE).read_bytes()).hexdigest()
    best, risk = report.best, report.overfitting
    words = [f"sweep evidence sha256:{digest}", f"best of {report.sets} sets by {report.objective}"]
    if best.out_of_sample is not None:
        words.append(f"Sharpe {best.in_sample.sharpe:.2f} in sample, {best.out_of_sample.sharpe:.2f} out of sample")
    if best.deflated_sharpe is not None:
        words.append(f"deflated Sharpe {best.deflated_sharpe:.3f}")
    if risk is not None:
        words.append(f"probability of overfitting {risk.probability:.2f}")
    return "; ".join(words)
