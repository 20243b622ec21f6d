"""Orders of both kinds as a client meets them: replies, the user stream, refusals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from libs.venue.tests.venues import Client, bar, market

from tradewire.binance.errors import ErrorCode
from tradewire.binance.user_stream import AccountUpdate, AlgoUpdate, OrderTradeUpdate
from tradewire.venue.venue import VenueOptions


def still(*, minutes: int = 60, **options: Any) -> Client:
    """A market that stands at 1000.0."""
    return Client(market(*(bar(n, "1000.0") for n in range(minutes))), options=VenueOptions(**options))


def moving(*prices: str) -> Client:
    """A market that jumps to each price for a minute."""
    return Client(market(*(bar(n, price) for n, price in enumerate(prices))))


def orders(client: Client) -> list[tuple[str, str]]:
    """What the user stream said of orders: execution, status."""
    return [(item.order.execution, item.order.status) for item in client.said if isinstance(item, OrderTradeUpdate)]


def algos(client: Client) -> list[str]:
    return [item.order.status for item in client.said if isinstance(item, AlgoUpdate)]


def test_a_market_order_fills_at_once_and_the_user_stream_says_so() -> None:
    client = still()
    reply = client.order("BUY", "0.010").body
    assert (reply["status"], reply["executedQty"], reply["avgPrice"]) == ("FILLED", "0.010", "1000.00000")
    assert orders(client) == [("NEW", "NEW"), ("TRADE", "FILLED")]
    (position,) = client.ask("GET", "v3/positionRisk").body
    assert (position["positionAmt"], position["entryPrice"]) == ("0.010", "1000.00000000")
    (fill,) = client.ask("GET", "v1/userTrades", symbol="BTCUSDT").body
    assert (fill["price"], fill["qty"], fill["commission"]) == ("1000.00", "0.010", "0.00500000")
    (update,) = [item for item in client.said if isinstance(item, AccountUpdate)]
    assert str(update.account.balances[0].wallet_balance) == "99999.99500000"


def test_an_acknowledgement_says_new_even_when_the_order_has_filled() -> None:
    client = still()
    reply = client.order("BUY", "0.010", newOrderRespType="ACK").body
    assert (reply["status"], reply["executedQty"]) == ("NEW", "0")
    assert client.ask("GET", "v1/order", symbol="BTCUSDT", orderId=reply["orderId"]).body["status"] == "FILLED"


def test_a_resting_limit_fills_when_the_price_comes() -> None:
    client = moving("1000.0", "990.0")
    reply = client.order("BUY", "0.010", "995.0").body
    assert reply["status"] == "NEW"
    client.wait(60)
    assert orders(client) == [("NEW", "NEW")]
    client.wait(1)
    assert orders(client)[-1] == ("TRADE", "FILLED")
    assert client.ask("GET", "v1/userTrades", symbol="BTCUSDT").body[0]["maker"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"quantity": "0.0105"}, ErrorCode.QTY_NOT_INCREASED_BY_STEP_SIZE),
        ({"quantity": "0"}, ErrorCode.QTY_LESS_THAN_ZERO),
        ({"quantity": "0.001"}, ErrorCode.MIN_NOTIONAL),
        ({"quantity": "2000"}, ErrorCode.QTY_GREATER_THAN_MAX_QTY),
        ({"quantity": "abc"}, ErrorCode.MANDATORY_PARAM_EMPTY_OR_MALFORMED),
        ({"price": "999.95"}, ErrorCode.PRICE_NOT_INCREASED_BY_TICK_SIZE),
        ({"price": "1051.0"}, ErrorCode.PRICE_HIGHER_THAN_MULTIPLIER_UP),
        ({"price": "949.0", "side": "SELL"}, ErrorCode.PRICE_LOWER_THAN_MULTIPLIER_DOWN),
        ({"timeInForce": "GTX", "price": "1000.0"}, ErrorCode.GTX_ORDER_REJECT),
        ({"timeInForce": "SOON"}, ErrorCode.INVALID_TIF),
        ({"timeInForce": ""}, ErrorCode.MANDATORY_PARAM_EMPTY_OR_MALFORMED),
        ({"side": "HOLD"}, ErrorCode.INVALID_SIDE),
        ({"type": "ICEBERG"}, ErrorCode.INVALID_ORDER_TYPE),
        ({"type": "STOP_MARKET"}, ErrorCode.STOP_ORDER_SWITCH_ALGO),
        ({"symbol": "XYZUSDT"}, ErrorCode.BAD_SYMBOL),
        ({"reduceOnly": True}, ErrorCode.REDUCE_ONLY_REJECT),
        ({"positionSide": "LONG"}, ErrorCode.POSITION_SIDE_NOT_MATCH),
        ({"newClientOrderId": "x" * 37}, ErrorCode.INVALID_CL_ORD_ID),
        ({"newClientOrderId": "a b"}, ErrorCode.INVALID_CL_ORD_ID),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused_with_binances_code(values: dict[str, Any], code: ErrorCode) -> None:
    client = still()
    asked = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.010", "price": "990.0"}
    answer = client.ask("POST", "v1/order", **{**asked, "timeInForce": "GTC", **values})
    assert (answer.status, answer.body["code"]) == (400, code)
    assert client.said == []


def test_an_order_beyond_the_margin_is_refused() -> None:
    client = still()
    client.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=5)
    assert client.order("BUY", "900").body["code"] == ErrorCode.MARGIN_NOT_SUFFICIENT


def test_a_client_id_is_refused_while_its_order_is_open_and_free_afterwards() -> None:
    client = still()
    assert client.order("BUY", "0.010", "990.0", newClientOrderId="mine").status == 200
    assert client.order("BUY", "0.010", "990.0", newClientOrderId="mine").body["code"] == -4116
    assert client.ask("DELETE", "v1/order", symbol="BTCUSDT", origClientOrderId="mine").body["status"] == "CANCELED"
    assert client.order("BUY", "0.010", newClientOrderId="mine").status == 200
    newest = client.ask("GET", "v1/order", symbol="BTCUSDT", origClientOrderId="mine").body
    assert newest["status"] == "FILLED"


def test_a_limit_order_is_changed_and_keeps_its_id() -> None:
    client = still()
    placed = client.order("BUY", "0.010", "990.0").body
    asked = {"symbol": "BTCUSDT", "side": "BUY", "orderId": placed["orderId"]}
    changed = client.ask("PUT", "v1/order", **asked, quantity="0.020", price="1000.0").body
    assert (changed["orderId"], changed["status"], changed["executedQty"]) == (placed["orderId"], "FILLED", "0.020")
    assert orders(client) == [("NEW", "NEW"), ("AMENDMENT", "NEW"), ("TRADE", "FILLED")]


def test_a_change_that_changes_nothing_is_refused() -> None:
    client = still()
    placed = client.order("BUY", "0.010", "990.0").body
    asked = {"symbol": "BTCUSDT", "side": "BUY", "orderId": placed["orderId"]}
    assert client.ask("PUT", "v1/order", **asked, quantity="0.010", price="990.0").body["code"] == -5027


def test_cancelling_what_is_not_open_is_refused() -> None:
    client = still()
    filled = client.order("BUY", "0.010").body
    assert client.ask("DELETE", "v1/order", symbol="BTCUSDT", orderId=filled["orderId"]).body["code"] == -2011
    assert client.ask("GET", "v1/order", symbol="BTCUSDT", orderId=1).body["code"] == -2013


def test_orders_of_a_batch_are_taken_and_refused_each_by_itself() -> None:
    client = still()
    one = '{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":"0.010","price":"%s","timeInForce":"GTC"}'
    first, second = client.ask("POST", "v1/batchOrders", batchOrders=f"[{one % '990.0'},{one % '990.05'}]").body
    assert (first["status"], second["code"]) == ("NEW", -4014)
    (gone,) = client.ask("DELETE", "v1/batchOrders", symbol="BTCUSDT", orderIdList=f"[{first['orderId']}]").body
    assert gone["status"] == "CANCELED"


# ---- conditional orders ----


def algo(client: Client, side: str, kind: str, **values: object) -> dict[str, Any]:
    asked = {"symbol": "BTCUSDT", "side": side, "type": kind, "algoType": "CONDITIONAL"}
    body: dict[str, Any] = client.ask("POST", "v1/algoOrder", **asked, **values).body
    return body


def test_a_stop_triggers_becomes_an_order_of_its_own_and_finishes() -> None:
    client = moving("1000.0", "980.0")
    client.order("BUY", "0.010")
    placed = algo(client, "SELL", "STOP_MARKET", quantity="0.010", triggerPrice="990.0", clientAlgoId="guard")
    assert (placed["algoStatus"], placed["triggerPrice"]) == ("NEW", "990.0")
    client.wait(61)
    assert algos(client) == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    shown = client.ask("GET", "v1/algoOrder", clientAlgoId="guard").body
    born = client.ask("GET", "v1/order", symbol="BTCUSDT", orderId=shown["actualOrderId"]).body
    assert (born["status"], born["clientOrderId"], born["type"], born["origType"]) == (
        "FILLED",
        "guard",
        "MARKET",
        "STOP_MARKET",
    )
    assert client.ask("GET", "v3/positionRisk").body == []


def test_a_stop_that_closes_the_position_closes_whatever_there_is() -> None:
    client = moving("1000.0", "980.0")
    client.order("BUY", "0.010")
    algo(client, "SELL", "STOP_MARKET", closePosition=True, triggerPrice="990.0", workingType="MARK_PRICE")
    client.order("BUY", "0.020")
    client.wait(61)
    assert client.ask("GET", "v3/positionRisk").body == []
    assert client.ask("GET", "v1/userTrades", symbol="BTCUSDT").body[-1]["qty"] == "0.030"


def test_a_stop_with_a_price_becomes_a_limit_order() -> None:
    client = moving("1000.0", "1010.0", "1003.0")
    placed = algo(client, "BUY", "STOP", quantity="0.010", triggerPrice="1005.0", price="1004.0")
    client.wait(61)
    (resting,) = client.ask("GET", "v1/openOrders").body
    assert (resting["price"], resting["type"]) == ("1004.0", "LIMIT")
    client.wait(60)
    assert client.ask("GET", "v1/algoOrder", algoId=placed["algoId"]).body["algoStatus"] == "FINISHED"


def test_a_trailing_stop_follows_from_its_activation_price() -> None:
    client = moving("1000.0", "1020.0", "1005.0")
    client.order("BUY", "0.010")
    algo(client, "SELL", "TRAILING_STOP_MARKET", quantity="0.010", callbackRate="1", activatePrice="1010.0")
    client.wait(119)
    assert algos(client) == ["NEW"]
    client.wait(2)
    assert algos(client)[-1] == "FINISHED"


def test_a_conditional_order_is_cancelled_and_not_among_normal_ones() -> None:
    client = still()
    placed = algo(client, "SELL", "STOP_MARKET", quantity="0.010", triggerPrice="990.0")
    assert client.ask("GET", "v1/openOrders").body == []
    assert client.ask("DELETE", "v1/allOpenOrders", symbol="BTCUSDT").status == 200
    assert len(client.ask("GET", "v1/openAlgoOrders").body) == 1
    assert client.ask("DELETE", "v1/algoOrder", algoId=placed["algoId"]).body["code"] == "200"
    assert client.ask("DELETE", "v1/algoOrder", algoId=placed["algoId"]).body["code"] == -2011
    assert algos(client) == ["NEW", "CANCELED"]


@pytest.mark.parametrize("kind", ["STOP_MARKET", "STOP"])
def test_a_stop_that_is_reached_already_is_refused(kind: str) -> None:
    refused = algo(still(), "SELL", kind, quantity="0.010", triggerPrice="1000.0", price="1000.0")
    assert refused["code"] == -2021


# ---- hedge mode, money, the exchange's own orders ----


def test_a_hedged_account_holds_both_sides_and_never_flips_one() -> None:
    client = still()
    assert client.ask("POST", "v1/positionSide/dual", dualSidePosition="true").status == 200
    assert client.order("BUY", "0.010").body["code"] == -4061
    assert client.order("BUY", "0.010", positionSide="LONG").status == 200
    assert client.order("SELL", "0.020", positionSide="SHORT").status == 200
    assert client.order("BUY", "0.010", positionSide="SHORT", reduceOnly="true").body["code"] == -1106
    amounts = {row["positionSide"]: row["positionAmt"] for row in client.ask("GET", "v3/positionRisk").body}
    assert amounts == {"LONG": "0.010", "SHORT": "-0.020"}
    assert client.order("SELL", "0.030", positionSide="LONG").body["executedQty"] == "0.010"
    assert client.ask("POST", "v1/positionSide/dual", dualSidePosition="false").body["code"] == -4068


def test_leverage_and_margin_type_are_kept_and_refused_as_at_binance() -> None:
    client = still()
    assert client.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=126).body["code"] == -4028
    assert client.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=10).body["leverage"] == 10
    assert client.ask("POST", "v1/marginType", symbol="BTCUSDT", marginType="CROSSED").body["code"] == -4046
    client.order("BUY", "0.010")
    assert client.ask("POST", "v1/marginType", symbol="BTCUSDT", marginType="ISOLATED").body["code"] == -4048
    (config,) = client.ask("GET", "v1/symbolConfig", symbol="BTCUSDT").body
    assert (config["leverage"], config["marginType"]) == (10, "CROSSED")


def test_a_liquidation_is_an_order_of_the_exchange() -> None:
    client = Client(market(bar(0, "1000.0"), bar(1, "900.0")), options=VenueOptions(balance=Decimal(100)))
    client.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=20)
    client.order("BUY", "1.500")
    client.wait(61)
    made = client.ask("GET", "v1/forceOrders").body
    assert [order["clientOrderId"].startswith("autoclose-") for order in made] == [True]
    assert orders(client)[-1] == ("CALCULATED", "FILLED")
    assert client.ask("GET", "v3/positionRisk").body == []


def test_funding_is_paid_at_its_boundary_and_is_a_row_of_income() -> None:
    client = Client(market(*(bar(n, "1000.0") for n in range(9 * 60))))
    client.order("BUY", "0.010")
    client.wait(8 * 3600)
    rows = client.ask("GET", "v1/income", incomeType="FUNDING_FEE").body
    assert [row["income"] for row in rows] == ["-0.00100000"]
    assert rows[0]["time"] % (8 * 3_600_000) == 0


def test_orders_are_cancelled_when_the_countdown_is_not_renewed() -> None:
    client = still()
    client.order("BUY", "0.010", "990.0")
    algo(client, "SELL", "STOP_MARKET", quantity="0.010", triggerPrice="990.0")
    client.ask("POST", "v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=10_000)
    client.wait(9)
    client.ask("POST", "v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=10_000)
    client.wait(9)
    assert len(client.ask("GET", "v1/openOrders").body) == 1
    client.wait(2)
    assert client.ask("GET", "v1/openOrders").body == []
    assert len(client.ask("GET", "v1/openAlgoOrders").body) == 1
