"""What a file of candles holds: its bars, and everything that is wrong or remarkable about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.data.contents import holds_parquet, read_contents
from tradewire.backtest.data.csv_rows import rows_of_csv
from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.judged import JudgedRows
from tradewire.backtest.data.parquet_rows import rows_of_table, table_of_parquet
from tradewire.trading.bars_csv import BarFault
from tradewire.trading.language import INTERVALS_US
from tradewire.trading.language.intervals import origin_us

if TYPE_CHECKING:
    import polars as pl

    from tradewire.ports.backtest import FloatArray, IntArray

_OWN_TIME_UNKNOWN = ("open_time", "row")


@dataclass(frozen=True, slots=True)
class Gap:
    """``missing`` bars between those that open at ``after_ms`` and ``before_ms`` (ms since the epoch)."""

    after_ms: int
    before_ms: int
    missing: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a row breaks; without ``row``, the file. ``time_ms``: the row's open time where it can be read."""

    row: int | None
    time_ms: int | None
    field: str
    found: str
    allowed: str


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Checked bars of one market: unique open times that rise, on the interval's grid. Gaps are left as they are.

    ``interval`` as in strategies (``1h``). Arrays of shape (n,): µs since the epoch; prices quote per base; volume
    base. ``duplicates_ms``: open times that the file had more than once, equal each time, kept once.
    """

    interval: str
    open_time_us: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    gaps: tuple[Gap, ...] = ()
    duplicates_ms: tuple[int, ...] = ()

    @property
    def interval_us(self) -> int:
        """Length of a bar, µs."""
        return INTERVALS_US[self.interval]

    @property
    def columns(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Open, high, low, close, volume."""
        return self.open, self.high, self.low, self.close, self.volume

    def __len__(self) -> int:
        return len(self.open_time_us)

    def part(self, chosen: slice) -> Candles:
        """A run of these bars with the gaps inside it."""
        times = self.open_time_us[chosen]
        first, last = (int(times[0]) // 1000, int(times[-1]) // 1000) if len(times) else (0, -1)
        gaps = tuple(gap for gap in self.gaps if first <= gap.after_ms and gap.before_ms <= last)
        twice = tuple(time for time in self.duplicates_ms if first <= time <= last)
        open_, high, low, close, volume = (column[chosen] for column in self.columns)
        return Candles(self.interval, times, open_, high, low, close, volume, gaps, twice)


@dataclass(frozen=True, slots=True)
class Inspection:
    """The findings about a file. Gaps and equal duplicates alone leave it valid; conflicts and errors don't.

    ``conflicts``: open times (ms) with rows that differ; ``errors`` names those rows too. ``interval`` is None where
    neither told nor to be seen. ``candles`` is None unless the file is valid and its interval known.
    """

    rows: int
    first_ms: int | None = None
    last_ms: int | None = None
    interval: str | None = None
    duplicates: tuple[int, ...] = ()
    conflicts: tuple[int, ...] = ()
    gaps: tuple[Gap, ...] = ()
    errors: tuple[Finding, ...] = ()
    candles: Candles | None = field(default=None, repr=False, compare=False)

    @property
    def valid(self) -> bool:
        """Whether research may use the file."""
        return not self.errors and not self.conflicts


def inspect_file(path: Path, interval: str | None = None) -> Inspection:
    """Everything about a CSV or Parquet file of candles, plain or packed; ``interval`` is told by the open times when
    not given.

    Raises OSError when the file can't be read at all.
    """
    source = str(path)
    try:
        data = read_contents(path)
        is_parquet = holds_parquet(data, path)
        rows = rows_of_table(table_of_parquet(data, source), source) if is_parquet else rows_of_csv(data, source)
    except MarketDataError as error:
        return _unreadable(error)
    return inspect_rows(rows, interval)


def inspect_table(table: pl.DataFrame, interval: str | None = None) -> Inspection:
    """As ``inspect_file``, of a data frame with the columns of a file."""
    try:
        return inspect_rows(rows_of_table(table, "data frame"), interval)
    except MarketDataError as error:
        return _unreadable(error)


def error_of(finding: Finding, source: str) -> MarketDataError:
    """The finding as an error that names the file."""
    return MarketDataError(
        source,
        row=finding.row,
        time_us=None if finding.time_ms is None else finding.time_ms * 1000,
        field=finding.field,
        found=finding.found,
        allowed=finding.allowed,
    )


def candles_of(inspection: Inspection, source: str) -> Candles:
    """The inspected bars. Raises MarketDataError with the first thing that is wrong."""
    for error in inspection.errors:
        raise error_of(error, source)
    if inspection.candles is None:
        allowed = "two bars or more, or to be told: open times alone tell none"
        raise MarketDataError(source, field="interval", found="none", allowed=allowed)
    return inspection.candles


def load_candles(path: Path, interval: str | None = None) -> Candles:
    """The bars of a CSV or Parquet file. Raises MarketDataError with the first thing that is wrong.

    Raises OSError when the file can't be read at all.
    """
    return candles_of(inspect_file(path, interval), str(path))


def inspect_rows(rows: JudgedRows, interval: str | None = None) -> Inspection:
    """Findings of judged rows together: duplicates, conflicts, times off the grid, gaps."""
    findings = [_finding(fault) for fault in rows.faults]
    again = np.flatnonzero(rows.time_us[1:] == rows.time_us[:-1]) + 1
    first_of = np.maximum.accumulate(np.where(_starts(rows.time_us), np.arange(len(rows.time_us)), 0))
    differs = again[(rows.numbers[:, again] != rows.numbers[:, first_of[again]]).any(axis=0)]
    findings += [
        Finding(
            int(rows.row[place]),
            int(rows.time_us[place]) // 1000,
            "open_time",
            f"other values than in row {rows.row[first_of[place]]}",
            "one bar per open time",
        )
        for place in differs.tolist()
    ]
    times, numbers = rows.time_us[_starts(rows.time_us)], rows.numbers[:, _starts(rows.time_us)]
    seen = np.unique(np.concatenate([times, _times_of(rows.faults)])) if rows.faults else times
    interval, fault = _interval(seen, interval)
    findings += [fault] if fault else []
    if interval:
        findings += _off_grid(rows, INTERVALS_US[interval], interval)
    gaps = gaps_between(seen, INTERVALS_US[interval]) if interval else ()
    conflicts = _distinct_ms(rows.time_us[differs])
    duplicates = tuple(time for time in _distinct_ms(rows.time_us[again]) if time not in set(conflicts))
    candles = None
    if not findings and interval:
        open_, high, low, close, volume = (np.ascontiguousarray(column) for column in numbers)
        candles = Candles(interval, times, open_, high, low, close, volume, gaps, duplicates)
    return Inspection(
        rows=rows.count,
        first_ms=int(seen[0]) // 1000 if seen.size else None,
        last_ms=int(seen[-1]) // 1000 if seen.size else None,
        interval=interval,
        duplicates=duplicates,
        conflicts=conflicts,
        gaps=gaps,
        errors=tuple(sorted(findings, key=lambda finding: finding.row or 0)),
        candles=candles,
    )


def gaps_between(seen: IntArray, interval_us: int) -> tuple[Gap, ...]:
    """Where bars are missing between open times (µs, rising) that lie on the interval's grid."""
    on_grid = seen[(seen - origin_us(interval_us)) % interval_us == 0]
    wide = np.flatnonzero(np.diff(on_grid) > interval_us)
    return tuple(
        Gap(int(after) // 1000, int(before) // 1000, int(before - after) // interval_us - 1)
        for after, before in zip(on_grid[wide], on_grid[wide + 1], strict=True)
    )


def _unreadable(error: MarketDataError) -> Inspection:
    return Inspection(rows=0, errors=(Finding(error.row, None, error.field, error.found, error.allowed),))


def _finding(fault: BarFault) -> Finding:
    time_ms = None if fault.field in _OWN_TIME_UNKNOWN else fault.open_time_us // 1000
    return Finding(fault.row, time_ms, fault.field, fault.found, fault.allowed)


def _times_of(faults: tuple[BarFault, ...]) -> IntArray:
    """Open times of bad rows: such a bar is bad, not missing."""
    return np.array([f.open_time_us for f in faults if f.field not in _OWN_TIME_UNKNOWN], dtype=np.int64)


def _starts(time_us: IntArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows are the first of their open time."""
    starts = np.ones(len(time_us), dtype=np.bool_)
    starts[1:] = time_us[1:] != time_us[:-1]
    return starts


def _distinct_ms(time_us: IntArray) -> tuple[int, ...]:
    return tuple((np.unique(time_us) // 1000).tolist()) if len(time_us) else ()


def _interval(seen: IntArray, told: str | None) -> tuple[str | None, Finding | None]:
    """The interval told, or the one that is the commonest distance of open times, the shorter of equals."""
    if told is not None:
        if told in INTERVALS_US:
            return told, None
        return None, Finding(None, None, "interval", told, ", ".join(INTERVALS_US))
    if len(seen) < 2:
        return None, None
    steps = np.diff(seen)
    steps = steps[:1] if steps.min() == steps.max() else steps
    distances, counts = np.unique(steps, return_counts=True)
    names = {length_us: name for name, length_us in INTERVALS_US.items()}
    known = [
        (-count, length_us)
        for length_us, count in zip(distances.tolist(), counts.tolist(), strict=True)
        if length_us in names
    ]
    if known:
        return names[min(known)[1]], None
    commonest = int(distances[np.argmax(counts)])
    return None, Finding(None, None, "interval", f"{commonest / 60e6:g} min", ", ".join(INTERVALS_US))


def _off_grid(rows: JudgedRows, interval_us: int, interval: str) -> list[Finding]:
    off = np.flatnonzero((rows.time_us - origin_us(interval_us)) % interval_us != 0)
    return [
        Finding(
            int(rows.row[place]),
            int(rows.time_us[place]) // 1000,
            "open_time",
            f"{int(rows.time_us[place]) // 1000} ms",
            f"a multiple of {interval} since {'a Monday' if interval == '1w' else '1970'}, 00:00 UTC",
        )
        for place in off.tolist()
    ]
