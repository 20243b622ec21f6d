"""The objective over two parameters: a picture for the terminal, and an interactive one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tradewire.backtest.statistics.sampling import periods_per_year
from tradewire.backtest.sweeps.figures import scores, years_of
from tradewire.backtest.sweeps.plan import SweepPlan
from tradewire.backtest.sweeps.store import SweepStore
from tradewire.backtest.sweeps.tasks import MEASURES, closes
from tradewire.backtest.whole_file import write_whole

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

CELL = 2
"""Characters that a cell of the terminal's picture is wide."""
LOW, MIDDLE, HIGH = (178, 60, 60), (60, 60, 66), (64, 160, 96)
"""Colours of the worst, of 0 and of the best, red, green and blue."""


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """``values``, shape (levels of y, levels of x): the best objective over the other parameters, NaN where none."""

    x: str
    y: str
    x_levels: tuple[float, ...]
    y_levels: tuple[float, ...]
    values: FloatArray
    objective: str


def heat_map(plan: SweepPlan, store: SweepStore) -> HeatMap | None:
    """Of the first two parameters with more than one value; None when there aren't two."""
    names = [name for name, levels in plan.space.levels.items() if len(levels) > 1]
    if len(names) < 2:
        return None
    y, x = names[:2]
    sets, rows = store.columns(plan.searched.scope, len(MEASURES))
    times = closes(plan.request.markets, plan.searched)
    found = scores(plan.objective, rows, years_of(times))
    found = np.where(np.isneginf(found), np.nan, found)  # a ruined set has no colour
    if plan.objective == "sharpe":
        found = found * math.sqrt(periods_per_year(times) or math.nan)
    levels = [tuple(sorted(plan.space.levels[name])) for name in (y, x)]
    values = np.full([len(part) for part in levels], np.nan)
    columns = (sets[:, plan.space.names.index(name)] for name in (y, x))
    places = tuple(np.searchsorted(part, column) for part, column in zip(levels, columns, strict=True))
    np.fmax.at(values, places, found)
    return HeatMap(x, y, levels[1], levels[0], values, plan.objective)


def picture(found: HeatMap, width: int, height: int = 24) -> Text:
    """Coloured cells within so many characters; levels that don't fit share a cell, which shows their best."""
    margin = max(len(f"{level:g}") for level in found.y_levels) + 1
    rows = np.array_split(np.arange(len(found.y_levels)), min(height, len(found.y_levels)))
    across = min((width - margin) // CELL, len(found.x_levels))
    columns = np.array_split(np.arange(len(found.x_levels)), max(1, across))
    low, high = _ends(found.values)
    text = Text(f"{found.objective}: {found.y} down, {found.x} across, {low:.3g} (red) to {high:.3g} (green)\n")
    for row in rows:
        text.append(f"{found.y_levels[row[0]]:g}".rjust(margin - 1) + " ")
        for column in columns:
            cells = found.values[np.ix_(row, column)]
            best = float(np.nanmax(cells)) if np.isfinite(cells).any() else math.nan
            text.append("··" if math.isnan(best) else " " * CELL, _style(best, low, high))
        text.append("\n")
    first, last = f"{found.x_levels[0]:g}", f"{found.x_levels[-1]:g}"
    return text.append(" " * margin + first + last.rjust(max(len(last) + 1, CELL * len(columns) - len(first))))


def write_heat_map(path: Path, found: HeatMap) -> Path:
    """An HTML file that needs no network."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Heatmap(
            z=found.values,
            x=[f"{level:g}" for level in found.x_levels],
            y=[f"{level:g}" for level in found.y_levels],
            colorscale="RdYlGn",
            hoverongaps=False,
        )
    )
    figure.update_xaxes(type="category")  # a cell a level, however far apart the levels are
    figure.update_yaxes(type="category")
    figure.update_layout(
        title=f"{found.objective} in sample", xaxis_title=found.x, yaxis_title=found.y, font_family="system-ui"
    )
    write_whole(path, figure.to_html(include_plotlyjs=True))
    return path


def _ends(values: FloatArray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)


def _style(value: float, low: float, high: float) -> str:
    """Below 0 towards red, above towards green; where all have one sign, over the range found."""
    if math.isnan(value):
        return "dim"
    zero = 0.0 if low < 0.0 < high else (low + high) / 2
    end, edge = (HIGH, high) if value >= zero else (LOW, low)
    share = abs(value - zero) / abs(edge - zero) if edge != zero else 0.0
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(MIDDLE, end, strict=True))
    return f"on rgb({red},{green},{blue})"
