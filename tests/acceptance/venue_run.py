"""The whole platform in one process, its execution service at a simulated Binance that moves bar by bar with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from prometheus_client import CollectorRegistry

import tradewire.execution.settings
import tradewire.execution.wiring
import tradewire.indicator.settings
import tradewire.indicator.wiring
import tradewire.ingest.settings
import tradewire.ingest.wiring
import tradewire.risk.settings
import tradewire.risk.wiring
import tradewire.strategy.settings
import tradewire.strategy.wiring
from tradewire.app.operating.monolith import begun, beside, memory_topics
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.scenario import Scenario
from tradewire.app.operating.watch import RunResult, RunWatcher
from tradewire.binance.limits import RateLimit
from tradewire.execution.adapters.memory_ledger import LedgerTables, MemoryLedger
from tradewire.ports.events import (
    AccountStateChanged,
    AuditRecorded,
    CandleClosed,
    InstrumentChanged,
    OrderChanged,
    OrderFilled,
    OrderIntent,
    RiskAssessed,
)
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.tracing import Tracing
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings
from tradewire.testkit.binance_venue import LEVERAGE, BinanceVenue
from tradewire.testkit.worker_rig import ended
from tradewire.trading.bars_csv import read_bars
from tradewire.trading.instruments_file import parse_instruments
from tradewire.trading.language import INTERVALS_US
from tradewire.venue.market import FUNDING_RATE

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data/sample"
VENUE, SYMBOL, INTERVAL = "binance", "BTCUSDT", "1h"
FUNDING_MS, HOUR_MS = 8 * 3_600_000, 3_600_000
LOOK_SECONDS = 0.002
AMPLE = RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 1_000_000)
"""Hours pass in these runs while the machine's clock, by which the budget counts, goes on by seconds."""
Strike = Callable[[CandleClosed], Awaitable[None]]
COMMON: Mapping[str, object] = {"bus_url": "memory:"}
LIKE_THE_VENUE: Mapping[str, object] = {"slippage_bps": Decimal(0), "paper_leverage": LEVERAGE}
"""A paper account that fills as the venue does."""


@dataclass(frozen=True, slots=True)
class Market:
    """Candle file and instruments of a run, and the same as values."""

    folder: Path
    file: str
    candles: tuple[CandleClosed, ...]
    rules: InstrumentChanged


def sample_market(folder: Path, bars: int) -> Market:
    """The first bars of the hourly sample, as they would be at Binance: symbol settled in USDT."""
    lines = (SAMPLE / "coinbase-BTCUSD-1h.csv").read_text().splitlines()[: bars + 1]
    file = f"{VENUE}-{SYMBOL}-{INTERVAL}.csv"
    (folder / file).write_text("\n".join(lines) + "\n")
    first_ms, last_ms = (int(lines[n].split(",")[0]) for n in (1, -1))
    hours = range(first_ms + HOUR_MS, last_ms + 2 * HOUR_MS, HOUR_MS)
    rows = [f"{time_ms},{FUNDING_RATE}" for time_ms in hours if time_ms % FUNDING_MS == 0]
    funding = folder / f"{VENUE}-{SYMBOL}-{INTERVAL}.funding.csv"
    funding.write_text("\n".join(["funding_time,funding_rate", *rows]) + "\n")
    rules = (SAMPLE / "instruments.yaml").read_text().replace("venue: coinbase", f"venue: {VENUE}")
    rules = rules.replace("symbol: BTCUSD\n", f"symbol: {SYMBOL}\n", 1).replace("quote: USD\n", "quote: USDT\n", 1)
    (folder / "instruments.yaml").write_text(rules)
    (instrument,) = (item for item in parse_instruments(rules, "instruments.yaml") if item.venue == VENUE)
    length_us = INTERVALS_US[INTERVAL]
    candles = tuple(
        CandleClosed(
            venue=VENUE,
            symbol=SYMBOL,
            interval=INTERVAL,
            open_time_us=bar.open_time_us,
            close_time_us=bar.open_time_us + length_us,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
        )
        for bar in read_bars((folder / file).read_text(), file)
    )
    return Market(folder, file, candles, instrument)


def strategy_file(folder: Path, text: str) -> Path:
    """A strategy of the sample as it would trade at Binance."""
    path = folder / f"{next(line[4:] for line in text.splitlines() if line.startswith('id: '))}.yaml"
    path.write_text(text.replace("coinbase", VENUE).replace("BTCUSD]", f"{SYMBOL}]"))
    return path


