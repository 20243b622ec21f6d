"""What a file of candles holds: its bars, and everything that is wrong or remarkable about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.data.candles import Candles, Gap, steps
from tradewire.backtest.data.contents import Form, form_of, read_contents
from tradewire.backtest.data.csv_rows import rows_of_csv
from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.judged import JudgedRows
from tradewire.backtest.data.reading import PLAIN, Reading
from tradewire.backtest.data.sources import FrameSource, Source
from tradewire.backtest.data.table_rows import rows_of_table, table_of
from tradewire.trading.bars_csv import TOO_FINE, BarFault
from tradewire.trading.columns import NO_VOLUME
from tradewire.trading.language.intervals import INTERVALS_US, origin_us

if TYPE_CHECKING:
    import polars as pl

    from tradewire.ports.backtest import IntArray

VOLUME = "volume"
_HINTS = {TOO_FINE: "; round the prices of computed candles: --round-prices (round_prices=True)"}
_OWN_TIME_UNKNOWN = ("open_time", "row")


@dataclass(frozen=True, slots=True)
class DataFinding:
    """A rule that a row breaks; without ``row``, the file. ``time_ms``: the row's open time where it can be read."""

    row: int | None
    time_ms: int | None
    field: str
    found: str
    allowed: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """The findings about a file. Gaps and equal duplicates alone leave it valid; conflicts and errors don't.

    ``rows``: of the file, those with errors and duplicates included; ``bars``: what is left of them. ``conflicts``:
    open times (ms) with rows that differ; ``errors`` names those rows too. ``notes``: what was taken for what.
    ``interval`` is None where neither told nor to be seen. ``candles`` is None unless the file is valid, but for its
    volumes, and its interval known.
    """

    rows: int
    bars: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    interval: str | None = None
    duplicates: tuple[int, ...] = ()
    conflicts: tuple[int, ...] = ()
    gaps: tuple[Gap, ...] = ()
    errors: tuple[DataFinding, ...] = ()
    has_volume: bool = True
    notes: tuple[str, ...] = ()
    candles: Candles | None = field(default=None, repr=False, compare=False)

    @property
    def valid(self) -> bool:
        """Whether research may use the file."""
        return not self.errors and not self.conflicts


def inspect_file(source: Source, interval: str | None = None, reading: Reading = PLAIN) -> Inspection:
    """Everything about a file of candles, CSV, Parquet or Arrow, plain or packed, or about a frame; ``interval`` is
    told by the open times when not given.

    Raises OSError when a file can't be read at all.
    """
    try:
        return inspect_rows(rows_of(source, reading), interval)
    except MarketDataError as error:
        return _unreadable(error)


def inspect_table(table: pl.DataFrame, interval: str | None = None) -> Inspection:
    """As ``inspect_file``, of a data frame with the columns of a file."""
    return inspect_file(FrameSource("candles", table), interval)


def rows_of(source: Source, reading: Reading = PLAIN) -> JudgedRows:
    """The rows of a file or frame, judged. Raises MarketDataError when it can't be read as a whole; OSError."""
    name = str(source)
    if isinstance(source, FrameSource):
        return rows_of_table(source.table, name, reading)
    data = read_contents(source)
    form = form_of(data, source)
    if form is Form.CSV:
        return rows_of_csv(data, name, reading)
    return rows_of_table(table_of(data, form, name), name, reading)


def error_of(finding: DataFinding, source: str) -> MarketDataError:
    """The finding as an error that names the file."""
    return MarketDataError(
        source,
        row=finding.row,
        time_us=None if finding.time_ms is None else finding.time_ms * 1000,
        field=finding.field,
        found=finding.found,
        allowed=finding.allowed,
    )


def candles_of(inspection: Inspection, source: str, *, any_volume: bool = False) -> Candles:
    """The inspected bars. Raises MarketDataError with the first thing that is wrong; ``any_volume``: but with volumes,
    since nothing needs them."""
    for error in inspection.errors:
        if not any_volume or error.field != VOLUME:
            raise error_of(error, source)
    if inspection.candles is None and inspection.errors:
        raise error_of(inspection.errors[0], source)
    if inspection.candles is None:
        allowed = "two bars or more, or to be told: open times alone tell none"
        raise MarketDataError(source, field="interval", found="none", allowed=allowed)
    return inspection.candles


def load_candles(source: Source, interval: str | None = None, reading: Reading = PLAIN) -> Candles:
    """The bars of a file or frame. Raises MarketDataError with the first thing that is wrong.

    Raises OSError when a file can't be read at all.
    """
    return candles_of(inspect_file(source, interval, reading), str(source))


