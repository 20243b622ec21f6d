"""For the same intent the broker sends what an unmodified ccxt sends, parameter for parameter.

Both talk to a proxy on loopback that notes each request and hands it on to a simulated venue. Not compared: ids, times,
signatures, and `newOrderRespType`: ccxt wants a filled order back, we want to know that it arrived.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import ccxt.async_support as ccxt
import pytest
from aiohttp import web
from services.execution.tests.binance_venues import venue_with

from tradewire.binance.addresses import Addresses
from tradewire.execution.adapters.binance_access import BinanceAccess
from tradewire.execution.adapters.binance_broker import BinanceBroker
from tradewire.execution.adapters.binance_modes import AccountModes
from tradewire.ports.events import OrderIntent, OrderLeg, OrderType, Side, TimeInForce
from tradewire.runtime.rate_budget.budget import RateBudget
from tradewire.runtime.rate_budget.memory_spent import MemorySpent
from tradewire.testkit.binance_venue import LEVERAGE, BinanceVenue
from tradewire.testkit.broker_suite import intent, market

SYMBOL, BTC = "BTCUSDT", "BTC/USDT:USDT"
OF_A_CALL = {"timestamp", "signature", "recvWindow", "newOrderRespType"}
IDS = {"newClientOrderId", "clientAlgoId", "origClientOrderId"}
NOT_DOCUMENTED = {("GET", "/fapi/v1/algoOrder", "symbol"), ("DELETE", "/fapi/v1/algoOrder", "symbol")}
"""What ccxt sends and Binance's documents don't know: a conditional order is named by its id alone."""
Call = tuple[str, str, Mapping[str, object]]
Act = Callable[[], Awaitable[object]]


class Recorder:
    """A proxy in front of a venue. ``calls``: method, path and parameters of each request."""

    def __init__(self, venue: BinanceVenue) -> None:
        self._venue, self.calls = venue, list[Call]()
        self._session = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app)
        self.rest = ""

    async def start(self) -> None:
        """Listen."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.rest = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Hang up."""
        await self._session.close()
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.text()
        sent = dict(parse_qsl(request.query_string) + parse_qsl(body))
        self.calls.append((request.method, request.path, {k: _value(v) for k, v in sent.items() if k not in OF_A_CALL}))
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        address = f"{self._venue.server.rest}{request.rel_url}"
        async with self._session.request(request.method, address, data=body, headers=headers) as answer:
            return web.Response(status=answer.status, text=await answer.text(), content_type="application/json")


def _value(text: str) -> object:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


class Pair:
    """Our broker and ccxt, at one venue."""

    def __init__(self, recorder: Recorder, broker: BinanceBroker, exchange: Any) -> None:
        self._recorder, self.broker, self.exchange = recorder, broker, exchange

    async def sent(self, act: Act, path: str) -> Call:
        """The call to ``path`` that ``act`` makes, its ids by name alone."""
        self._recorder.calls.clear()
        await act()
        found = next(call for call in self._recorder.calls if call[1] == path)
        named = {k: (k if k in IDS else v) for k, v in found[2].items() if (found[0], path, k) not in NOT_DOCUMENTED}
        return found[0], path, named


