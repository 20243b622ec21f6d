"""An unmodified ccxt trades at the venue: only its addresses are set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt.async_support as ccxt
import pytest

from tradewire.runtime.clock import SystemClock
from tradewire.venue.loading import load_markets
from tradewire.venue.server import VenueServer
from tradewire.venue.venue import Venue

SAMPLE = Path(__file__).parents[3] / "data/sample"
BTC = "BTC/USDT:USDT"


@dataclass(frozen=True, slots=True)
class Bot:
    """ccxt and the venue that it talks to."""

    exchange: Any
    server: VenueServer

    async def last(self) -> float:
        price: float = (await self.exchange.fetch_ticker(BTC))["last"]
        return price


@pytest.fixture(scope="module")
def sample() -> list[Any]:
    return load_markets(SAMPLE, now_us=SystemClock().now_us())


@pytest.fixture
async def bot(sample: list[Any]) -> AsyncIterator[Bot]:
    server = VenueServer(Venue(sample, SystemClock()))
    await server.start()
    keys = server.venue.keys
    exchange = ccxt.binanceusdm({"apiKey": keys.api_key, "secret": keys.secret, "enableRateLimit": False})
    apis = exchange.urls["api"]
    exchange.urls["api"] = {name: server.rest + urlsplit(url).path for name, url in apis.items()}
    try:
        yield Bot(exchange, server)
    finally:
        await exchange.close()
        await server.stop()


async def test_markets_have_the_rules_of_the_instruments_file(bot: Bot) -> None:
    markets = await bot.exchange.load_markets()
    assert sorted(markets) == [BTC, "ETH/USDT:USDT", "LTC/USDT:USDT"]
    market = markets[BTC]
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.0001)
    assert (market["limits"]["cost"]["min"], market["linear"], market["active"]) == (5.0, True, True)


async def test_candles_of_any_interval_join_and_end_now(bot: Bot) -> None:
    for interval, length_ms in (("1m", 60_000), ("1h", 3_600_000), ("4h", 4 * 3_600_000)):
        rows = await bot.exchange.fetch_ohlcv(BTC, interval, limit=5)
        assert [row[0] - rows[0][0] for row in rows] == [n * length_ms for n in range(5)]
        assert all(row[3] <= min(row[1], row[4]) <= max(row[1], row[4]) <= row[2] for row in rows)
        assert rows[-1][0] <= await bot.exchange.fetch_time() < rows[-1][0] + 2 * length_ms


async def test_history_is_asked_for_from_a_time(bot: Bot) -> None:
    last = (await bot.exchange.fetch_ohlcv(BTC, "1h", limit=1))[0][0]
    rows = await bot.exchange.fetch_ohlcv(BTC, "1h", since=last - 100 * 3_600_000, limit=10)
    assert [row[0] for row in rows] == [last - (100 - n) * 3_600_000 for n in range(10)]


async def test_prices_book_marks_brackets_and_funding_are_told(bot: Bot) -> None:
    book = await bot.exchange.fetch_order_book(BTC, 5)
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert book["bids"][0][0] < await bot.last() < book["asks"][0][0]
    assert (await bot.exchange.fetch_mark_price(BTC))["markPrice"] == await bot.last()
    assert (await bot.exchange.fetch_funding_rate(BTC))["fundingRate"] == 0.0001
    history = await bot.exchange.fetch_funding_rate_history(BTC, limit=3)
    assert [row["timestamp"] % (8 * 3_600_000) for row in history] == [0, 0, 0]
    tiers = (await bot.exchange.fetch_leverage_tiers([BTC]))[BTC]
    assert (tiers[0]["maxLeverage"], tiers[0]["maintenanceMarginRate"], tiers[1]["minNotional"]) == (125, 0.004, 50_000)
    assert len(await bot.exchange.fetch_trades(BTC)) >= 1


async def test_an_order_is_placed_changed_cancelled_and_asked_for(bot: Bot) -> None:
    price = await bot.last()
    placed = await bot.exchange.create_order(BTC, "limit", "buy", 0.01, price * 0.97)
    assert placed["status"] == "open"
    changed = await bot.exchange.edit_order(placed["id"], BTC, "limit", "buy", 0.02, price * 0.98)
    assert (changed["id"], changed["amount"]) == (placed["id"], 0.02)
    assert [order["id"] for order in await bot.exchange.fetch_open_orders(BTC)] == [placed["id"]]
    assert (await bot.exchange.cancel_order(placed["id"], BTC))["status"] == "canceled"
    assert (await bot.exchange.fetch_order(placed["id"], BTC))["status"] == "canceled"
    assert [order["id"] for order in await bot.exchange.fetch_orders(BTC)] == [placed["id"]]


async def test_a_fill_moves_position_balance_trades_and_income(bot: Bot) -> None:
    bought = await bot.exchange.create_order(BTC, "market", "buy", 0.01)
    assert (bought["status"], bought["filled"]) == ("closed", 0.01)
    (position,) = await bot.exchange.fetch_positions([BTC])
    assert (position["contracts"], position["side"], position["entryPrice"]) == (0.01, "long", bought["average"])
    (trade,) = await bot.exchange.fetch_my_trades(BTC)
    assert (trade["amount"], trade["order"]) == (0.01, bought["id"])
    balance = (await bot.exchange.fetch_balance())["USDT"]
    assert balance["total"] == pytest.approx(100_000 - trade["fee"]["cost"], abs=1)
    (fee,) = await bot.exchange.fetch_ledger("USDT")
    assert (fee["amount"], fee["direction"]) == (trade["fee"]["cost"], "out")
    closed = await bot.exchange.create_order(BTC, "market", "sell", 0.01, params={"reduceOnly": True})
    assert closed["status"] == "closed"
    assert await bot.exchange.fetch_positions([BTC]) == []


async def test_conditional_orders_have_ids_of_their_own(bot: Bot) -> None:
    price = await bot.last()
    stop = await bot.exchange.create_order(BTC, "market", "sell", 0.01, params={"stopLossPrice": price * 0.9})
    assert (stop["type"], stop["status"]) == ("market", "open")
    assert await bot.exchange.fetch_open_orders(BTC) == []
    (shown,) = await bot.exchange.fetch_open_orders(BTC, params={"trigger": True})
    assert (shown["id"], shown["clientOrderId"]) == (stop["id"], stop["clientOrderId"])
    await bot.exchange.create_order(BTC, "market", "buy", 0.01)
    trailing = {"trailingPercent": 1, "reduceOnly": True}
    followed = await bot.exchange.create_order(BTC, "market", "sell", 0.01, params=trailing)
    assert (await bot.exchange.cancel_order(followed["id"], BTC, {"trigger": True}))["id"] == followed["id"]
    await bot.exchange.cancel_all_orders(BTC, {"trigger": True})
    assert await bot.exchange.fetch_open_orders(BTC, params={"trigger": True}) == []


async def test_modes_are_set_and_told(bot: Bot) -> None:
    assert (await bot.exchange.set_leverage(7, BTC))["leverage"] == 7
    await bot.exchange.set_margin_mode("isolated", BTC)
    with pytest.raises(ccxt.MarginModeAlreadySet):
        await bot.exchange.set_margin_mode("isolated", BTC)
    leverage = await bot.exchange.fetch_leverage(BTC)
    assert (leverage["longLeverage"], leverage["marginMode"]) == (7, "isolated")
    await bot.exchange.set_position_mode(True)
    assert (await bot.exchange.fetch_position_mode(BTC))["hedged"] is True
    long = await bot.exchange.create_order(BTC, "market", "buy", 0.01, params={"hedged": True})
    assert long["info"]["positionSide"] == "LONG"
    await bot.exchange.create_order(BTC, "market", "sell", 0.02, params={"hedged": True})
    sides = {item["side"]: item["contracts"] for item in await bot.exchange.fetch_positions([BTC])}
    assert sides == {"long": 0.01, "short": 0.02}
    await bot.exchange.create_order(BTC, "market", "sell", 0.01, params={"hedged": True, "reduceOnly": True})
    assert [item["side"] for item in await bot.exchange.fetch_positions([BTC])] == ["short"]


async def test_orders_of_a_batch_are_placed_and_cancelled(bot: Bot) -> None:
    price = await bot.last()
    asked = [
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": price * 0.98},
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.0001, "price": price * 0.98},
    ]
    answers = await bot.exchange.create_orders(asked)
    (taken,) = [answer for answer in answers if answer["id"]]
    assert [answer["info"]["code"] for answer in answers if answer is not taken] == [-4164]
    await bot.exchange.cancel_orders([taken["id"]], BTC)
    assert await bot.exchange.fetch_open_orders(BTC) == []


async def test_refusals_become_ccxts_errors(bot: Bot) -> None:
    price = await bot.last()
    with pytest.raises(ccxt.InvalidOrder, match="-5022"):
        await bot.exchange.create_order(BTC, "limit", "buy", 0.01, price * 1.01, {"postOnly": True})
    with pytest.raises(ccxt.ExchangeError, match="-2019"):  # ccxt tells futures' codes by Binance's own host name
        await bot.exchange.create_order(BTC, "market", "buy", 999)
    with pytest.raises(ccxt.OrderNotFound):
        await bot.exchange.cancel_order("1", BTC)
    bot.exchange.secret = "another"
    with pytest.raises(ccxt.AuthenticationError):
        await bot.exchange.fetch_balance()
