"""Fifty strategies and the market data of one address: never a 429; a burst is delayed by lane, the least urgent most.

Time is turned: budget, broker, ingest's readers and the venue share one clock, which runs about twenty times as fast.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradewire.binance.limits import ORDERS_10S_LIMIT
from tradewire.execution.adapters import binance_rest
from tradewire.execution.adapters.binance_access import BinanceAccess
from tradewire.execution.adapters.binance_broker import BinanceBroker
from tradewire.execution.adapters.binance_modes import AccountModes
from tradewire.ingest.adapters.binance_public import BinancePublic
from tradewire.ingest.adapters.polling import PollPolicy
from tradewire.ports.broker import Accepted, VenueOrder
from tradewire.ports.errors import RetryableError
from tradewire.runtime.rate_budget.budget import DELAYED, DELAYS, Lane, RateBudget
from tradewire.runtime.rate_budget.memory_spent import MemorySpent
from tradewire.testkit.binance_venue import LEVERAGE, BinanceVenue
from tradewire.testkit.broker_suite import intent
from tradewire.testkit.builders import candle
from tradewire.testkit.manual_clock import ManualClock

STRATEGIES, READERS, SYMBOLS = 50, 5, [f"{base}USDT" for base in ("BTC", "ETH", "LTC", "SOL", "XRP")]
EACH = 6
"""Orders of each strategy, as fast as they are let: more than the account may send in ten seconds."""
FAR: dict[str, Any] = {"qty": Decimal("0.01"), "price": Decimal(49_000)}
TURNED, MOMENT_S = 20, 0.001


class Address:
    """The one budget of an address, by the venue's time."""

    def __init__(self, clock: ManualClock, rest: str) -> None:
        self._clock = clock
        self.budget = RateBudget(rest, MemorySpent(clock), MemorySpent(clock), sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        until_s = self._clock.monotonic_s() + seconds
        while self._clock.monotonic_s() < until_s:
            await asyncio.sleep(MOMENT_S)

    async def turn(self) -> None:
        """Let time pass until cancelled."""
        while True:
            self._clock.advance(seconds=MOMENT_S * TURNED)
            await asyncio.sleep(MOMENT_S)

    def waits(self) -> dict[str, tuple[int, float]]:
        """Of each lane: requests that waited until they were let, and how long in all, s."""
        found = {(figure.metric, figure.labels[0]): figure.value for figure in self.budget.figures() if figure.labels}
        names = [lane.name.lower() for lane in Lane]
        return {name: (int(found[DELAYS, name]), round(found[DELAYED, name])) for name in names}


class Trader:
    """Strategies' orders, each sent once by its own id; what the budget holds back is tried again."""

    def __init__(self, broker: BinanceBroker) -> None:
        self._broker, self.held_back = broker, 0

    async def trade(self, strategy: int) -> None:
        """One order after the other; the first is withdrawn again."""
        for order in range(EACH):
            await self.enter(strategy, order)
            if order == 0:
                await self.withdraw(strategy, order)

    async def enter(self, strategy: int, order: int) -> None:
        """A resting order."""
        symbol, wanted = SYMBOLS[strategy % len(SYMBOLS)], intent(f"s{strategy:02d}-{order}", **FAR)
        await self._until_let(lambda: self._broker.submit(symbol, wanted))

    async def withdraw(self, strategy: int, order: int) -> None:
        """And its end."""
        symbol = SYMBOLS[strategy % len(SYMBOLS)]
        await self._until_let(lambda: self._broker.cancel(symbol, f"s{strategy:02d}-{order}"))

    async def _until_let(self, call: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                answer = await call()
            except RetryableError as error:
                if "the rate budget has no room" not in str(error):
                    raise
                self.held_back += 1
            else:
                assert isinstance(answer, Accepted | VenueOrder), answer
                return


async def read_on(rest: BinancePublic, ended: asyncio.Event) -> None:
    """Ask for history, page after page, as fast as it is let."""
    while not ended.is_set():
        await rest.klines(SYMBOLS[0], 0, 1000)


@asynccontextmanager
async def turned_venue() -> AsyncIterator[tuple[BinanceVenue, Address]]:
    """A venue, and the budget of those who ask it, while time passes."""
    venue = BinanceVenue([candle(n, 50_000, symbol) for symbol in SYMBOLS for n in range(3)], whole_bars=False)
    await venue.start()
    address = Address(venue.clock, venue.server.rest)
    turning = asyncio.create_task(address.turn())
    try:
        yield venue, address
    finally:
        turning.cancel()
        await venue.stop()


async def test_fifty_strategies_on_one_address_meet_no_429_and_wait_by_lane(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ORDER_WAIT_S", "READ_WAIT_S"):
        monkeypatch.setattr(binance_rest, name, getattr(binance_rest, name) / TURNED)
    async with turned_venue() as (venue, address), AsyncExitStack() as closing:
        modes, keys = AccountModes(leverage=LEVERAGE), venue.write_keys(tmp_path, "live-1")
        broker = BinanceAccess(venue.addresses, keys, modes, address.budget).broker("live-1", venue.clock)
        closing.push_async_callback(broker.close)
        for symbol in SYMBOLS:
            broker.list_symbol(symbol)
        await broker.begin()
        readers = [
            BinancePublic(venue.server.rest, "1h", policy=PollPolicy(attempts=1), budget=address.budget)
            for _ in range(READERS)
        ]
        for rest in readers:
            closing.push_async_callback(rest.close)
        ended, trader, begun_s = asyncio.Event(), Trader(broker), venue.clock.monotonic_s()
        reading = [asyncio.create_task(read_on(rest, ended)) for rest in readers]
        await asyncio.gather(*map(trader.trade, range(STRATEGIES)))
        entered_s = venue.clock.monotonic_s() - begun_s
        ended.set()
        await asyncio.gather(*reading)
    (known,) = venue.venue.gate.addresses.values()
    waits = address.waits()
    print(
        f"{STRATEGIES * EACH} orders in {entered_s:.0f} s, held back {trader.held_back} times; waited, by lane: {waits}"
    )
    assert [record.getMessage() for record in caplog.records if "HTTP 4" in record.getMessage()] == []
    assert (known.over, known.bans) == (0, 0)
    sent = Counter(order.client_order_id for order in venue.venue.account.orders.values())
    assert (len(sent), set(sent.values())) == (STRATEGIES * EACH, {1})
    assert entered_s >= ORDERS_10S_LIMIT.interval_ms / 1000, "more than an account may send in ten seconds"
    assert trader.held_back > 0
    assert waits["cancel"][0] == 0, "what is most urgent never waits for the rest"
    assert waits["data"][0] > 0
