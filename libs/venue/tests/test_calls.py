"""Every call that the venue serves answers, with the least that it needs, in the shape that the protocol has."""

from __future__ import annotations

from typing import Any

import pytest
from libs.venue.tests.venues import Client, bar, market

from tradewire.binance import replies
from tradewire.binance.limits import BY_CALL
from tradewire.binance.wire import Wire

SYMBOL = {"symbol": "BTCUSDT"}
LIMIT = {**SYMBOL, "side": "BUY", "type": "LIMIT", "quantity": "0.010", "price": "990.0", "timeInForce": "GTC"}
STOP = {**SYMBOL, "side": "SELL", "type": "STOP_MARKET", "algoType": "CONDITIONAL", "quantity": "0.010"}
BATCH = '[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":"0.010","price":"990.0","timeInForce":"GTC"}]'
CHANGES = '[{"symbol":"BTCUSDT","side":"BUY","origClientOrderId":"mine","quantity":"0.020","price":"990.0"}]'
MINE = {**SYMBOL, "origClientOrderId": "mine"}
INTERVAL = {"interval": "1m"}
NEEDED: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/fapi/v1/depth"): SYMBOL,
    ("GET", "/fapi/v1/trades"): SYMBOL,
    ("GET", "/fapi/v1/aggTrades"): SYMBOL,
    ("GET", "/fapi/v1/klines"): SYMBOL | INTERVAL,
    ("GET", "/fapi/v1/continuousKlines"): {"pair": "BTCUSDT", "contractType": "PERPETUAL"} | INTERVAL,
    ("GET", "/fapi/v1/markPriceKlines"): SYMBOL | INTERVAL,
    ("GET", "/fapi/v1/indexPriceKlines"): {"pair": "BTCUSDT"} | INTERVAL,
    ("GET", "/fapi/v1/fundingRate"): SYMBOL,
    ("GET", "/fapi/v1/openInterest"): SYMBOL,
    ("POST", "/fapi/v1/order"): LIMIT,
    ("POST", "/fapi/v1/order/test"): LIMIT,
    ("PUT", "/fapi/v1/order"): MINE | {"side": "BUY", "quantity": "0.020", "price": "990.0"},
    ("GET", "/fapi/v1/order"): MINE,
    ("DELETE", "/fapi/v1/order"): MINE,
    ("POST", "/fapi/v1/batchOrders"): {"batchOrders": BATCH},
    ("PUT", "/fapi/v1/batchOrders"): {"batchOrders": CHANGES},
    ("DELETE", "/fapi/v1/batchOrders"): SYMBOL | {"origClientOrderIdList": '["mine"]'},
    ("DELETE", "/fapi/v1/allOpenOrders"): SYMBOL,
    ("POST", "/fapi/v1/countdownCancelAll"): SYMBOL | {"countdownTime": 1000},
    ("GET", "/fapi/v1/openOrder"): MINE,
    ("GET", "/fapi/v1/allOrders"): SYMBOL,
    ("GET", "/fapi/v1/userTrades"): SYMBOL,
    ("POST", "/fapi/v1/algoOrder"): STOP | {"triggerPrice": "990.0"},
    ("GET", "/fapi/v1/algoOrder"): {"clientAlgoId": "guard"},
    ("DELETE", "/fapi/v1/algoOrder"): {"clientAlgoId": "guard"},
    ("DELETE", "/fapi/v1/algoOpenOrders"): SYMBOL,
    ("GET", "/fapi/v1/allAlgoOrders"): SYMBOL,
    ("GET", "/fapi/v1/commissionRate"): SYMBOL,
    ("POST", "/fapi/v1/leverage"): SYMBOL | {"leverage": 5},
    ("POST", "/fapi/v1/marginType"): {"symbol": "ETHUSDT", "marginType": "ISOLATED"},
    ("POST", "/fapi/v1/positionMargin"): {"symbol": "LTCUSDT", "amount": "1.5", "type": 1},
    ("GET", "/fapi/v1/positionMargin/history"): {"symbol": "LTCUSDT"},
    ("POST", "/fapi/v1/positionSide/dual"): {"dualSidePosition": "true"},
    ("POST", "/fapi/v1/feeBurn"): {"feeBurn": "true"},
    ("POST", "/fapi/v1/multiAssetsMargin"): {"multiAssetsMargin": "false"},
}
"""Parameters beside key, time and signature; none where a call is not named."""
SHAPES: dict[str, type[Wire]] = {
    "v1/order": replies.OrderReply,
    "v1/openOrders": replies.OrderReply,
    "v1/allOrders": replies.OrderReply,
    "v1/algoOrder": replies.AlgoOrderReply,
    "v1/openAlgoOrders": replies.AlgoOrderReply,
    "v1/userTrades": replies.UserTrade,
    "v1/income": replies.Income,
    "v1/premiumIndex": replies.PremiumIndex,
    "v1/fundingRate": replies.FundingRate,
    "v1/fundingInfo": replies.FundingInfo,
    "v1/commissionRate": replies.CommissionRate,
    "v1/leverageBracket": replies.SymbolBrackets,
    "v2/positionRisk": replies.PositionRiskV2,
    "v3/positionRisk": replies.PositionRisk,
    "v3/balance": replies.BalanceReply,
}


