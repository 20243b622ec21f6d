"""Examples of answers for OpenAPI. A test holds each against its model."""

from __future__ import annotations

from typing import Any

from tradewire.telemetry.adapters.api.example_messages import (
    AT_US,
    CONTROL,
    CONTROLS,
    DAY_RESULT,
    DEAD_LETTER,
    DECISION,
    EVALUATION,
    FILL,
    INSTRUMENT,
    LIMITS_IN_USE,
    ORDER,
    ORDER_ID,
    POSITION,
    ROUND_TRIP,
    STRATEGY,
    TRACE_ID,
)
from tradewire.telemetry.adapters.api.models import InvalidRequest, Problem

Responses = dict[int | str, dict[str, Any]]

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

_EXPLANATION = {
    "question": "ema-cross-btc on BTCUSDT at 1546300800000 ms",
    "verdict": "no order: the rules said ENTER_LONG and risk refused — max_leverage: 3.2, allowed <= 3",
    "strategy_id": "ema-cross-btc",
    "venue": "binance",
    "symbol": "BTCUSDT",
    "interval": "1h",
    "time_us": AT_US,
    "trace_id": TRACE_ID,
    "bar": {"open": 3641.0, "high": 3655.5, "low": 3640.0, "close": 3650.0, "volume": 128.4},
    "evaluation": _paged(EVALUATION)["items"][0],
    "rules": [
        {
            "rule": "entry_long",
            "expression": "crossed_above(fast, slow)",
            "truth": True,
            "values": {"fast": 3648.2, "slow": 3641.9},
            "previous": {"fast": 3640.1, "slow": 3641.5},
        }
    ],
    "notes": [],
    "assessment": _paged(DECISION)["items"][0],
    "orders": [],
    "gaps": [],
    "unknown": [],
}
_DEAD_LETTERS = {
    "items": [DEAD_LETTER],
    "next": None,
    "asked_us": AT_US,
    "waiting": 1,
    "parked_keys": 1,
    "is_complete": True,
}

EXAMPLES: dict[str, Any] = {
    "dead_letters": _DEAD_LETTERS,
    "accounts": [_ACCOUNT],
    "account": _ACCOUNT,
    "equity": {
        "account_id": "paper-1",
        "thinned": False,
        "points": [
            {"time_us": AT_US, "equity": "10250.00000000", "realized_pnl": "230.00000000", "drawdown_ratio": 0.0144}
        ],
    },
    "positions": [POSITION],
    "controls": [CONTROLS],
    "orders": _paged(ORDER),
    "fills": _paged(FILL),
    "evaluations": _paged(EVALUATION),
    "assessments": _paged(DECISION),
    "strategies": [STRATEGY],
    "history": _paged(CONTROL),
    "instruments": [INSTRUMENT],
    "candles": _CANDLES,
    "annotations": {"items": [_ANNOTATION], "next": None, "complete_from_us": None},
    "explain": _EXPLANATION,
    "trades": {"items": [ROUND_TRIP], "next": None, "complete_from_us": None},
    "pnl": {"by": "day", "rows": [DAY_RESULT], "complete_from_us": None},
    "in-use": [LIMITS_IN_USE],
    "log": {"entries": [_ENTRY], "next": None},
    "lag": [
        {"topic": "execution.fill.v1", "newest_event_time_us": AT_US, "behind_us": 3_600_000_000, "records_behind": 0}
    ],
}
"""By the last word of the path (`account` for one of them)."""

INVALID: Responses = {422: {"model": InvalidRequest, "description": "The question is not one that is answered."}}
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
