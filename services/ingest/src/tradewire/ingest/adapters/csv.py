"""Recorded candles from CSV, Parquet and Feather files, merged into one stream in event time."""

from __future__ import annotations

import asyncio
import heapq
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from tradewire.ingest.adapters.beside import Beside
from tradewire.ingest.adapters.instruments_file import read_instruments
from tradewire.ingest.adapters.pace import FULL_SPEED, Pace, Pacer
from tradewire.ingest.adapters.tables import read_table
from tradewire.ingest.domain import CandleGate, Verdict, interval_us, mark_last, position_us
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed, InstrumentChanged
from tradewire.ports.market_data import MarketDataPort
from tradewire.ports.message import Event
from tradewire.trading.bars_csv import BarFault, RawBar, read_rows
from tradewire.trading.bars_layout import BarsFileError
from tradewire.trading.candle_files import ALLOWED_NAMES, ENDINGS, has_candles

_FILE_NAME = re.compile(
    r"(?P<venue>[a-z0-9_]+)-(?P<symbol>\w[\w-]*)-(?P<interval>[1-9]\d*[mhdw])("
    + "|".join(map(re.escape, ENDINGS))
    + ")"
)


@dataclass(frozen=True, slots=True)
class CandleFile:
    """A file of candles; what they are of stands in its name."""

    path: Path
    venue: str
    symbol: str
    interval: str

    @property
    def key(self) -> tuple[str, str]:
        """Venue and symbol."""
        return self.venue, self.symbol


class CsvMarketData(MarketDataPort):
    """Candles of files named ``<venue>-<symbol>-<interval>.csv``, or Parquet or Feather; a recorded stream with an end.

    Mark prices and funding may lie beside a file, of any of these kinds: ``<venue>-<symbol>-<interval>.mark.csv`` and
    ``.funding.csv``. ``zone``: of times that name none.

    ``source``: a folder, or the files. ``paced_once_begun``: streams, as ``venue:symbol:interval``; until the first bar
    of each of them the pace does not hold. ``instruments_file`` must know each file's instrument and interval.
    A symbol may have a file of each of several intervals. Bars that have not closed by the clock's time are refused.
    Raises FatalError when names, files or instruments don't fit together.
    """

    def __init__(
        self,
        source: Path | Sequence[Path],
        instruments_file: Path,
        clock: ClockPort,
        *,
        pace: Pace = FULL_SPEED,
        zone: tzinfo = UTC,
        paced_once_begun: Collection[str] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        paths = _in_folder(source) if isinstance(source, Path) else source
        if not paths:
            raise FatalError(f"{source}: found no candle file, allowed {ALLOWED_NAMES}")
        self.files = tuple(sorted(map(_candle_file, paths), key=lambda file: (file.key, interval_us(file.interval))))
        self._instruments = _instruments_of(self.files, instruments_file)
        self._several = {key for key, count in Counter(file.key for file in self.files).items() if count > 1}
        self._clock, self._pace, self._sleep, self._zone = clock, pace, sleep, zone
        self._paced_once_begun = frozenset(paced_once_begun)

    async def instruments(self) -> list[InstrumentChanged]:
        return list(self._instruments)

    async def markets(self) -> set[tuple[str, str]]:
        return {file.key for file in self.files}

    async def events(self, resume_after_us: Mapping[tuple[str, str], int]) -> AsyncIterator[Event]:
        """Candles and faults of all files by close time, then venue, symbol, interval.

        Of a symbol with several intervals, what closed at the time resumed after comes again: a bar of one interval
        that is out does not tell that those of the others are. It has the same id as before. Each candle names the one
        before it in its file.

        Raises FatalError for a file that can't be read as candles: waiting doesn't mend it.
        """
        streams = [await asyncio.to_thread(self._rows_of, file) for file in self.files]
        merged = heapq.merge(
            *(self._verdicts(file, rows) for file, rows in zip(self.files, streams, strict=True)),
            key=lambda verdict: (position_us(verdict), verdict.venue, verdict.symbol),
        )
        since_us = {key: time_us + (key not in self._several) for key, time_us in resume_after_us.items()}
        pacer = Pacer(self._pace, self._clock, self._sleep, from_us=self._begun_us(streams))
        for verdict in merged:
            if position_us(verdict) >= since_us.get((verdict.venue, verdict.symbol), 0):
                await pacer.until(position_us(verdict))
                yield verdict

    def _begun_us(self, streams: Sequence[Sequence[RawBar | BarFault]]) -> int:
        """Close of the latest first bar of the streams that are waited for; 0 without any."""
        return max(
            (
                rows[0].open_time_us + interval_us(file.interval)
                for file, rows in zip(self.files, streams, strict=True)
                if rows and f"{file.venue}:{file.symbol}:{file.interval}" in self._paced_once_begun
            ),
            default=0,
        )

    async def close(self) -> None:
        """Nothing is held between reads."""

    def _rows_of(self, file: CandleFile) -> list[RawBar | BarFault]:
        try:
            return read_rows(read_table(file.path), str(file.path), self._zone, file.symbol)
        except BarsFileError as error:
            raise FatalError(str(error)) from error

    def _verdicts(self, file: CandleFile, rows: Sequence[RawBar | BarFault]) -> Iterator[Verdict]:
        """The verdicts of one file; their positions never fall, for rows are sorted."""
        gate = CandleGate(file.venue, file.symbol, file.interval)
        beside = Beside.of(file.path, gate.interval_us, self._zone, file.symbol)
        verdicts = (verdict for row in rows for verdict in gate.offer(row, now_us=self._clock.now_us()))
        joined = (beside.join(found) if isinstance(found, CandleClosed) else found for found in verdicts)
        return mark_last(_linked(joined))


def _linked(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Verdicts of one file, its candles with the one before them; the first without: the topic may have one."""
    previous_us: int | None = None
    for verdict in verdicts:
        if isinstance(verdict, CandleClosed):
            yield verdict.model_copy(update={"previous_open_time_us": previous_us})
            previous_us = verdict.open_time_us
        else:
            yield verdict


def _in_folder(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if has_candles(path.name))


def _candle_file(path: Path) -> CandleFile:
    match = _FILE_NAME.fullmatch(path.name)
    if not match:
        raise FatalError(f"{path}: found this name, allowed {ALLOWED_NAMES}")
    try:
        interval_us(match["interval"])
    except ValueError as error:
        raise FatalError(f"{path}: {error}") from error
    return CandleFile(path, match["venue"], match["symbol"], match["interval"])


def _instruments_of(files: Sequence[CandleFile], instruments_file: Path) -> list[InstrumentChanged]:
    """The instruments of the files, in the files' order."""
    known = {(item.venue, item.symbol): item for item in read_instruments(instruments_file)}
    instruments: dict[tuple[str, str], InstrumentChanged] = {}
    seen: set[tuple[str, str, str]] = set()
    for file in files:
        key, stream = file.key, (*file.key, file.interval)
        if stream in seen:
            raise FatalError(f"{file.path}: a second file of {':'.join(stream)}, allowed one: a stream has one order")
        seen.add(stream)
        if key not in known:
            raise FatalError(f"{instruments_file}: {':'.join(key)} is not there, but {file.path} needs it")
        if file.interval not in known[key].intervals:
            raise FatalError(
                f"{instruments_file}: {':'.join(key)}: intervals: found {', '.join(known[key].intervals)}, "
                f"allowed {file.interval} among them, as {file.path} has it"
            )
        instruments[key] = known[key]
    return list(instruments.values())
