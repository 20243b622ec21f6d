"""The table of monthly returns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from tradewire.backtest.statistics import equity_of
from tradewire.backtest.statistics.sampling import monthly_returns
from tradewire.ports.backtest import BacktestResult

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DEEPEST = 55
"""Share of colour in the strongest cell, %: text stays readable on it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One return in per cent; ``tone`` is gain, loss or nothing, ``share`` how much of its colour is mixed in, %."""

    text: str = ""
    tone: str = ""
    share: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A year: twelve months and the whole, cells empty where the run was not."""

    year: int
    cells: tuple[Cell, ...]


def month_rows(result: BacktestResult) -> list[Row]:
    """A row a year, oldest first. Colours are scaled by the largest month."""
    found = monthly_returns(result.time_us, equity_of(result))
    months = found.start_us.astype("datetime64[us]").astype("datetime64[M]").astype(int)
    largest = float(np.max(np.abs(found.returns), initial=0.0))
    rows = []
    for year, group in groupby(zip(months.tolist(), found.returns.tolist(), strict=True), lambda pair: pair[0] // 12):
        by_month = {month % 12: gain for month, gain in group}
        cells = [_cell(by_month[at], largest) if at in by_month else Cell() for at in range(12)]
        whole = float(np.prod([1.0 + gain for gain in by_month.values()])) - 1.0
        rows.append(Row(1970 + year, (*cells, _cell(whole, None))))
    return rows


def _cell(gain: float, largest: float | None) -> Cell:
    text = f"{gain * 100:,.1f}"
    if not largest or not gain:
        return Cell("0.0" if text == "-0.0" else text)
    return Cell(text, "gain" if gain > 0 else "loss", max(6, round(abs(gain) / largest * DEEPEST)))
