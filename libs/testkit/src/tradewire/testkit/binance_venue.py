"""A simulated Binance on loopback whose time the test moves, and brokers that trade there."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from tradewire.binance.addresses import Addresses
from tradewire.execution.adapters.binance_access import BinanceAccess
from tradewire.execution.adapters.binance_broker import BinanceBroker
from tradewire.execution.adapters.binance_modes import AccountModes
from tradewire.ports.events import CandleClosed, InstrumentChanged
from tradewire.runtime.rate_budget.budget import RateBudget
from tradewire.runtime.rate_budget.memory_spent import MemorySpent
from tradewire.testkit.builders import instrument
from tradewire.testkit.manual_clock import ManualClock
from tradewire.trading.exchange import to_e8
from tradewire.trading.wire import bar_of
from tradewire.venue.faults import FaultPlan
from tradewire.venue.listing import listing_of
from tradewire.venue.server import VenueServer
from tradewire.venue.tape import Tape
from tradewire.venue.venue import Venue, VenueOptions

LEVERAGE = 20
"""Of every symbol of a new venue."""


class BinanceVenue:
    """A venue of one account, with whole bars: orders meet a candle as it closes.

    ``candles``: of each symbol, in order; time begins at the open of the first one.
    """

    def __init__(
        self,
        candles: Sequence[CandleClosed],
        *,
        rules: Sequence[InstrumentChanged] = (),
        faults: FaultPlan | None = None,
        whole_bars: bool = True,
        balance: Decimal = Decimal(100_000),
    ) -> None:
        symbols = sorted({item.symbol for item in candles})
        known = {item.symbol: item for item in rules}
        listed = {symbol: known.get(symbol) or instrument(symbol) for symbol in symbols}
        self.clock = ManualClock(min(item.open_time_us for item in candles))
        markets = [
            (
                listing_of(listed[symbol], onboard_ms=0),
                Tape(
                    [bar_of(item) for item in candles if item.symbol == symbol],
                    tick_e8=to_e8(listed[symbol].tick_size),
                ),
            )
            for symbol in symbols
        ]
        options = VenueOptions(balance=balance, whole_bars=whole_bars, faults=faults or FaultPlan())
        self.venue = Venue(markets, self.clock, options)
        self.server = VenueServer(self.venue)

    async def start(self) -> None:
        """Listen; the market moves by ``move`` alone."""
        await self.server.start(keep=False)

    async def stop(self) -> None:
        """Drop all connections."""
        await self.server.stop()

    async def move(self, time_us: int) -> None:
        """Let the market go on to a time, UTC."""
        self.clock.advance(seconds=(time_us - self.clock.now_us()) / 1e6)
        await self.server.tick()

    def write_keys(self, folder: Path, *accounts: str) -> Path:
        """The test keys as an operator mounts them."""
        for account_id in accounts:
            (folder / f"{account_id}.key").write_text(self.venue.keys.api_key)
            (folder / f"{account_id}.secret").write_text(self.venue.keys.secret)
        return folder

    @property
    def addresses(self) -> Addresses:
        """Where it listens."""
        return Addresses(self.server.rest, self.server.ws, self.server.rest)

    def broker(
        self, keys: Path, account_id: str = "live-1", modes: AccountModes | None = None, *, shadow: bool = False
    ) -> BinanceBroker:
        """A broker of the account."""
        modes = modes or AccountModes(leverage=LEVERAGE)
        budget = RateBudget(self.server.rest, MemorySpent(self.clock), MemorySpent(self.clock))
        access = BinanceAccess(self.addresses, self.write_keys(keys, account_id), modes, budget, shadow)
        return access.broker(account_id, self.clock)
