"""Messages and parts of answers, for the examples in the OpenAPI document."""

from __future__ import annotations

from typing import Any

AT_US = 1_546_300_800_000_000
TRACE_ID = "5c1f2b7d9e3a4c60b8d1e2f3a4b5c6d7"
ORDER_ID = "tw-7f3a9c21e05b4d68"
IDS: dict[str, Any] = {
    "account_id": "paper-1",
    "strategy_id": "ema-cross-btc",
    "venue": "binance",
    "symbol": "BTCUSDT",
    "event_time_us": AT_US,
}
TRADE: dict[str, Any] = {"client_order_id": ORDER_ID, "side": "BUY", "leg": "ENTRY", "evaluation_id": "e1"}
ORDER: dict[str, Any] = {
    **IDS,
    **TRADE,
    "sequence": 409,
    "status": "FILLED",
    "order_type": "MARKET",
    "qty": "1.00000000",
    "filled_qty": "1.00000000",
    "price": None,
    "stop_price": None,
    "reason": None,
    "venue_order_id": "118",
}
FILL: dict[str, Any] = {
    **IDS,
    **TRADE,
    "sequence": 410,
    "venue_trade_id": "77",
    "qty": "1.00000000",
    "price": "3650.00000000",
    "fee": "1.46000000",
    "liquidity": "TAKER",
    "realized_pnl": "0.00000000",
    "position_after": "1.00000000",
}
EVALUATION: dict[str, Any] = {
    **IDS,
    "config_version": 3,
    "interval": "1h",
    "signal": "ENTER_LONG",
    "ready": True,
    "entry_long": True,
    "exit_long": False,
    "entry_short": False,
    "exit_short": False,
    "close": "3650.00000000",
    "sizing": {"method": "FRACTION_OF_EQUITY", "value": 0.3, "max_leverage": 3.0, "inputs": {}},
    "stop_distance": 90.5,
    "take_profit_distance": None,
    "trailing_distance": None,
    "seen": {"ema(close,12)": 3648.2, "ema(close,26)": 3641.9},
    "candle_offset": 1204,
    "last_of_stream": False,
}
DECISION: dict[str, Any] = {
    **IDS,
    "config_version": 3,
    "evaluation_id": "e1",
    "decision": "REFUSED",
    "intents": [],
    "cancels": [],
    "rules": [{"rule": "max_order_notional", "passed": False, "value": "3650 USDT", "limit": "3000 USDT"}],
    "equity": "10250.00000000",
    "account_time_us": AT_US,
    "step_index": 0,
    "step_size": 1,
    "late": False,
    "last_of_stream": False,
}
INSTRUMENT: dict[str, Any] = {
    "venue": "binance",
    "symbol": "BTCUSDT",
    "base": "BTC",
    "quote": "USDT",
    "status": "TRADING",
    "tick_size": "0.10000000",
    "step_size": "0.00100000",
    "min_qty": "0.00100000",
    "max_qty": "1000.00000000",
    "min_notional": "5.00000000",
    "maker_fee": "0.00020000",
    "taker_fee": "0.00040000",
    "liquidation_fee": "0.01250000",
    "price_collar_ratio": "0.05000000",
    "intervals": ["1h"],
    "brackets": [
        {
            "notional_floor": "0.00000000",
            "notional_cap": "50000.00000000",
            "maintenance_ratio": "0.00400000",
            "maintenance_amount": "0.00000000",
            "max_leverage": 125,
        }
    ],
    "valid_from_us": AT_US,
}
CONTROL: dict[str, Any] = {
    "scope": "account:paper-1",
    "level": "NO_NEW",
    "reason": "drill",
    "author": "ann",
    "issued_at_us": AT_US,
}
CONTROLS: dict[str, Any] = {
    "service": "execution",
    "instance": "execution-0",
    "partitions": [0, 1, 2, 3, 4, 5],
    "control_offset": 17,
    "levels": [
        {
            "scope": "account:paper-1",
            "level": "NO_NEW",
            "reason": "drill",
            "author": "ann",
            "issued_at_us": AT_US,
            "control_offset": 17,
        }
    ],
    "told_us": AT_US,
}
POSITION: dict[str, Any] = {
    "account_id": "paper-1",
    "as_of_us": AT_US,
    "venue": "binance",
    "symbol": "BTCUSDT",
    "qty": "1.00000000",
    "entry_price": "3650.00000000",
    "mark_price": "3700.00000000",
    "unrealized_pnl": "50.00000000",
    "liquidation_price": None,
    "shares": {"ema-cross-btc": "1.00000000"},
}
STRATEGY: dict[str, Any] = {
    "strategy_id": "ema-cross-btc",
    "published_version": 3,
    "version": 3,
    "status": "ACCEPTED",
    "reasons": [],
    "active": [],
    "last_evaluated_us": AT_US,
}
ROUND_TRIP: dict[str, Any] = {
    "account_id": "paper-1",
    "strategy_id": "ema-cross-btc",
    "venue": "binance",
    "symbol": "BTCUSDT",
    "side": "BUY",
    "qty": "1.00000000",
    "entry_time_us": AT_US - 7_200_000_000,
    "exit_time_us": AT_US,
    "entry_price": "3650.00000000",
    "exit_price": "3700.00000000",
    "fees": "2.94000000",
    "pnl": "47.06000000",
    "exit_leg": "TAKE_PROFIT",
    "orders": [ORDER_ID],
}
DAY_RESULT: dict[str, Any] = {
    "account_id": "paper-1",
    "key": "2019-01-01",
    "from_us": AT_US,
    "realized_pnl": "230.00000000",
    "fees": "30.00000000",
    "fills": 12,
    "funding": "0.00000000",
    "equity_change": "250.00000000",
    "as_of_us": AT_US,
}
LIMITS_IN_USE: dict[str, Any] = {
    "account_id": "paper-1",
    "as_of_us": AT_US,
    "version": 2,
    "author": "ann",
    "changed_at_us": AT_US,
    "limits": [
        {
            "limit_name": "max_leverage",
            "unit": "× equity",
            "limit": "3.00000000",
            "used": "0.36097561",
            "headroom": "2.63902439",
            "ratio": 0.12032520325203253,
            "last_value": "1.2",
            "last_limit": "<= 3",
            "last_us": AT_US,
        }
    ],
}
DEAD_LETTER: dict[str, Any] = {
    "service": "risk",
    "letter": "3/17",
    "written_us": AT_US,
    "topic": "strategy.evaluation.v1",
    "partition": 3,
    "offset": 1702,
    "key": "paper-1",
    "event_id": "e1",
    "event_time_us": AT_US,
    "trace_id": TRACE_ID,
    "stage": "handle",
    "error_type": "ContractViolationError",
    "reason": "qty: found -1; allowed: 0 or more",
    "failed_again": False,
    "state": "WAITS",
    "parks_key": True,
    "waiting_of_key": 1,
    "replay": "risk handles the letter of paper-1 from strategy.evaluation.v1, then the records of paper-1 that come; "
    "what fails again waits on",
    "give_up": "risk passes this record over for good",
    "not_replayable": None,
}