class VenueRun:
    """One run. ``events``: transitions, fills and states, in order; ``tables``: the ledger; ``approved``: intents.

    The execution service is a worker of its own, so that it can be killed.
    """

    def __init__(self, market: Market, strategies: tuple[Path, ...], venue: BinanceVenue | None) -> None:
        self.market, self.venue = market, venue
        self.scenario = Scenario("binance", market.folder, (market.file,), strategies)
        self.bus, self.codec = MemoryBus(memory_topics()), Codec(SchemaIds.static())
        self.until_file = market.folder / "until"
        self.events: list[Event] = []
        self.approved: dict[str, OrderIntent] = {}
        self.tables = LedgerTables()
        self.accounts: set[str] = set()
        self.kills = 0
        self._execution: tuple[Service, asyncio.Task[None], asyncio.Event] | None = None

    async def come_to_an_end(self, strike: Strike | None = None) -> RunResult:
        """Play every bar; where there is a venue, each only after all that follows from the one before was done.

        ``strike``: told of each bar as it begins, and may kill.
        """
        operator = Operator(self.bus, self.codec, SystemClock(), author="test")
        self.accounts = await begun(self.scenario, self.bus, operator, COMMON)
        watcher = RunWatcher(self.bus, self.codec, self.accounts, self._listen)
        settings = RuntimeSettings(bus_url="memory:")
        self.start()
        pacing = asyncio.create_task(self._pace(strike))
        try:
            return await beside(self._services(), self.bus, settings, lambda: self._watch(watcher, pacing))
        finally:
            pacing.cancel()
            await self.end(orderly=True)

    async def _watch(self, watcher: RunWatcher, pacing: asyncio.Task[None]) -> RunResult:
        """Until the run is over, or what drives it failed."""
        watching = asyncio.create_task(watcher.until_over(lambda _: None))
        while not watching.done():
            await asyncio.wait({watching, pacing}, timeout=0.1)
            if pacing.done() and pacing.exception() is not None:
                watching.cancel()
                pacing.result()
            if self._execution is not None and self._execution[1].done():
                watching.cancel()
                self._execution[1].result()
                raise AssertionError("the execution service ended by itself")
        return watching.result()

    async def incidents(self) -> list[AuditRecorded]:
        """What execution said to people."""
        topic = BY_EVENT[AuditRecorded].name
        found = [
            self.codec.decode(topic, record.value) async for record in read_to_end(self.bus, topic) if record.value
        ]
        return [event for event in found if isinstance(event, AuditRecorded) and event.source == "execution"]

    # ---- the execution service ----

    def start(self) -> None:
        """A new process takes the accounts over."""
        service = tradewire.execution.wiring.on_ledger(self._settings(), MemoryLedger(self.tables))
        worker = Worker(
            service,
            self.bus,
            self.codec,
            clock=SystemClock(),
            tracing=Tracing(service.name, "0"),
            metrics=Metrics(CollectorRegistry()),
            settings=RuntimeSettings(bus_url="memory:", retry_seconds_max=0.05),
            version="0",
        )
        stop = asyncio.Event()
        self._execution = service, asyncio.create_task(worker.run(stop)), stop

    async def end(self, *, orderly: bool = False) -> None:
        """The process ends: at once where it is, or in order."""
        if self._execution is None:
            return
        (_, task, stop), self._execution = self._execution, None
        stop.set() if orderly else task.cancel()
        failure = await ended(task)
        assert failure is None, failure

    async def kill(self) -> None:
        """It is gone where it is, and begins again."""
        await self.end()
        self.kills += 1
        self.start()

    # ---- the others ----

    def _listen(self, event: Event) -> None:
        if isinstance(event, OrderChanged | OrderFilled | AccountStateChanged):
            self.events.append(event)
        if isinstance(event, RiskAssessed):
            self.approved |= {intent.client_order_id: intent for intent in event.intents}

    def _services(self) -> list[Service]:
        paths = {"market_path": self.market.folder, "market_files": (self.market.file,)}
        until = {"replay_until_file": self.until_file} if self.venue is not None else {}
        return [
            tradewire.ingest.wiring.build(tradewire.ingest.settings.Settings(**COMMON, **paths, **until)),  # type: ignore[arg-type]
            tradewire.indicator.wiring.build(tradewire.indicator.settings.Settings(**COMMON)),  # type: ignore[arg-type]
            tradewire.strategy.wiring.build(tradewire.strategy.settings.Settings(**COMMON)),  # type: ignore[arg-type]
            tradewire.risk.wiring.build(tradewire.risk.settings.Settings(**COMMON)),  # type: ignore[arg-type]
        ]

    def _settings(self) -> tradewire.execution.settings.Settings:
        if self.venue is None:
            return tradewire.execution.settings.Settings(**COMMON, **LIKE_THE_VENUE)  # type: ignore[arg-type]
        return tradewire.execution.settings.Settings(
            bus_url="memory:",
            venue="binance",
            binance_rest_url=self.venue.server.rest,
            binance_ws_url=self.venue.server.ws,
            binance_keys=self.venue.write_keys(self.market.folder, *self.accounts),
            binance_leverage=LEVERAGE,
            binance_shown_seconds=0.3,  # the venue shows at once what it has
        )

    async def _pace(self, strike: Strike | None) -> None:
        """Let the venue go on to each close, then the platform; the next close when the account stands still."""
        if self.venue is None:
            return
        for candle in self.market.candles:
            await self.venue.move(candle.close_time_us)
            self.until_file.write_text(str(candle.close_time_us))
            if strike is not None:
                await strike(candle)
            while not self._is_done(candle.close_time_us):
                await asyncio.sleep(LOOK_SECONDS)  # gives the loop away; the condition itself is what is asked
                self.venue.clock.advance(seconds=LOOK_SECONDS)  # limits and listen keys go by the venue's time

    def _is_done(self, time_us: int) -> bool:
        """Has the account taken the bar, and has the venue answered everything that followed?"""
        assert self._execution is not None, "it runs"
        service = self._execution[0]
        accounts = service.status()["accounts"]
        assert isinstance(accounts, dict)
        taken = all(account["event_time_us"] >= time_us for account in accounts.values())
        return bool(accounts) and taken and not list(service.waits()) and not service.hurried()
