"""Faults on demand: drawn by a seed, named in a file, seen by clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
from libs.venue.tests.venues import NOW_US, Client, bar, market

from tradewire.binance.depth import DepthSnapshot, OrderBook, Resync
from tradewire.binance.market_streams import DepthUpdate
from tradewire.binance.signatures import HmacKey, api_payload
from tradewire.binance.user_stream import OrderTradeUpdate
from tradewire.ports.errors import FatalError
from tradewire.venue.faults import KINDS, FaultPlan, ScriptedFault, parse_faults
from tradewire.venue.server import VenueServer
from tradewire.venue.venue import VenueOptions


def plan(*faults: ScriptedFault, seed: int = 1) -> FaultPlan:
    return FaultPlan(faults, Random(seed))


def client(*faults: ScriptedFault, minutes: int = 10) -> Client:
    bars = [bar(n, "1000.0") for n in range(minutes)]
    return Client(market(*bars), market(*bars, base="ETH"), options=VenueOptions(faults=plan(*faults)))


def test_a_file_names_what_it_gets_wrong() -> None:
    for text, said in (
        ("- x", "found no list under the key 'faults'"),
        ("faults: [{kind: rain}]", "fault 1: kind: found 'rain', allowed: reply_lost, "),
        ("faults: [{kind: adl}]", "fault 1: symbol: found none"),
        ("faults: [{kind: silent, sec: 3}]", "fault 1: found sec, allowed: ahead_ms, at_s"),
        ("faults: [{kind: silent, probability: 2}]", "a probability from 0 to 1"),
        ("faults: [{kind: filters, symbol: B, tick_size: 0}]", "tick_size: found 0, allowed is a number > 0"),
        ("faults: [{kind: silent, at_s: soon}]", "at_s: found 'soon', allowed is a number"),
        ("faults: [", "can't be read"),
    ):
        with pytest.raises(FatalError, match=r"chaos\.yaml: ") as refused:
            parse_faults(text, "chaos.yaml", seed=1)
        assert said in str(refused.value)


def test_every_kind_is_read_and_in_the_document() -> None:
    document = (Path(__file__).parents[3] / "docs/venues/binance.md").read_text(encoding="utf-8")
    for kind, meaning in KINDS.items():
        read = parse_faults(f"faults: [{{kind: {kind}, symbol: BTCUSDT}}]", "f", seed=1)
        assert read.faults == (ScriptedFault(kind, symbol="BTCUSDT"),)
        assert f"| `{kind}` | {meaning} |" in document


def test_the_same_seed_draws_the_same_faults() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = plan(ScriptedFault("reply_lost", probability=0.5), seed=seed)
        return [faults.of_call("POST", "/fapi/v1/order") is not None for _ in range(50)]

    assert drawn(3) == drawn(3) != drawn(4)


def test_a_fault_strikes_the_calls_that_it_names_and_as_often_as_it_says() -> None:
    faults = plan(ScriptedFault("reply_lost", call="GET /fapi/v1/time", times=2))
    struck = [faults.of_call("GET", "/fapi/v1/time") is not None for _ in range(4)]
    assert struck == [True, True, False, False]
    assert faults.of_call("POST", "/fapi/v1/order") is None


def test_an_order_expires_in_match() -> None:
    struck = client(ScriptedFault("expired_in_match", times=1))
    assert struck.order("BUY", "0.010").body["status"] == "EXPIRED_IN_MATCH"
    assert struck.order("BUY", "0.010").body["status"] == "FILLED"
    told = [item.order.status for item in struck.said if isinstance(item, OrderTradeUpdate)]
    assert told[:2] == ["NEW", "EXPIRED_IN_MATCH"]


def test_a_halt_refuses_orders_and_moves_nothing_until_it_ends() -> None:
    struck = client(ScriptedFault("halt", symbol="BTCUSDT", at_s=10, seconds=20))
    struck.order("BUY", "0.010", "990.0")
    struck.wait(10)
    assert struck.order("BUY", "0.010").body["code"] == -4140
    assert struck.order("BUY", "0.010", symbol="ETHUSDT").status == 200
    statuses = {item["symbol"]: item["status"] for item in struck.ask("GET", "v1/exchangeInfo").body["symbols"]}
    assert statuses == {"BTCUSDT": "BREAK", "ETHUSDT": "TRADING"}
    struck.wait(20)
    assert struck.order("BUY", "0.010").status == 200
    assert len(struck.ask("GET", "v1/openOrders").body) == 1


def test_filters_change_while_it_runs() -> None:
    struck = client(ScriptedFault("filters", symbol="BTCUSDT", at_s=5, step_size=Decimal("0.01")))
    assert struck.order("BUY", "0.011").status == 200
    struck.wait(5)
    assert struck.order("BUY", "0.011").body["code"] == -4023
    (info, _) = struck.ask("GET", "v1/exchangeInfo").body["symbols"]
    assert [item["stepSize"] for item in info["filters"] if item["filterType"] == "LOT_SIZE"] == ["0.01"]


@pytest.mark.parametrize(("kind", "prefix"), [("liquidation", "autoclose-"), ("adl", "adl_autoclose")])
def test_the_venue_closes_a_position_with_an_order_of_its_own(kind: str, prefix: str) -> None:
    struck = client(ScriptedFault(kind, symbol="BTCUSDT", at_s=5))
    struck.order("BUY", "0.010")
    struck.wait(5)
    assert struck.ask("GET", "v3/positionRisk").body == []
    last = [item.order for item in struck.said if isinstance(item, OrderTradeUpdate)][-1]
    assert (last.client_order_id.startswith(prefix), last.status, last.side) == (True, "FILLED", "SELL")


def test_a_delisted_symbol_is_settled_and_gone() -> None:
    struck = client(ScriptedFault("delist", symbol="BTCUSDT", at_s=5))
    struck.order("BUY", "0.010")
    struck.order("BUY", "0.010", "990.0")
    struck.wait(6)
    assert [item["symbol"] for item in struck.ask("GET", "v1/exchangeInfo").body["symbols"]] == ["ETHUSDT"]
    assert struck.order("BUY", "0.010").body["code"] == -1121
    assert struck.ask("GET", "v1/openOrders").body == []
    ids = [order["clientOrderId"] for order in struck.ask("GET", "v1/allOrders", symbol="BTCUSDT").body]
    assert ids[-1].startswith("settlement_autoclose-")


def test_a_wrong_clock_is_told_and_judged_by() -> None:
    struck = client(ScriptedFault("clock", at_s=5, seconds=10, ahead_ms=60_000))
    struck.wait(5)
    assert struck.ask("GET", "v3/balance").body["code"] == -1021
    told_ms = struck.ask("GET", "v1/time").body["serverTime"]
    assert told_ms - struck.clock.now_us() // 1000 == 60_000
    assert struck.ask("GET", "v3/balance", timestamp=told_ms).status == 200
    struck.wait(10)
    assert struck.ask("GET", "v3/balance").status == 200


# ---- over sockets ----


class Line:
    """A server with faults, and a client of its REST calls."""

    def __init__(self, struck: Client, server: VenueServer, session: aiohttp.ClientSession) -> None:
        self.struck, self.server, self.session = struck, server, session

    async def order(self, **values: str) -> tuple[int, Any]:
        asked = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"} | values
        asked["timestamp"] = str(self.struck.clock.now_us() // 1000)
        payload = "&".join(f"{name}={value}" for name, value in asked.items())
        keys = self.struck.venue.keys
        whole = f"{payload}&signature={HmacKey(keys.secret).sign(payload)}"
        headers = {"X-MBX-APIKEY": keys.api_key, "Content-Type": "application/x-www-form-urlencoded"}
        url = f"{self.server.rest}/fapi/v1/order"
        async with self.session.post(url, data=whole, headers=headers) as reply:
            return reply.status, await reply.json()


@pytest.fixture
async def lines() -> AsyncIterator[Any]:
    opened: list[Line] = []

    async def begin(*faults: ScriptedFault) -> Line:
        struck = client(*faults)
        server = VenueServer(struck.venue)
        await server.start(keep=False)
        opened.append(Line(struck, server, aiohttp.ClientSession()))
        return opened[-1]

    yield begin
    for line in opened:
        await line.session.close()
        await line.server.stop()


async def test_a_lost_reply_leaves_an_order(lines: Any) -> None:
    line = await lines(ScriptedFault("reply_lost", times=1))
    with pytest.raises(aiohttp.ClientError):
        await line.order(newClientOrderId="mine")
    shown = line.struck.ask("GET", "v1/order", symbol="BTCUSDT", origClientOrderId="mine")
    assert shown.body["status"] == "FILLED"
    assert (await line.order())[0] == 200


@pytest.mark.parametrize(("kind", "status"), [("unavailable", 503), ("timed_out", 408)])
async def test_an_unknown_outcome_may_be_either(lines: Any, kind: str, status: int) -> None:
    line = await lines(ScriptedFault(kind))
    answers = {(await line.order(newClientOrderId=f"n{number}"))[0] for number in range(20)}
    assert answers == {status}
    placed = len(line.struck.ask("GET", "v1/allOrders", symbol="BTCUSDT").body)
    assert 0 < placed < 20


async def over_api(line: Line, count: int) -> list[Any]:
    """Answers, by id, to the same order asked for ``count`` times and to a last question."""
    socket = await line.session.ws_connect(f"{line.server.ws}/ws-fapi/v1")
    keys = line.struck.venue.keys
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010", "apiKey": keys.api_key}
    order["timestamp"] = str(line.struck.clock.now_us() // 1000)
    order["signature"] = HmacKey(keys.secret).sign(api_payload(order))
    for number in range(count):
        await socket.send_json({"id": number, "method": "order.place", "params": order})
    await socket.send_json({"id": "last", "method": "ping"})
    answers = []
    while (answer := await socket.receive_json())["id"] != "last":
        answers.append((answer["id"], answer["status"]))
    await socket.close()
    return answers


async def test_the_websocket_api_answers_twice_not_at_all_or_without_saying(lines: Any) -> None:
    assert await over_api(await lines(ScriptedFault("reply_twice", times=1)), 2) == [(0, 200), (0, 200), (1, 200)]
    assert await over_api(await lines(ScriptedFault("reply_lost", times=1)), 2) == [(1, 200)]
    line = await lines(ScriptedFault("timed_out"))
    assert await over_api(line, 9) == [(number, 408) for number in range(9)]
    assert 0 < len(line.struck.ask("GET", "v1/allOrders", symbol="BTCUSDT").body) < 9


async def test_messages_are_lost_doubled_late_and_silent(lines: Any) -> None:
    said: dict[str, list[str]] = {}
    for kind in ("event_lost", "event_twice", "event_late", "silent"):
        line = await lines(
            replace(ScriptedFault(kind), probability=1.0, seconds=60 if kind == "silent" else 0, times=2)
        )
        await line.server.tick()
        line.struck.wait(1)
        key = line.struck.ask("POST", "v1/listenKey").body["listenKey"]
        socket = await line.session.ws_connect(f"{line.server.ws}/private/ws/{key}")
        for _ in range(3):
            line.struck.order("BUY", "0.010", "990.0")
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        found = []
        while "id" not in (message := await socket.receive_json()):
            found.append(str(message["o"]["i"])[-1])
        said[kind] = found
        await socket.close()
    assert said == {
        "event_lost": ["3"],
        "event_twice": ["1", "1", "2", "2", "3"],
        "event_late": ["3", "1", "2"],
        "silent": [],
    }


async def test_a_dropped_change_of_the_book_is_found_and_mended_by_a_snapshot(lines: Any) -> None:
    line = await lines(ScriptedFault("depth_dropped", times=1))
    socket = await line.session.ws_connect(f"{line.server.ws}/public/ws/btcusdt@depth")
    book = OrderBook()
    assert book.start(DepthSnapshot.read(line.struck.ask("GET", "v1/depth", symbol="BTCUSDT").body)) is None
    line.struck.wait(1)
    line.struck.wait(1)
    missed = DepthUpdate.read(await socket.receive_json())
    assert book.take(missed) is Resync.SNAPSHOT_TOO_OLD
    line.struck.wait(1)
    assert book.take(DepthUpdate.read(await socket.receive_json())) is Resync.NO_SNAPSHOT
    assert book.start(DepthSnapshot.read(line.struck.ask("GET", "v1/depth", symbol="BTCUSDT").body)) is None
    best = line.struck.ask("GET", "v1/ticker/bookTicker", symbol="BTCUSDT").body
    assert book.best_bid() == (Decimal(best["bidPrice"]), Decimal(best["bidQty"]))
    await socket.close()


def test_a_halt_has_no_candles_and_the_minutes_around_it_have() -> None:
    struck = client(ScriptedFault("halt", symbol="BTCUSDT", at_s=30, seconds=150))
    for _ in range(5):
        struck.wait(60)
    rows = struck.ask("GET", "v1/klines", symbol="BTCUSDT", interval="1m", startTime=NOW_US // 1000).body
    assert [(row[0] - NOW_US // 1000) // 60_000 for row in rows] == [0, 3, 4]
