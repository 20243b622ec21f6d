"""Fifty clients on one address: none meets a 429, and a burst of data leaves room for what is more urgent."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from libs.venue.tests.venues import NOW_US, Client, bar, market

from tradewire.binance.limits import WEIGHT_LIMIT
from tradewire.ingest.adapters.binance_public import BinancePublic, weighed
from tradewire.ingest.adapters.polling import PollPolicy
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.rate_budget.budget import CEILING_PERCENT, Lane, RateBudget
from tradewire.runtime.rate_budget.memory_spent import MemorySpent
from tradewire.runtime.rate_budget.postgres_spent import PostgresSpent
from tradewire.runtime.stores.postgres import PostgresSettings
from tradewire.venue.server import VenueServer

if TYPE_CHECKING:
    from tradewire.testkit.postgres import PostgresServer

pytest_plugins = ["tradewire.testkit.postgres"]
CLIENTS = 50
PATIENT = PostgresSettings(connect_s=60.0, command_s=60.0)
PROCESSES = 5
"""Connections of their own to the store, ten clients each."""


class HeldUpError(Exception):
    """A request had to wait for the budget."""


async def hold_up(seconds: float) -> None:
    raise HeldUpError(seconds)


@pytest.fixture
def dsn(postgres: PostgresServer) -> str:
    return postgres.new_database()


async def test_fifty_clients_never_meet_a_429_and_a_burst_is_delayed_by_lane(dsn: str) -> None:
    client = Client(market(*(bar(n, "1000.0") for n in range(-1200, 60))))
    server = VenueServer(client.venue)
    await server.start(keep=False)
    budgets = [
        RateBudget(server.rest, PostgresSpent(dsn, settings=PATIENT), MemorySpent(SystemClock()), sleep=hold_up)
        for _ in range(PROCESSES)
    ]
    policy = PollPolicy(attempts=1)
    clients = [BinancePublic(server.rest, "1m", policy=policy, budget=budgets[n % PROCESSES]) for n in range(CLIENTS)]

    async def burst(one: BinancePublic) -> int:
        """Candles until the budget has no more room; any 429 would be an error of its own."""
        asked = 0
        with suppress(HeldUpError):
            while True:
                await one.klines("BTCUSDT", NOW_US - 72_000_000_000, 1000)
                asked += 1
        return asked

    try:
        asked = await asyncio.gather(*(burst(one) for one in clients))
        used = client.venue.gate.addresses["127.0.0.1"].weight.used
        assert sum(asked) * 5 == used == WEIGHT_LIMIT.limit * CEILING_PERCENT[Lane.DATA] // 100
        for lane in (Lane.OPEN, Lane.REDUCE, Lane.CANCEL):
            await budgets[0].take(lane, [weighed(100)])  # room is left for each of them
            with pytest.raises(HeldUpError):
                await budgets[1].take(Lane.DATA, [weighed(1)])
    finally:
        for one in clients:
            await one.close()
        for budget in budgets:
            await budget.close()
        await server.stop()
