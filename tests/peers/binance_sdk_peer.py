"""Runs in the peers' environment: Binance's own SDK against a venue, as JSON on stdout.

Input on stdin: {"rest", "ws", "api_key", "secret", "private_key"}; a ``private_key`` (Ed25519, PEM) signs if given.
Prints a line for each call: its name and what came back.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures

BTC = "BTCUSDT"
WAIT_S = 600
"""Ends what hangs; no message comes near it on a busy machine."""


def tell(name: str, value: Any) -> None:
    print(json.dumps({"call": name, "got": plain(value)}), flush=True)


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return getattr(value, "actual_instance", value)


def over_rest(api: Any) -> str:
    """Every kind of call once; returns the last price."""
    tell("time", api.check_server_time().data())
    tell("exchangeInfo", [item.symbol for item in api.exchange_information().data().symbols])
    tell("klines", api.kline_candlestick_data(BTC, "1h", limit=2).data())
    price = plain(api.symbol_price_ticker(BTC).data())["price"]
    tell("premiumIndex", api.mark_price(BTC).data())
    tell("fundingRate", api.get_funding_rate_history(BTC, limit=2).data())
    tell("leverageBracket", api.notional_and_leverage_brackets(BTC).data())
    tell("leverage", api.change_initial_leverage(BTC, 5).data())
    tell("positionMode", api.get_current_position_mode().data())
    tell("balance", api.futures_account_balance_v3().data())
    below = f"{float(price) * 0.98:.2f}"
    limit = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
    placed = api.new_order(**limit, quantity=0.01, price=float(below)).data()
    tell("new_order", placed)
    tell("modify_order", api.modify_order(BTC, "BUY", 0.02, float(below), order_id=placed.order_id).data())
    tell("query_order", api.query_order(BTC, order_id=placed.order_id).data())
    tell("openOrders", api.current_all_open_orders(BTC).data())
    tell("cancel_order", api.cancel_order(BTC, order_id=placed.order_id).data())
    market = api.new_order(BTC, "BUY", "MARKET", quantity=0.01, new_order_resp_type="RESULT").data()
    tell("market_order", market)
    tell("positionRisk", api.position_information_v3(BTC).data())
    tell("account", api.account_information_v3().data())
    tell("userTrades", api.account_trade_list(BTC).data())
    tell("income", api.get_income_history().data())
    stop = {"trigger_price": float(f"{float(price) * 0.9:.2f}"), "quantity": 0.01}
    algo = api.new_algo_order("CONDITIONAL", BTC, "SELL", "STOP_MARKET", **stop).data()
    tell("new_algo_order", algo)
    tell("query_algo_order", api.query_algo_order(algo_id=algo.algo_id).data())
    tell("cancel_algo_order", api.cancel_algo_order(algo_id=algo.algo_id).data())
    tell("order_limits", api.query_user_rate_limit().data())
    return str(price)


async def over_streams(client: DerivativesTradingUsdsFutures) -> None:
    """A market stream, then the user stream with an order placed meanwhile."""
    heard: asyncio.Queue[Any] = asyncio.Queue()
    streams = await client.websocket_streams.create_connection()
    try:
        trades = await streams.aggregate_trade_streams(symbol=BTC.lower())
        trades.on("message", heard.put_nowait)
        tell("aggTrade", await asyncio.wait_for(heard.get(), WAIT_S))
        key = client.rest_api.start_user_data_stream().data().listen_key
        user = await streams.user_data(key)
        told: asyncio.Queue[Any] = asyncio.Queue()
        user.on("message", told.put_nowait)
        await asyncio.to_thread(client.rest_api.new_order, BTC, "SELL", "MARKET", quantity=0.01)
        tell("user_data", [plain(await asyncio.wait_for(told.get(), WAIT_S)) for _ in range(4)])
    finally:
        await streams.close_connection(close_session=True)


async def over_api(client: DerivativesTradingUsdsFutures, price: str) -> None:
    """Orders through the WebSocket API."""
    connection = await client.websocket_api.create_connection()
    try:
        below = float(f"{float(price) * 0.98:.2f}")
        limit = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01}
        placed = (await connection.new_order(**limit, price=below)).data()
        tell("ws_new_order", placed.result)
        gone = (await connection.cancel_order(symbol=BTC, order_id=placed.result.order_id)).data()
        tell("ws_cancel_order", gone.result)
    finally:
        await connection.close_connection(close_session=True)


async def main() -> None:
    told = json.load(sys.stdin)
    keys = {"api_key": told["api_key"], "api_secret": told["secret"]}
    if told.get("private_key"):
        keys = {"api_key": told["api_key"], "private_key": told["private_key"]}
    client = DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(**keys, base_path=told["rest"], timeout=WAIT_S * 1000),
        config_ws_api=ConfigurationWebSocketAPI(**keys, stream_url=told["ws"] + "/ws-fapi/v1", timeout=WAIT_S * 1000),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=told["ws"]),
    )
    price = await asyncio.to_thread(over_rest, client.rest_api)
    await over_streams(client)
    await over_api(client, price)


if __name__ == "__main__":
    asyncio.run(main())