@pytest.fixture(params=[False, True], ids=["one-way", "hedge"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    venue = venue_with(50_000, 50_000, 50_000)
    venue.venue.account.hedged = request.param
    await venue.start()
    recorder = Recorder(venue)
    await recorder.start()
    budget = RateBudget(recorder.rest, MemorySpent(venue.clock), MemorySpent(venue.clock))
    modes = AccountModes(leverage=LEVERAGE, hedged=request.param)
    keys = venue.write_keys(tmp_path, "main")
    access = BinanceAccess(Addresses(recorder.rest, venue.server.ws, recorder.rest), keys, modes, budget)
    broker = access.broker("main", venue.clock)
    await broker.begin()
    exchange = ccxt.binanceusdm(
        {"apiKey": venue.venue.keys.api_key, "secret": venue.venue.keys.secret, "enableRateLimit": False}
    )
    exchange.urls["api"] = {name: recorder.rest + urlsplit(url).path for name, url in exchange.urls["api"].items()}
    exchange.nonce = lambda: venue.clock.now_us() // 1000  # the venue's time stands still
    await exchange.load_markets()
    yield Pair(recorder, broker, exchange)
    await broker.close()
    await exchange.close()
    await recorder.stop()
    await venue.stop()


def guard(name: str, kind: OrderType, leg: OrderLeg, **other: Any) -> OrderIntent:
    """A guard of a long position."""
    return intent(name, side=Side.SELL, leg=leg, order_type=kind, price=None, reduce_only=True, **other)


ORDERS: Mapping[str, tuple[OrderIntent, tuple[object, ...], dict[str, object]]] = {
    "market entry": (market("o"), ("market", "buy", 0.5, None), {}),
    "market exit": (
        market("o", side=Side.SELL, leg=OrderLeg.EXIT, reduce_only=True),
        ("market", "sell", 0.5, None),
        {"reduceOnly": True},
    ),
    **{
        f"limit {lasting}": (
            intent("o", time_in_force=lasting),
            ("limit", "buy", 0.5, 40_000),
            {"timeInForce": lasting.value},
        )
        for lasting in (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
    },
    "post-only": (intent("o", time_in_force=TimeInForce.GTX), ("limit", "buy", 0.5, 40_000), {"postOnly": True}),
    "stop loss": (
        guard("o", OrderType.STOP_MARKET, OrderLeg.STOP_LOSS, stop_price=Decimal(45_000)),
        ("market", "sell", 0.5, None),
        {"stopLossPrice": 45_000, "reduceOnly": True, "workingType": "CONTRACT_PRICE"},
    ),
    "take profit": (
        guard("o", OrderType.TAKE_PROFIT_MARKET, OrderLeg.TAKE_PROFIT, stop_price=Decimal(55_000)),
        ("market", "sell", 0.5, None),
        {"takeProfitPrice": 55_000, "reduceOnly": True, "workingType": "CONTRACT_PRICE"},
    ),
    "trailing stop": (
        guard("o", OrderType.TRAILING_STOP_MARKET, OrderLeg.TRAILING_STOP, trailing_distance=Decimal(500)),
        ("market", "sell", 0.5, None),
        {"trailingPercent": "1", "reduceOnly": True, "workingType": "CONTRACT_PRICE"},
    ),
}
"""Each kind of order that the broker sends: ours, and the arguments of ``create_order`` that ask for the same."""


async def test_orders_when_both_place_them_then_the_same_parameters(pair: Pair) -> None:
    hedged = {"hedged": True} if (await pair.exchange.fetch_position_mode(BTC))["hedged"] else {}
    for number in range(4):
        await pair.broker.submit(SYMBOL, market(f"held-{number}"))
    for name, (ours, arguments, params) in ORDERS.items():
        path = "/fapi/v1/algoOrder" if ours.stop_price or ours.trailing_distance else "/fapi/v1/order"
        named = ours.model_copy(update={"client_order_id": f"ours-{name}".replace(" ", "-")})
        mine = await pair.sent(partial(pair.broker.submit, SYMBOL, named), path)
        other = params | hedged | {"clientOrderId": f"theirs-{name}".replace(" ", "-")}
        theirs = await pair.sent(partial(pair.exchange.create_order, BTC, *arguments, other), path)
        assert mine == theirs, name
        assert ("positionSide" in mine[2]) == bool(hedged), name


async def test_cancels_and_questions_when_both_ask_then_the_same_parameters(pair: Pair) -> None:
    broker, exchange = pair.broker, pair.exchange
    stops = [
        guard(name, OrderType.STOP_MARKET, OrderLeg.STOP_LOSS, stop_price=Decimal(45_000)) for name in ("s-1", "s-2")
    ]
    for order in (market("held"), intent("l-1"), intent("l-2"), *stops):
        await broker.submit(SYMBOL, order)
    broker.list_symbol(SYMBOL)
    await broker.open_orders()  # the first asks for all symbols
    normal, algo = {"clientOrderId": "l-2"}, {"clientOrderId": "s-2", "trigger": True}
    both: list[tuple[str, Act, Act]] = [
        ("order", lambda: broker.query(SYMBOL, "l-1"), lambda: exchange.fetch_order("", BTC, normal)),
        ("algoOrder", lambda: broker.query(SYMBOL, "s-1"), lambda: exchange.fetch_order("", BTC, algo)),
        ("openOrders", broker.open_orders, lambda: exchange.fetch_open_orders(BTC)),
        ("openAlgoOrders", broker.open_orders, lambda: exchange.fetch_open_orders(BTC, params={"trigger": True})),
        ("order", lambda: broker.cancel(SYMBOL, "l-1"), lambda: exchange.cancel_order("", BTC, normal)),
        ("algoOrder", lambda: broker.cancel(SYMBOL, "s-1"), lambda: exchange.cancel_order("", BTC, algo)),
        (
            "userTrades",
            lambda: broker.fills_since('{"BTCUSDT": {"id": 7}}'),
            lambda: exchange.fetch_my_trades(BTC, limit=1000, params={"fromId": 7}),
        ),
        (
            "income",
            lambda: broker.payments_since('{"ms": 5, "seen": {}}'),
            lambda: exchange.fetch_ledger(since=5, limit=1000),
        ),
    ]
    for call, ours, theirs in both:
        path = f"/fapi/v1/{call}"
        assert await pair.sent(ours, path) == await pair.sent(theirs, path), call
