"""Bars and indicator values as they were published, in columns within one bound: what a chart draws."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import nan

from tradewire.ports.events import CandleClosed, IndicatorsUpdated

BARS_MAX = 20_000
"""Newest bars kept of one series, where the bound of all leaves room for so many."""
NUMBERS_MAX = 6_000_000
"""Numbers kept of all series together: 48 MB. They share it by the number of their columns."""
TRIMMED_TO = 0.75
"""Share of what is allowed that is left when old bars go, so that they go seldom."""
PRICES = ("open", "high", "low", "close", "volume")

SeriesKey = tuple[str, str, str]
"""Venue, symbol and interval."""


@dataclass
class ColumnSeries:
    """Rows of floats by rising time (µs). A column that has no value in a row has NaN there."""

    partition: int
    times_us: array[int] = field(default_factory=lambda: array("q"))
    columns: dict[str, array[float]] = field(default_factory=dict)
    dropped: bool = False

    def __len__(self) -> int:
        return len(self.times_us)

    @property
    def numbers(self) -> int:
        """Numbers that it holds, times too."""
        return len(self.times_us) * (1 + len(self.columns))

    def put(self, time_us: int, row: Mapping[str, float]) -> None:
        """Add the newest row; one of its time is replaced, an older one is left out."""
        if self.times_us and time_us < self.times_us[-1]:
            return
        if not self.times_us or time_us > self.times_us[-1]:
            self.times_us.append(time_us)
            for column in self.columns.values():
                column.append(nan)
        for name, value in row.items():
            column = self.columns.get(name) or self.columns.setdefault(name, array("d", [nan]) * len(self.times_us))
            column[-1] = value

    def trim(self, rows: int) -> None:
        """Keep the newest rows."""
        gone = len(self.times_us) - rows
        if gone > 0:
            self.dropped = True
            del self.times_us[:gone]
            for column in self.columns.values():
                del column[:gone]

    def rows(self, from_us: int | None, to_us: int | None) -> range:
        """Row numbers from ``from_us`` (inclusive) to ``to_us`` (exclusive); None: no bound."""
        first = 0 if from_us is None else bisect_left(self.times_us, from_us)
        return range(first, len(self.times_us) if to_us is None else bisect_left(self.times_us, to_us))

    def at(self, time_us: int) -> dict[str, float] | None:
        """The row of a time."""
        row = bisect_left(self.times_us, time_us)
        if row == len(self.times_us) or self.times_us[row] != time_us:
            return None
        return self._row(row)

    def before(self, time_us: int) -> dict[str, float] | None:
        """The last row before a time."""
        row = bisect_left(self.times_us, time_us) - 1
        return self._row(row) if row >= 0 else None

    def _row(self, row: int) -> dict[str, float]:
        return {name: column[row] for name, column in self.columns.items()}


class BarHistory:
    """Series of bars and of indicator values. Times are close times of bars, which are their event times."""

    def __init__(self, *, bars_max: int = BARS_MAX, numbers_max: int = NUMBERS_MAX) -> None:
        self._bars_max, self._numbers_max = bars_max, numbers_max
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.bars: dict[SeriesKey, ColumnSeries] = {}
        self.values: dict[SeriesKey, ColumnSeries] = {}
        self._numbers = 0

    def take(self, event: CandleClosed | IndicatorsUpdated, partition: int) -> None:
        """Take a bar or the indicator values of one."""
        key = (event.venue, event.symbol, event.interval)
        if isinstance(event, CandleClosed):
            row = {name: float(getattr(event, name)) for name in PRICES}
            self._put(self.bars, key, partition, event.close_time_us, row)
        else:
            row = {name: value for name, value in event.values.items() if value is not None}
            self._put(self.values, key, partition, event.event_time_us, row)

    def forget(self, partitions: Iterable[int]) -> None:
        """Let go of what another instance reads now."""
        gone = set(partitions)
        self.bars = {key: series for key, series in self.bars.items() if series.partition not in gone}
        self.values = {key: series for key, series in self.values.items() if series.partition not in gone}
        self._numbers = sum(series.numbers for series in self._all())

    def _all(self) -> Iterator[ColumnSeries]:
        yield from self.bars.values()
        yield from self.values.values()

    def _put(
        self,
        among: dict[SeriesKey, ColumnSeries],
        key: SeriesKey,
        partition: int,
        time_us: int,
        row: Mapping[str, float],
    ) -> None:
        series = among.get(key) or among.setdefault(key, ColumnSeries(partition))
        before = series.numbers
        series.put(time_us, row)
        if len(series) > self._bars_max:
            series.trim(round(self._bars_max * TRIMMED_TO))
        self._numbers += series.numbers - before
        if self._numbers > self._numbers_max:
            self._trim_all()

    def _trim_all(self) -> None:
        """Each series keeps as many rows as every other, at most: a quiet one is not emptied by a busy one."""
        columns = sum(1 + len(series.columns) for series in self._all())
        rows = max(1, round(self._numbers_max / columns * TRIMMED_TO))
        for series in self._all():
            series.trim(rows)
        self._numbers = sum(series.numbers for series in self._all())
