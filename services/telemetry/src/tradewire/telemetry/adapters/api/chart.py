"""What a chart draws: bars with the indicator values that were published for them, and what happened at them."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from tradewire.ports.intervals import INTERVALS_US
from tradewire.telemetry.adapters.api.annotations import marks_at_bars
from tradewire.telemetry.adapters.api.chart_models import (
    Annotations,
    AnnotationSelection,
    CandleSelection,
    CandlesView,
    Numbers,
)
from tradewire.telemetry.adapters.api.examples import UNKNOWN, answers
from tradewire.telemetry.domain.bar_history import PRICES, BarHistory, ColumnSeries, SeriesKey
from tradewire.telemetry.domain.books import Books

KNOWN_SHOWN = 10
"""Series that an answer names where another was asked for."""


class ChartRoutes:
    """Routes that answer from the history of bars and the books."""

    def __init__(self, history: BarHistory, books: Books) -> None:
        self._history, self._books = history, books
        self.router = APIRouter(tags=["chart"])
        get = self.router.get
        get("/candles", summary="Bars with indicator values", responses=answers("candles") | UNKNOWN)(self.candles)
        get("/annotations", summary="Marks at bars, newest first", responses=answers("annotations"))(self.annotations)

    async def candles(self, chosen: Annotated[CandleSelection, Query()]) -> CandlesView:
        """The newest bars of a stretch, oldest first; older ones by cursor. What memory no longer has is said."""
        key = (chosen.venue, chosen.symbol, chosen.interval)
        series = self._known(key)
        rows = series.rows(chosen.from_us, _end_us(chosen))
        shown = rows[-chosen.limit :]
        times_us = series.times_us[shown.start : shown.stop].tolist()
        return CandlesView(
            venue=chosen.venue,
            symbol=chosen.symbol,
            interval=chosen.interval,
            interval_us=INTERVALS_US[chosen.interval],
            time_us=times_us,
            **{name: series.columns[name][shown.start : shown.stop].tolist() for name in PRICES},
            values=_values(self._history.values.get(key), times_us, chosen.indicator),
            next=str(times_us[0]) if len(shown) < len(rows) else None,
            kept_from_us=series.times_us[0],
            dropped=series.dropped,
        )

    async def annotations(self, chosen: Annotated[AnnotationSelection, Query()]) -> Annotations:
        """Entries, exits, liquidations, refusals, rejections, versions and faults, at their bars."""
        return marks_at_bars(self._books, chosen)

    def _known(self, key: SeriesKey) -> ColumnSeries:
        series = self._history.bars.get(key)
        if series is None:
            known = sorted(" ".join(one) for one in self._history.bars)
            more = f" and {len(known) - KNOWN_SHOWN} more" if len(known) > KNOWN_SHOWN else ""
            names = ", ".join(known[:KNOWN_SHOWN]) or "none"
            raise HTTPException(404, f"no bars of {' '.join(key)} in memory; there are: {names}{more}")
        return series


def _end_us(chosen: CandleSelection) -> int | None:
    """Exclusive end of what is asked for. Raises HTTPException 422 for a cursor that is none."""
    if chosen.after is None:
        return chosen.to_us
    digits = chosen.after.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise HTTPException(422, f"{chosen.after!r} is not where a page ended; allowed: the `next` of a page")
    return int(chosen.after) if chosen.to_us is None else min(int(chosen.after), chosen.to_us)


def _values(series: ColumnSeries | None, times_us: list[int], wanted: Iterable[str] | None) -> dict[str, Numbers]:
    """Indicator values at the times of the bars."""
    if series is None or not times_us:
        return {name: [None] * len(times_us) for name in wanted or ()}
    rows = series.rows(times_us[0], times_us[-1] + 1)
    row_of = dict(zip(series.times_us[rows.start : rows.stop], rows, strict=True))
    places = [row_of.get(time_us) for time_us in times_us]
    found: dict[str, Numbers] = {}
    for name in wanted if wanted is not None else series.columns:
        column = series.columns.get(name)
        values = [None if column is None or row is None else column[row] for row in places]
        found[name] = [value if value is not None and isfinite(value) else None for value in values]
    return found
