"""The evidence of a sweep as names and texts, which go with a strategy to the registry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tradewire.backtest.data.errors import iso_of
from tradewire.backtest.report.code_version import code_version
from tradewire.backtest.sweeps.figures import SweepFigures
from tradewire.backtest.sweeps.files import EVIDENCE
from tradewire.backtest.sweeps.plan import SweepPlan
from tradewire.backtest.sweeps.report import SweepReport
from tradewire.backtest.sweeps.tasks import SweepSpan


def evidence_of(folder: Path, plan: SweepPlan, report: SweepReport) -> dict[str, str]:
    """What speaks for the best set and against it: figures, inputs by sha256, and that of the file with all of it.

    Figures are the statistics of `tradewire backtest`, ratios as shares; what was not measured is left out.
    """
    best, manifest = report.best, plan.manifest()
    found = {
        "source": f"sweep, {report.search} search by {report.objective}, {report.engine} engine",
        "params": " ".join(f"{name}={value:g}" for name, value in best.params.items()),
        "sets": str(report.sets),
        "effective_trials": f"{report.effective_trials:.1f}",
        "searched": _span(report.searched),
        **_figures("in_sample", best.in_sample),
    }
    if report.held_out is not None and best.out_of_sample is not None:
        found |= {"held_out": _span(report.held_out), **_figures("out_of_sample", best.out_of_sample)}
    if best.deflated_sharpe is not None:
        found["deflated_sharpe"] = f"{best.deflated_sharpe:.4f}"
    if report.overfitting is not None:
        found["overfitting_probability"] = f"{report.overfitting.probability:.4f}"
    if report.stitched is not None:
        found |= _figures("walk_forward", report.stitched.out_of_sample)
    return found | {
        "data_sha256": str(manifest["data"]),
        "strategy_sha256": str(manifest["strategy"]),
        "evidence_sha256": hashlib.sha256((folder / EVIDENCE).read_bytes()).hexdigest(),
        "code_version": code_version(),
    }


def evidence_line(evidence: Mapping[str, str]) -> str:
    """The evidence in a line, for the top of a strategy file."""
    named = ("sharpe_in_sample", "sharpe_out_of_sample", "deflated_sharpe", "overfitting_probability")
    words = [f"{name} {evidence[name]}" for name in named if name in evidence]
    return "; ".join([f"sweep evidence sha256:{evidence['evidence_sha256']}", f"best of {evidence['sets']}", *words])


def _figures(where: str, figures: SweepFigures) -> dict[str, str]:
    told = {
        f"sharpe_{where}": _digits(figures.sharpe, 4),
        f"return_{where}": _digits(figures.total_return, 6),
        f"drawdown_{where}": _digits(figures.max_drawdown, 6),
        f"trades_{where}": str(figures.trades),
        f"ruined_{where}": "yes" if figures.ruined else None,
    }
    return {name: text for name, text in told.items() if text is not None}


def _digits(value: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}"


def _span(span: SweepSpan) -> str:
    return f"{iso_of(span.begin_us)} to {iso_of(span.end_us)}"
