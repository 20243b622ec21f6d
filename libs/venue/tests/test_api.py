"""The WebSocket API over a real socket."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from libs.venue.tests.floors import Floor, receive

from tradewire.binance.signatures import HmacKey, api_payload
from tradewire.venue.api_methods import METHODS


async def called(socket: aiohttp.ClientWebSocketResponse, method: str, **params: Any) -> Any:
    await socket.send_str(json.dumps({"id": method, "method": method, "params": params}))
    return await receive(socket)


def signed(floor: Floor, **params: Any) -> dict[str, Any]:
    keys = floor.client.venue.keys
    whole = {"apiKey": keys.api_key, "timestamp": floor.client.clock.now_us() // 1000, **params}
    return whole | {"signature": HmacKey(keys.secret).sign(api_payload(whole))}


async def test_orders_go_through_the_websocket_api(floor: Floor) -> None:
    socket = await floor.open("/ws-fapi/v1")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.010", "timeInForce": "GTC"}
    placed = await called(socket, "order.place", **signed(floor, **order, price="990.0"))
    assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
    named = {"symbol": "BTCUSDT", "orderId": placed["result"]["orderId"]}
    changed = {"side": "BUY", "quantity": "0.020", "price": "991.0"}
    assert (await called(socket, "order.modify", **signed(floor, **named, **changed)))["status"] == 200
    shown = await called(socket, "order.status", **signed(floor, **named))
    assert (shown["result"]["price"], shown["result"]["origQty"]) == ("991.0", "0.020")
    gone = await called(socket, "order.cancel", **signed(floor, **named))
    assert gone["result"]["status"] == "CANCELED"
    refused = await called(socket, "order.cancel", **signed(floor, **named))
    assert (refused["status"], refused["error"]["code"]) == (400, -2011)


async def test_the_websocket_api_refuses_what_is_unsigned_or_unknown(floor: Floor) -> None:
    socket = await floor.open("/ws-fapi/v1")
    assert (await called(socket, "account.balance", timestamp=1))["error"]["code"] == -2014
    assert (await called(socket, "order.hide"))["error"]["code"] == -1020
    logon = await called(socket, "session.logon", **signed(floor))
    assert (logon["status"], logon["error"]["code"]) == (400, -1130)
    await socket.send_str("no json")
    assert (await receive(socket))["status"] == 400


API_CALLS: dict[str, dict[str, Any]] = {
    "depth": {"symbol": "BTCUSDT"},
    "ticker.price": {"symbol": "BTCUSDT"},
    "ticker.book": {"symbol": "BTCUSDT"},
    "order.place": {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"},
    "order.modify": {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "origClientOrderId": "mine",
        "quantity": "1",
        "price": "990.0",
    },
    "order.cancel": {"symbol": "BTCUSDT", "origClientOrderId": "mine"},
    "order.status": {"symbol": "BTCUSDT", "origClientOrderId": "mine"},
    "algoOrder.place": {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "algoType": "CONDITIONAL"}
    | {"quantity": "0.010", "triggerPrice": "990.0"},
    "algoOrder.cancel": {"clientAlgoId": "guard"},
}


@pytest.mark.parametrize("method", METHODS)
async def test_the_websocket_api_answers_every_method(floor: Floor, method: str) -> None:
    floor.client.order("BUY", "0.010", "990.0", newClientOrderId="mine")
    stop = {"quantity": "0.010", "triggerPrice": "990.0", "clientAlgoId": "guard", "algoType": "CONDITIONAL"}
    floor.client.ask("POST", "v1/algoOrder", symbol="BTCUSDT", side="SELL", type="STOP_MARKET", **stop)
    floor.client.ask("POST", "v1/listenKey")
    socket = await floor.open("/ws-fapi/v1")
    answer = await called(socket, method, **signed(floor, **API_CALLS.get(method, {})))
    assert (answer["id"], answer["status"]) == (method, 200), answer
