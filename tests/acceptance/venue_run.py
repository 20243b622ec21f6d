"""The whole platform in one process, its execution service at a simulated Binance that moves bar by bar with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

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
from tradewire.execution.adapters.memory_ledger import MemoryLedger
from tradewire.ports.events import AccountStateChanged, CandleClosed, InstrumentChanged, OrderChanged, OrderFilled
from tradewire.ports.message import Event
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings
from tradewire.testkit.binance_venue import LEVERAGE, BinanceVenue
from tradewire.trading.bars_csv import read_bars
from tradewire.trading.instruments_file import parse_instruments
from tradewire.trading.language import INTERVALS_US

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data/sample"
VENUE, SYMBOL, INTERVAL = "binance", "BTCUSDT", "1h"
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
    """One run. ``events``: transitions and fills, in order; ``ledger``: of the execution service."""

    def __init__(self, market: Market, strategies: tuple[Path, ...], venue: BinanceVenue | None) -> None:
        self.market, self.venue = market, venue
        self.scenario = Scenario("binance", market.folder, (market.file,), strategies)
        self.bus, self.codec = MemoryBus(memory_topics()), Codec(SchemaIds.static())
        self.until_file = market.folder / "until"
        self.events: list[Event] = []
        self.ledger = MemoryLedger()
        self.execution: Service | None = None

    async def come_to_an_end(self) -> RunResult:
        """Play every bar; where there is a venue, each only after all that follows from the one before was done."""
        operator = Operator(self.bus, self.codec, SystemClock(), author="test")
        accounts = await begun(self.scenario, self.bus, operator, COMMON)
        watcher = RunWatcher(self.bus, self.codec, accounts, self._listen)
        settings = RuntimeSettings(bus_url="memory:")
        pacing = asyncio.create_task(self._pace())
        try:
            return await beside(
                self._services(accounts), self.bus, settings, lambda: watcher.until_over(lambda _: None)
            )
        finally:
            pacing.cancel()

    def _listen(self, event: Event) -> None:
        if isinstance(event, OrderChanged | OrderFilled | AccountStateChanged):
            self.events.append(event)

    def _services(self, accounts: set[str]) -> list[Service]:
        paths = {"market_path": self.market.folder, "market_files": (self.market.file,)}
        until = {"replay_until_file": self.until_file} if self.venue is not None else {}
        self.execution = tradewire.execution.wiring.on_ledger(self._settings(accounts), self.ledger)
        return [
            tradewire.ingest.wiring.build(tradewire.ingest.settings.Settings(**COMMON, **paths, **until)),  # type: ignore[arg-type]
            tradewire.indicator.wiring.build(tradewire.indicator.settings.Settings(**COMMON)),  # type: ignore[arg-type]
            tradewire.strategy.wiring.build(tradewire.strategy.settings.Settings(**COMMON)),  # type: ignore[arg-type]
            tradewire.risk.wiring.build(tradewire.risk.settings.Settings(**COMMON)),  # type: ignore[arg-type]
            self.execution,
        ]

    def _settings(self, accounts: set[str]) -> tradewire.execution.settings.Settings:
        if self.venue is None:
            return tradewire.execution.settings.Settings(**COMMON, **LIKE_THE_VENUE)  # type: ignore[arg-type]
        keys = self.venue.write_keys(self.market.folder, *accounts)
        return tradewire.execution.settings.Settings(
            bus_url="memory:",
            venue="binance",
            binance_rest_url=self.venue.server.rest,
            binance_ws_url=self.venue.server.ws,
            binance_keys=keys,
            binance_leverage=LEVERAGE,
        )

    async def _pace(self) -> None:
        """Let the venue go on to each close, then the platform; the next close when the account stands still."""
        if self.venue is None:
            return
        for candle in self.market.candles:
            await self.venue.move(candle.close_time_us)
            self.until_file.write_text(str(candle.close_time_us))
            while not self._is_done(candle.close_time_us):
                await asyncio.sleep(0.002)  # gives the loop away; the condition itself is what is asked

    def _is_done(self, time_us: int) -> bool:
        """Has the account taken the bar, and has the venue answered everything that followed?"""
        assert self.execution is not None, "it runs"
        accounts = self.execution.status()["accounts"]
        assert isinstance(accounts, dict)
        taken = all(account["event_time_us"] >= time_us for account in accounts.values())
        return bool(accounts) and taken and not list(self.execution.waits()) and not self.execution.hurried()
