"""Examples of answers for OpenAPI. A test holds each against its model."""

from __future__ import annotations

from typing import Any

from tradewire.telemetry.adapters.api.models import Problem

Responses = dict[int | str, dict[str, Any]]

AT_US = 1_546_300_800_000_000
TRACE_ID = "5c1f2b7d9e3a4c60b8d1e2f3a4b5c6d7"
ORDER_ID = "tw-7f3a9c21e05b4d68"

_RESULT = {"strategy_id": "ema-cross-btc", "realized_pnl": "230.00000000", "fees": "30.00000000", "fills": 12}
_ACCOUNT = {
    "account_id": "paper-1",
    "as_of_us": AT_US,
    "sequence": 412,
    "equity": "10250.00000000",
    "wallet_balance": "10200.00000000",
    "unrealized_pnl": "50.00000000",
    "realized_pnl": "230.00000000",
    "fees_paid": "30.00000000",
    "funding_paid": "0.00000000",
    "initial_margin": "740.00000000",
    "maintenance_margin": "14.80000000",
    "peak_equity": "10400.00000000",
    "drawdown_ratio": 0.014423076923076872,
    "gross_exposure": "3700.00000000",
    "strategies": [
        {"strategy_id": "ema-cross-btc", "realized_pnl": "230.00000000", "fees": "30.00000000", "fills": 12}
    ],
}
_CONTROLS = {
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
_POSITION = {
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
_IDS = {
    "account_id": "paper-1",
    "strategy_id": "ema-cross-btc",
    "venue": "binance",
    "symbol": "BTCUSDT",
    "event_time_us": AT_US,
}
_TRADE = {"client_order_id": ORDER_ID, "side": "BUY", "leg": "ENTRY", "evaluation_id": "e1"}
_ORDER = {
    **_IDS,
    **_TRADE,
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
_FILL = {
    **_IDS,
    **_TRADE,
    "sequence": 410,
    "venue_trade_id": "77",
    "qty": "1.00000000",
    "price": "3650.00000000",
    "fee": "1.46000000",
    "liquidity": "TAKER",
    "realized_pnl": "0.00000000",
    "position_after": "1.00000000",
}
_EVALUATION = {
    **_IDS,
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
_DECISION = {
    **_IDS,
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
_STRATEGY = {
    "strategy_id": "ema-cross-btc",
    "published_version": 3,
    "version": 3,
    "status": "ACCEPTED",
    "reasons": [],
    "active": [],
    "last_evaluated_us": AT_US,
}
_ENTRY = {
    "event_id": "0d6c1e5a-6a0b-5f0f-9a59-1f2f0f6c9b11",
    "topic": "execution.fill.v1",
    "partition": 2,
    "offset": 57,
    "event_time_us": AT_US,
    "recorded_at_us": AT_US + 812_000,
    "kind": "OrderFilled",
    "account_id": "paper-1",
    "strategy_id": "ema-cross-btc",
    "symbol": "BTCUSDT",
    "client_order_id": ORDER_ID,
    "trace_id": TRACE_ID,
    "correlation_id": "c1",
    "causation_id": "o1",
    "payload": {"qty": "1.00000000", "price": "3650.00000000"},
}


def _paged(event: dict[str, Any]) -> dict[str, Any]:
    shown = {"event_id": _ENTRY["event_id"], "event_time_us": AT_US, "trace_id": TRACE_ID, "event": event}
    return {"items": [shown], "next": None}


_INSTRUMENT = {
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
_CONTROL = {
    "scope": "account:paper-1",
    "level": "NO_NEW",
    "reason": "drill",
    "author": "ann",
    "issued_at_us": AT_US,
}
_ANNOTATION = {
    "kind": "ENTRY",
    "time_us": AT_US,
    "venue": "binance",
    "symbol": "BTCUSDT",
    "account_id": "paper-1",
    "strategy_id": "ema-cross-btc",
    "text": "ENTRY BUY 1 at 3650",
    "ref": "0d6c1e5a-6a0b-5f0f-9a59-1f2f0f6c9b11",
    "side": "BUY",
    "price": "3650.00000000",
    "qty": "1.00000000",
    "client_order_id": ORDER_ID,
}
_CANDLES = {
    "venue": "binance",
    "symbol": "BTCUSDT",
    "interval": "1h",
    "interval_us": 3_600_000_000,
    "time_us": [AT_US],
    "open": [3641.0],
    "high": [3655.5],
    "low": [3640.0],
    "close": [3650.0],
    "volume": [128.4],
    "values": {"ema(close,12)": [3648.2], "ema(close,26)": [None]},
    "next": str(AT_US),
    "kept_from_us": AT_US - 7_200_000_000,
    "dropped": False,
}


EXAMPLES: dict[str, Any] = {
    "accounts": [_ACCOUNT],
    "account": _ACCOUNT,
    "equity": {
        "account_id": "paper-1",
        "thinned": False,
        "points": [
            {"time_us": AT_US, "equity": "10250.00000000", "realized_pnl": "230.00000000", "drawdown_ratio": 0.0144}
        ],
    },
    "positions": [_POSITION],
    "controls": [_CONTROLS],
    "orders": _paged(_ORDER),
    "fills": _paged(_FILL),
    "evaluations": _paged(_EVALUATION),
    "assessments": _paged(_DECISION),
    "strategies": [_STRATEGY],
    "history": _paged(_CONTROL),
    "instruments": [_INSTRUMENT],
    "candles": _CANDLES,
    "annotations": {"items": [_ANNOTATION], "next": None, "complete_from_us": None},
    "log": {"entries": [_ENTRY], "next": None},
    "lag": [
        {"topic": "execution.fill.v1", "newest_event_time_us": AT_US, "behind_us": 3_600_000_000, "records_behind": 0}
    ],
}
"""By the last word of the path (`account` for one of them)."""

UNKNOWN: Responses = {404: {"model": Problem, "description": "Nothing by this name is known."}}
AWAY: Responses = {503: {"model": Problem, "description": "A server that is needed does not answer; try again."}}
STREAM: Responses = AWAY | {
    200: {
        "description": "One event per change; `beat` and `reset` beside them.",
        "content": {
            "text/event-stream": {
                "example": 'event: OrderFilled\nid: 64a3f0e17b2c1-17\ndata: {"event_id": …, "event": {…}}\n\n'
            }
        },
    }
}


def answers(name: str) -> Responses:
    """The example of a 200 answer."""
    return {200: {"content": {"application/json": {"example": EXAMPLES[name]}}}}