def inspect_rows(rows: JudgedRows, interval: str | None = None) -> Inspection:
    """Findings of judged rows together: duplicates, conflicts, times off the grid, gaps."""
    findings = [_finding(fault) for fault in rows.faults]
    times, numbers = rows.time_us, rows.numbers
    again = differs = np.flatnonzero(times[1:] == times[:-1]) + 1
    if again.size:
        starts = _starts(times)
        first_of = np.maximum.accumulate(np.where(starts, np.arange(len(times)), 0))
        differs = again[(numbers[:, again] != numbers[:, first_of[again]]).any(axis=0)]
        findings += [_conflict(rows, place, int(rows.row[first_of[place]])) for place in differs.tolist()]
        times, numbers = times[starts], numbers[:, starts]
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
        notes = tuple(note for note in rows.notes if not note.startswith(NO_VOLUME))
        rest = gaps, duplicates, _unfit_volume(rows), notes, rows.rounded
        candles = Candles(interval, times, open_, high, low, close, volume, *rest)
    return Inspection(
        rows=rows.count,
        bars=len(times),
        first_ms=int(seen[0]) // 1000 if seen.size else None,
        last_ms=int(seen[-1]) // 1000 if seen.size else None,
        interval=interval,
        duplicates=duplicates,
        conflicts=conflicts,
        gaps=gaps,
        errors=tuple(sorted([*findings, *map(_finding, rows.volume_faults)], key=lambda finding: finding.row or 0)),
        has_volume=rows.has_volume,
        notes=(*rows.notes, *steps(times, numbers[0], numbers[3])),
        candles=candles,
    )


def _conflict(rows: JudgedRows, place: int, first: int) -> DataFinding:
    """That a row has other values than row number ``first``, of the same open time."""
    row, time_ms = int(rows.row[place]), int(rows.time_us[place]) // 1000
    return DataFinding(row, time_ms, "open_time", f"other values than in row {first}", "one bar per open time")


def gaps_between(seen: IntArray, interval_us: int) -> tuple[Gap, ...]:
    """Where bars are missing between open times (µs, rising) that lie on the interval's grid."""
    on_grid = seen[(seen - origin_us(interval_us)) % interval_us == 0]
    wide = np.flatnonzero(np.diff(on_grid) > interval_us)
    return tuple(
        Gap(int(after) // 1000, int(before) // 1000, int(before - after) // interval_us - 1)
        for after, before in zip(on_grid[wide], on_grid[wide + 1], strict=True)
    )


def _unfit_volume(rows: JudgedRows) -> str:
    """Why the volumes of the rows can't be used; "" where they can."""
    if not rows.has_volume:
        why = next((note.removeprefix(NO_VOLUME) for note in rows.notes if note.startswith(NO_VOLUME)), "")
        return why or "no column for the volume"
    if not rows.volume_faults:
        return ""
    first = rows.volume_faults[0]
    more = f", and in {len(rows.volume_faults) - 1:,} rows more" if len(rows.volume_faults) > 1 else ""
    return f"volume {first.found} in row {first.row} ({first.allowed}){more}"


def _unreadable(error: MarketDataError) -> Inspection:
    return Inspection(rows=0, errors=(DataFinding(error.row, None, error.field, error.found, error.allowed),))


def _finding(fault: BarFault) -> DataFinding:
    time_ms = None if fault.field in _OWN_TIME_UNKNOWN else fault.open_time_us // 1000
    return DataFinding(fault.row, time_ms, fault.field, fault.found, fault.allowed + _HINTS.get(fault.allowed, ""))


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


def _interval(seen: IntArray, told: str | None) -> tuple[str | None, DataFinding | None]:
    """The interval told, or the one that is the commonest distance of open times, the shorter of equals."""
    if told is not None:
        if told in INTERVALS_US:
            return told, None
        return None, DataFinding(None, None, "interval", told, ", ".join(INTERVALS_US))
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
    return None, DataFinding(None, None, "interval", f"{commonest / 60e6:g} min", ", ".join(INTERVALS_US))


def _off_grid(rows: JudgedRows, interval_us: int, interval: str) -> list[DataFinding]:
    """Rows, bad ones too, whose open time no bar of the interval has."""
    of_faults = {(fault.row, fault.open_time_us) for fault in rows.faults if fault.field not in _OWN_TIME_UNKNOWN}
    off = np.flatnonzero((rows.time_us - origin_us(interval_us)) % interval_us != 0)
    found = [(int(rows.row[place]), int(rows.time_us[place])) for place in off.tolist()]
    found += [(row or 0, time_us) for row, time_us in of_faults if (time_us - origin_us(interval_us)) % interval_us]
    allowed = f"a multiple of {interval} since {'a Monday' if interval == '1w' else '1970'}, 00:00 UTC"
    return [
        DataFinding(row, time_us // 1000, "open_time", f"{time_us // 1000} ms", allowed)
        for row, time_us in sorted(found)
    ]
