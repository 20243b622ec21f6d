"""Streams over a real socket: subscriptions, closed candles, the user stream, the life of keys and connections."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from itertools import pairwise

import aiohttp
import pytest
from libs.venue.tests.floors import Floor, ask, everything, receive
from libs.venue.tests.venues import Client, bar, market

from tradewire.binance.depth import DepthSnapshot, OrderBook
from tradewire.binance.market_streams import BookTicker, DepthUpdate
from tradewire.binance.streams import read_event
from tradewire.venue.server import VenueServer
from tradewire.venue.venue import VenueOptions


async def test_a_single_stream_is_bare_and_a_combined_one_is_enveloped(floor: Floor) -> None:
    bare = await floor.open("/market/ws/btcusdt@aggTrade")
    combined = await floor.open("/market/stream?streams=btcusdt@aggTrade/btcusdt@markPrice@1s")
    await floor.wait(1)
    assert (await receive(bare))["e"] == "aggTrade"
    assert {(await receive(combined))["stream"] for _ in range(2)} == {"btcusdt@aggTrade", "btcusdt@markPrice@1s"}


async def test_streams_are_subscribed_to_listed_and_left(floor: Floor) -> None:
    socket = await floor.open("/public/ws")
    assert await ask(socket, "SUBSCRIBE", "btcusdt@bookTicker", "btcusdt@depth5") == {"result": None, "id": 7}
    assert (await ask(socket, "LIST_SUBSCRIPTIONS"))["result"] == ["btcusdt@bookTicker", "btcusdt@depth5"]
    await ask(socket, "UNSUBSCRIBE", "btcusdt@bookTicker")
    await floor.wait(1)
    (message,) = await everything(socket)
    assert (message["e"], len(message["b"]), len(message["a"])) == ("depthUpdate", 5, 5)


@pytest.mark.parametrize(
    ("path", "name", "why"),
    [
        ("/public/ws", "btcusdt@aggTrade", "served under /market, not /public"),
        ("/market/ws", "btcusdt@depth", "served under /public, not /market"),
        ("/market/ws", "xyzusdt@aggTrade", "Invalid symbol"),
        ("/market/ws", "btcusdt@kline_7x", "Invalid interval"),
        ("/market/ws", "btcusdt", "found 'btcusdt', allowed"),
        ("/private/ws", "abc", "Invalid listenKey"),
    ],
)
async def test_a_stream_that_can_not_be_had_is_refused_in_words(floor: Floor, path: str, name: str, why: str) -> None:
    answer = await ask(await floor.open(path), "SUBSCRIBE", name)
    assert answer["error"]["code"] == 2
    assert why in answer["error"]["msg"]


async def test_an_address_without_a_part_is_gone(floor: Floor) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        await floor.session.ws_connect(floor.server.ws + "/ws/btcusdt@aggTrade")
    assert error.value.status == 404


async def test_a_candle_closes_once_and_each_is_told(floor: Floor) -> None:
    socket = await floor.open("/market/ws/btcusdt@kline_1m")
    await floor.wait(200)
    rows = [message["k"] for message in await everything(socket)]
    closed = [row["t"] for row in rows if row["x"]]
    assert closed == [rows[0]["t"] + n * 60_000 for n in range(3)]
    last = [row for row in rows if row["x"]][-1]
    assert (last["o"], last["h"], last["l"], last["c"]) == ("1000.00", "1006.00", "997.00", "1003.00")


async def test_no_candle_is_missing_after_time_was_turned(floor: Floor) -> None:
    socket = await floor.open("/market/ws/btcusdt@kline_1m")
    await floor.wait(1)
    await floor.turn(3600)
    closed = [message["k"]["t"] for message in await everything(socket) if message["k"]["x"]]
    assert [later - earlier for earlier, later in pairwise(closed)] == [60_000] * 59


async def test_a_book_kept_by_the_rule_equals_the_best_bid_and_ask(floor: Floor) -> None:
    socket = await floor.open("/public/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker")
    book, equal = OrderBook(), 0
    await floor.wait(5)
    async with floor.session.get(f"{floor.server.rest}/fapi/v1/depth?symbol=BTCUSDT&limit=1000") as reply:
        snapshot = DepthSnapshot.read(await reply.json())
    await floor.wait(20)
    for message in await everything(socket):
        event = read_event(message["data"])
        if isinstance(event, DepthUpdate):
            book.take(event)
            if not book.is_synced and event.last_update_id >= snapshot.last_update_id:
                assert book.start(snapshot) is None
        elif isinstance(event, BookTicker) and book.update_id == event.update_id:
            assert (book.best_bid(), book.best_ask()) == ((event.bid, event.bid_qty), (event.ask, event.ask_qty))
            equal += 1
    assert equal == 21


async def listening(floor: Floor) -> tuple[str, aiohttp.ClientWebSocketResponse]:
    key: str = floor.client.ask("POST", "v1/listenKey").body["listenKey"]
    return key, await floor.open(f"/private/ws/{key}")


async def test_the_user_stream_tells_of_orders_until_its_key_runs_out(floor: Floor) -> None:
    key, socket = await listening(floor)
    floor.client.order("BUY", "0.010")
    assert [message["e"] for message in await everything(socket)] == [
        "ORDER_TRADE_UPDATE",
        "TRADE_LITE",
        "ACCOUNT_UPDATE",
        "ORDER_TRADE_UPDATE",
    ]
    await floor.turn(3601)
    expired = await receive(socket)
    assert (expired["e"], expired["listenKey"]) == ("listenKeyExpired", key)
    floor.client.order("BUY", "0.010")
    assert await everything(socket) == []


async def test_a_listen_key_as_parameter_and_one_that_is_wrong(floor: Floor) -> None:
    key = floor.client.ask("POST", "v1/listenKey").body["listenKey"]
    socket = await floor.open(f"/private/stream?streams={key}")
    floor.client.order("BUY", "0.010", "990.0")
    assert (await receive(socket))["data"]["o"]["X"] == "NEW"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await floor.session.ws_connect(f"{floor.server.ws}/private/ws/wrong")


async def test_a_connection_lives_a_day(floor: Floor) -> None:
    socket = await floor.open("/market/ws/btcusdt@markPrice")
    await floor.turn(23 * 3600)
    assert not socket.closed
    await floor.turn(3601)
    while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
        pass
    assert message.type is aiohttp.WSMsgType.CLOSE


async def test_a_client_that_answers_no_ping_is_disconnected(floor: Floor) -> None:
    socket = await floor.session.ws_connect(floor.server.ws + "/market/ws", autoping=False)
    floor.sockets.append(socket)
    for _ in range(5):
        await floor.turn(181)
    kinds = [(await socket.receive()).type for _ in range(5)]
    assert kinds == [aiohttp.WSMsgType.PING] * 4 + [aiohttp.WSMsgType.CLOSE]


async def test_a_client_that_talks_too_much_is_disconnected(floor: Floor) -> None:
    socket = await floor.open("/market/ws")
    for number in range(11):
        await socket.send_str(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
    answers = [(await socket.receive()).type for _ in range(11)]
    assert aiohttp.WSMsgType.CLOSE in answers


async def test_two_thousand_messages_wait_for_a_slow_reader(floor: Floor) -> None:
    socket = await floor.open("/market/ws/btcusdt@aggTrade")
    for _ in range(2000):
        await floor.turn(0.1)
    await asyncio.sleep(0)
    assert len(await everything(socket)) == 2000


async def test_a_liquidation_is_told_on_the_market_streams() -> None:
    client = Client(market(bar(0, "1000.0"), bar(1, "900.0")), options=VenueOptions(balance=Decimal(100)))
    server = VenueServer(client.venue)
    await server.start(keep=False)
    async with aiohttp.ClientSession() as session:
        floor = Floor(client, server, session)
        socket = await floor.open("/market/ws/btcusdt@forceOrder")
        client.order("BUY", "1.500")
        await floor.turn(61)
        forced = await receive(socket)
        assert (forced["e"], forced["o"]["S"], forced["o"]["X"]) == ("forceOrder", "SELL", "FILLED")
        await socket.close()
    await server.stop()
