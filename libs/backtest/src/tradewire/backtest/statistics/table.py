"""The statistics as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.columns import Columns
from rich.console import RenderableType
from rich.table import Table

from tradewire.backtest.statistics.summary import Statistic, Statistics


def statistics_table(stats: Statistics) -> RenderableType:
    """One small table a group, side by side as far as the terminal is wide."""
    return Columns([_table(str(group), entries) for group, entries in stats.groups().items()], padding=(0, 3))


def _table(title: str, entries: Sequence[Statistic]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for entry in entries:
        negative = entry.value is not None and entry.value < 0
        table.add_row(entry.label, entry.text, style="red" if negative else None)
    return table
