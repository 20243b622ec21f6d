"""The only file that names adapters."""

from __future__ import annotations

from pathlib import Path

from tradewire.ingest.adapters.csv import CsvMarketData
from tradewire.ingest.adapters.pace import Pace
from tradewire.ingest.feed import Feed
from tradewire.ingest.handlers import inputs
from tradewire.ingest.settings import MarketSource, Settings
from tradewire.ports.events import CandleClosed, GapDetected, InstrumentChanged
from tradewire.ports.market_data import MarketDataPort
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.service import Service


def build(settings: Settings) -> Service:
    """The ingest service as a value."""
    source = _source(settings)
    feed = Feed(source)
    return Service(
        name="ingest",
        inputs=inputs(feed),
        outputs=(CandleClosed, InstrumentChanged, GapDetected),
        source=feed.batches,
        status=feed.status,
        closed=source.close,
    )


def _source(settings: Settings) -> MarketDataPort:
    match settings.market_source:
        case MarketSource.CSV:
            folder = settings.market_path
            files: Path | list[Path] = [folder / name for name in settings.market_files] or folder
            instruments = settings.instruments_file or folder / "instruments.yaml"
            return CsvMarketData(files, instruments, SystemClock(), pace=Pace(bars_per_second=settings.bars_per_second))
        case other:
            raise NotImplementedError(other)
