"""Orders that fill in part, thin books and new symbols: what an unmodified ccxt and the user stream see of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import urlsplit

import ccxt.async_support as ccxt
from libs.venue.tests.venues import Client, bar, market

from tradewire.binance.user_stream import OrderTradeUpdate
from tradewire.venue.faults import FaultPlan, ScriptedFault
from tradewire.venue.server import VenueServer
from tradewire.venue.venue import VenueOptions

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
HALF = ScriptedFault("partial_fill", times=1, share=Decimal("0.5"))


def client(*faults: ScriptedFault) -> Client:
    """Two symbols that stand at 1000.0."""
    bars = [bar(n, "1000.0") for n in range(10)]
    return Client(market(*bars), market(*bars, base="ETH"), options=VenueOptions(faults=FaultPlan(faults, Random(1))))


@asynccontextmanager
async def bot_of(venue: Client) -> AsyncIterator[Any]:
    """ccxt at the venue, by the venue's time."""
    server = VenueServer(venue.venue)
    await server.start(keep=False)
    keys = venue.venue.keys
    exchange = ccxt.binanceusdm({"apiKey": keys.api_key, "secret": keys.secret, "enableRateLimit": False})
    exchange.urls["api"] = {name: server.rest + urlsplit(url).path for name, url in exchange.urls["api"].items()}
    exchange.nonce = lambda: venue.clock.now_us() // 1000
    try:
        yield exchange
    finally:
        await exchange.close()
        await server.stop()


def said(venue: Client) -> list[tuple[str, str, str]]:
    """What the user stream said of orders: execution, status, filled so far."""
    updates = [item.order for item in venue.said if isinstance(item, OrderTradeUpdate)]
    return [(order.execution, order.status, f"{order.filled_qty:f}") for order in updates]


async def test_market_order_when_it_fills_in_part_then_the_rest_expires() -> None:
    venue = client(HALF)
    async with bot_of(venue) as bot:
        order = await bot.create_order(BTC, "market", "buy", 0.010)
        assert (order["status"], order["filled"], order["remaining"]) == ("expired", 0.005, 0.005)
        (trade,) = await bot.fetch_my_trades(BTC)
        assert trade["amount"] == 0.005
        (position,) = await bot.fetch_positions([BTC])
        assert position["contracts"] == 0.005
    assert said(venue) == [
        ("NEW", "NEW", "0"),
        ("TRADE", "PARTIALLY_FILLED", "0.005"),
        ("EXPIRED", "EXPIRED", "0.005"),
    ]


async def test_limit_order_when_it_fills_in_part_then_the_rest_fills_with_the_next_move_under_the_same_ids() -> None:
    venue = client(HALF)
    async with bot_of(venue) as bot:
        order = await bot.create_order(BTC, "limit", "buy", 0.010, 1001)
        assert (order["status"], order["filled"], order["amount"]) == ("open", 0.005, 0.010)
        venue.wait(60)
        order = await bot.fetch_order(order["id"], BTC)
        assert (order["status"], order["filled"], order["remaining"]) == ("closed", 0.010, 0.0)
        assert [trade["order"] for trade in await bot.fetch_my_trades(BTC)] == [order["id"]] * 2


async def test_limit_order_when_its_rest_is_cancelled_then_what_filled_stays() -> None:
    venue = client(HALF)
    async with bot_of(venue) as bot:
        order = await bot.create_order(BTC, "limit", "buy", 0.010, 1001)
        order = await bot.cancel_order(order["id"], BTC)
        assert (order["status"], order["filled"]) == ("canceled", 0.005)
        assert await bot.fetch_open_orders(BTC) == []


async def test_market_order_when_the_book_is_thin_then_it_fills_what_the_book_shows() -> None:
    venue = client(ScriptedFault("thin_book", symbol="BTCUSDT", seconds=60))
    venue.wait(1)
    shown = sum(venue.venue.markets["BTCUSDT"].asks.values())
    async with bot_of(venue) as bot:
        order = await bot.create_order(BTC, "market", "buy", float(shown + 1))
        assert (order["status"], order["filled"]) == ("expired", float(shown))
        venue.wait(60)
        order = await bot.create_order(BTC, "market", "sell", float(shown), params={"reduceOnly": True})
        assert order["status"] == "closed"


async def test_symbol_when_it_is_listed_while_the_venue_runs_then_it_trades_from_then_on() -> None:
    venue = client(ScriptedFault("list", symbol="ETHUSDT", at_s=90))
    async with bot_of(venue) as bot:
        assert list(await bot.load_markets()) == [BTC]
        venue.wait(120)
        assert sorted(await bot.load_markets(reload=True)) == [BTC, ETH]
        assert (await bot.create_order(ETH, "market", "buy", 0.010))["status"] == "closed"
        assert (await bot.fetch_ticker(ETH))["last"] == 1000.0
