"""The only file that names adapters."""

from __future__ import annotations

from pathlib import Path

from tradewire.binance.signatures import Credentials, credentials_of
from tradewire.ingest.adapters.binance_figures import FIGURES
from tradewire.ingest.adapters.binance_live import BinanceLive, LiveMarket
from tradewire.ingest.adapters.binance_public import BinancePublic
from tradewire.ingest.adapters.binance_streams import MarketStreams
from tradewire.ingest.adapters.ccxt_public import CcxtPublic
from tradewire.ingest.adapters.csv import CsvMarketData
from tradewire.ingest.adapters.instruments_file import read_brackets
from tradewire.ingest.adapters.pace import Pace
from tradewire.ingest.adapters.polling import PollPolicy
from tradewire.ingest.adapters.recorded import RecordedSession
from tradewire.ingest.feed import METRICS, Feed
from tradewire.ingest.handlers import inputs
from tradewire.ingest.settings import MarketSource, Settings
from tradewire.ports.errors import FatalError
from tradewire.ports.events import (
    AuditRecorded,
    CandleClosed,
    ControlStatusChanged,
    GapDetected,
    InstrumentChanged,
    MarkPriceUpdated,
    TopOfBook,
    TradeSeen,
)
from tradewire.ports.market_data import MarketDataPort
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.rate_budget.budget import METRICS as BUDGET_METRICS
from tradewire.runtime.rate_budget.budget import RateBudget
from tradewire.runtime.rate_budget.memory_spent import MemorySpent
from tradewire.runtime.rate_budget.postgres_spent import PostgresSpent
from tradewire.runtime.service import Service
from tradewire.trading.times import zone_of

OUTPUTS = (
    CandleClosed,
    InstrumentChanged,
    GapDetected,
    MarkPriceUpdated,
    TopOfBook,
    TradeSeen,
    ControlStatusChanged,
    AuditRecorded,
)


LIVE = (MarketSource.CCXT, MarketSource.BINANCE)


def build(settings: Settings) -> Service:
    """The ingest service as a value."""
    try:
        source = _source(settings)
    except FatalError as error:
        raise FatalError(f"TRADEWIRE_{_named(settings)}: {error}") from error
    feed = Feed(source)
    return Service(
        name="ingest",
        inputs=inputs(feed),
        outputs=OUTPUTS,
        source=feed.batches,
        status=feed.status,
        waits=feed.waits,
        levels=feed.controls.told,
        closed=source.close,
        renew=lambda: build(settings),
        metrics=(*METRICS, *FIGURES, *BUDGET_METRICS),
        figures=feed.figures,
        mode="live" if settings.market_source in LIVE else "replay",
    )


def _named(settings: Settings) -> str:
    """The setting that says where the data is."""
    match settings.market_source:
        case MarketSource.CCXT:
            return f"CCXT_EXCHANGE={settings.ccxt_exchange}"
        case MarketSource.BINANCE:
            return f"MARKET_SOURCE={settings.market_source}"
        case _:
            return f"MARKET_PATH={settings.market_path}"


def _source(settings: Settings) -> MarketDataPort:
    folder, clock = settings.market_path, SystemClock()
    instruments = settings.instruments_file or (folder if folder.is_dir() else folder.parent) / "instruments.yaml"
    pace = Pace(bars_per_second=settings.bars_per_second, until_file=settings.replay_until_file)
    match settings.market_source:
        case MarketSource.CSV:
            files: Path | list[Path] = [folder / name for name in settings.market_files] or folder
            zone, begun = zone_of(settings.market_tz), settings.paced_once_begun
            return CsvMarketData(files, instruments, clock, pace=pace, zone=zone, paced_once_begun=begun)
        case MarketSource.RECORDED:
            return RecordedSession(folder, clock, instruments_file=instruments, pace=pace)
        case MarketSource.CCXT:
            return CcxtPublic(
                settings.ccxt_exchange,
                settings.ccxt_symbols,
                settings.ccxt_interval,
                clock,
                venue=settings.ccxt_venue,
                brackets=read_brackets(instruments),
                base_url=settings.ccxt_base_url,
            )
        case MarketSource.BINANCE:
            return _binance(settings, instruments)


def _credentials(settings: Settings) -> Credentials | None:
    """Keys to ask for brackets with. Raises FatalError for what is missing or no key."""
    if settings.binance_brackets_account is None or settings.binance_keys is None:
        return None
    try:
        folder, account_id = str(settings.binance_keys), settings.binance_brackets_account
        return credentials_of(folder, account_id, lambda path: Path(path).read_bytes())
    except ValueError as error:
        raise FatalError(str(error)) from error


def _binance(settings: Settings, instruments: Path) -> BinanceLive:
    policy, at, keys = PollPolicy(), settings.binance_addresses(), _credentials(settings)
    brackets = read_brackets(instruments) if keys is None else ()
    market = LiveMarket(
        settings.binance_symbols,
        settings.binance_interval,
        brackets,
        settings.binance_streams,
        late_s=settings.binance_late_seconds,
    )
    clock = SystemClock()
    dsn = settings.rate_budget_dsn
    shared = MemorySpent(clock) if dsn is None else PostgresSpent(dsn)
    budget = RateBudget(at.rest, shared, MemorySpent(clock))
    rest = BinancePublic(at.rest, settings.binance_interval, policy=policy, budget=budget, credentials=keys)
    streams = MarketStreams(at.ws, silent_s=settings.binance_silent_seconds)
    return BinanceLive(rest, streams, market, clock, policy=policy)