@pytest.fixture
def client() -> Client:
    """An account with fills in BTC and LTC, LTC isolated; half a day into the market, so that funding was settled."""
    bars = [bar(n, "1000.0") for n in range(-12 * 60, 60)]
    made = Client(market(*bars), market(*bars, base="ETH"), market(*bars, base="LTC"))
    made.ask("POST", "v1/listenKey")
    if made.ask("POST", "v1/marginType", symbol="LTCUSDT", marginType="ISOLATED").status == 200:
        made.order("BUY", "0.010", symbol="LTCUSDT")
        made.order("SELL", "0.010", symbol="LTCUSDT", reduceOnly="true")
    made.order("BUY", "0.010")
    made.order("SELL", "0.010", reduceOnly="true")
    return made


@pytest.mark.parametrize(("method", "path"), BY_CALL)
def test_every_call_is_answered(client: Client, method: str, path: str) -> None:
    if path not in ("/fapi/v1/positionSide/dual", "/fapi/v1/positionMargin"):
        client.order("BUY", "0.010", "990.0", newClientOrderId="mine")
        client.ask("POST", "v1/algoOrder", **STOP, triggerPrice="990.0", clientAlgoId="guard")
    if path == "/fapi/v1/positionMargin":
        client.order("BUY", "0.010", symbol="LTCUSDT")
    answer = client.ask(method, path, **NEEDED.get((method, path), {}))
    assert answer.status == 200, answer.body
    for item in answer.body if isinstance(answer.body, list) else [answer.body]:
        assert not (isinstance(item, dict) and int(item.get("code", 200)) < 0), item


@pytest.mark.parametrize("path", SHAPES)
def test_an_answer_has_the_shape_that_the_adapters_read(client: Client, path: str) -> None:
    client.order("BUY", "0.010")
    client.order("BUY", "0.010", "990.0", newClientOrderId="mine")
    client.ask("POST", "v1/algoOrder", **STOP, triggerPrice="990.0", clientAlgoId="guard")
    body = client.ask("GET", path, **NEEDED.get(("GET", f"/fapi/{path}"), {})).body
    rows = body if isinstance(body, list) else [body]
    assert rows
    for row in rows:
        read = SHAPES[path].read(row)
        assert list(read.unknown()) == []
        assert read.write() == row


def test_without_a_symbol_every_symbol_is_told(client: Client) -> None:
    for path in ("v1/premiumIndex", "v1/ticker/price", "v1/ticker/bookTicker", "v1/ticker/24hr", "v1/symbolConfig"):
        assert [row["symbol"] for row in client.ask("GET", path).body] == ["BTCUSDT", "ETHUSDT", "LTCUSDT"]


def test_money_is_moved_into_an_isolated_position_and_out_of_no_cross_one(client: Client) -> None:
    client.order("BUY", "0.010", symbol="LTCUSDT")
    before = client.ask("GET", "v3/positionRisk", symbol="LTCUSDT").body[0]["isolatedWallet"]
    client.ask("POST", "v1/positionMargin", symbol="LTCUSDT", amount="1.5", type=1)
    after = client.ask("GET", "v3/positionRisk", symbol="LTCUSDT").body[0]["isolatedWallet"]
    assert float(after) - float(before) == pytest.approx(1.5)
    assert client.ask("POST", "v1/positionMargin", symbol="LTCUSDT", amount="2", type=2).body["code"] == -2019
    assert client.ask("POST", "v1/positionMargin", symbol="BTCUSDT", amount="1", type=1).body["code"] == -1130
