"""What a sweep found, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from tradewire.app.cli.moments import iso
from tradewire.app.cli.output import out, tell
from tradewire.app.cli.research import ready_line
from tradewire.backtest.sweeps import SweepReport, SweepSpan
from tradewire.backtest.sweeps.figures import SweepFigures
from tradewire.backtest.sweeps.heat_map import HeatMap, picture


def show(report: SweepReport, found: HeatMap | None, data: Sequence[str] = ()) -> None:
    """The answer as text."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (*report.names, "Sharpe", "return", "drawdown", "trades", "Sharpe oos", "return oos", "DSR"):
        table.add_column(name, justify="right", overflow="fold")
    for item in report.ranked:
        inside, outside = item.in_sample, item.out_of_sample
        beyond = ("–", "–") if outside is None else (_ratio(outside.sharpe), _share(outside))
        table.add_row(
            *(f"{value:g}" for value in item.params.values()),
            _ratio(inside.sharpe),
            _share(inside),
            "–" if inside.max_drawdown is None else f"{inside.max_drawdown:.1%}",
            f"{inside.trades + inside.open_trades:,}",
            *beyond,
            "–" if item.deflated_sharpe is None else f"{item.deflated_sharpe:.3f}",
        )
    idle = f"; {report.sets_without_trades:,} of them never traded" if report.sets_without_trades else ""
    tell(f"{report.strategy_id}: best of {report.sets:,} sets by {report.objective}, {report.search} search{idle}")
    tell(f"searched {_dates(report.searched)}" + (f"; unseen {_dates(report.held_out)}" if report.held_out else ""))
    out.print(table)
    tell(f"the best set is {ready_line(report.ready_from_us)}")
    best = (f"of the best set: {line}" for line in report.not_happened)
    for line in (*report.no_bars, *_never_traded(report), *best, *data):
        tell(line)
    risk = "–" if report.overfitting is None else f"{report.overfitting.probability:.2f}"
    tell(f"probability of backtest overfitting {risk}; effective trials {report.effective_trials:,.1f}")
    tell("DSR: probability that the Sharpe ratio is above what so many trials show by luck; oos: out of sample")
    _show_windows(report)
    for sentence in report.left_out:
        tell(f"left out: {sentence}")
    if found is not None:
        out.print(picture(found, min(out.width, 120)))


def _never_traded(report: SweepReport) -> Iterator[str]:
    for one in report.never_traded:
        named = ", ".join(f"{name}={value:g}" for name, value in one.params.items())
        yield f"never traded: {named}: {'; '.join(one.not_happened)}"
    if others := report.sets_without_trades - len(report.never_traded):
        yield f"never traded: {others:,} more, which results.parquet of --out has"


def _show_windows(report: SweepReport) -> None:
    for skipped in report.skipped_windows:
        tell(f"walk forward: no result of the test {_dates(skipped.test)}: {skipped.why}")
    if report.stitched is None:
        return
    table = Table("test", "best", box=None, pad_edge=False, header_style="bold")
    for name in ("Sharpe", "Sharpe oos", "return oos", "trades"):
        table.add_column(name, justify="right")
    for window in report.windows:
        outside, best = window.out_of_sample, " ".join(f"{value:g}" for value in window.params.values())
        figures = (_ratio(window.in_sample.sharpe), _ratio(outside.sharpe), _share(outside))
        table.add_row(_dates(window.test), best, *figures, f"{outside.trades + outside.open_trades:,}")
    whole = report.stitched.out_of_sample
    tell()
    tell("walk forward, over the bars searched:" if report.held_out else "walk forward:")
    out.print(table)
    promised = _ratio(report.stitched.promised_sharpe)
    tell(f"stitched: Sharpe {_ratio(whole.sharpe)} (in sample {promised}), return {_share(whole)}")


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _share(figures: SweepFigures) -> str:
    """The return, or that there was nothing left at a close."""
    gained = "–" if figures.total_return is None else f"{figures.total_return:+.1%}"
    return f"ruined, {gained}" if figures.ruined else gained


def _dates(span: SweepSpan) -> str:
    return f"{iso(span.begin_us)[:10]} – {iso(span.end_us)[:10]}"
