"""A market that comes bar by bar: how far a replay may go, in a file that ingest looks at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tradewire.app.operating.scenario import Scenario
from tradewire.trading.bars_csv import RawBar, read_rows
from tradewire.trading.language.intervals import INTERVALS_US

OPEN_US = 2**53
"""Later than any bar."""


def close_times_us(scenario: Scenario) -> tuple[int, ...]:
    """When bars close in a scenario's files: each time once, in order."""
    times: set[int] = set()
    for name in scenario.files:
        path = scenario.data / name
        interval_us = INTERVALS_US[path.stem.rpartition("-")[2]]
        rows = read_rows(path.read_text(encoding="utf-8"), str(path))
        times |= {row.open_time_us + interval_us for row in rows if isinstance(row, RawBar)}
    return tuple(sorted(times))


class PacedMarket:
    """Lets bars come. ``bars``: how many have been let out."""

    def __init__(self, until_file: Path, times_us: Sequence[int]) -> None:
        self._file, self._times_us = until_file, tuple(times_us)
        self.bars = 0
        until_file.parent.mkdir(parents=True, exist_ok=True)
        self._write(0)

    @property
    def total(self) -> int:
        """How many bars there are."""
        return len(self._times_us)

    def let(self, bars: int) -> None:
        """Let so many bars come in all; with the last one the end of the stream too."""
        self.bars = max(self.bars, bars)
        self._write(OPEN_US if self.bars >= self.total else self._times_us[self.bars - 1] if self.bars else 0)

    def _write(self, until_us: int) -> None:
        """In one step, for a reader may look at any moment."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{until_us}\n", encoding="ascii")
        new.replace(self._file)
