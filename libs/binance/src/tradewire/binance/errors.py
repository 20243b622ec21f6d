"""Error codes: what each means, and what it says about the request.

Source: Binance docs, "Error Codes" and "General Info" (HTTP 403, 408, 418, 429, 503), 2026-03. Binance words some
messages anew from time to time; codes are what to go by.
"""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final


class ErrorCode(IntEnum):
    """Codes that an order or a stream can meet."""

    UNKNOWN = -1000
    DISCONNECTED = -1001
    UNAUTHORIZED = -1002
    TOO_MANY_REQUESTS = -1003
    UNEXPECTED_RESP = -1006
    TIMEOUT = -1007
    SERVER_BUSY = -1008
    UNSUPPORTED_ORDER_COMBINATION = -1014
    TOO_MANY_ORDERS = -1015
    UNSUPPORTED_OPERATION = -1020
    INVALID_TIMESTAMP = -1021
    INVALID_SIGNATURE = -1022
    ILLEGAL_CHARS = -1100
    MANDATORY_PARAM_EMPTY_OR_MALFORMED = -1102
    PARAM_NOT_REQUIRED = -1106
    BAD_PRECISION = -1111
    INVALID_TIF = -1115
    INVALID_ORDER_TYPE = -1116
    INVALID_SIDE = -1117
    BAD_INTERVAL = -1120
    BAD_SYMBOL = -1121
    INVALID_LISTEN_KEY = -1125
    INVALID_PARAMETER = -1130
    NEW_ORDER_REJECTED = -2010
    CANCEL_REJECTED = -2011
    NO_SUCH_ORDER = -2013
    BAD_API_KEY_FMT = -2014
    REJECTED_MBX_KEY = -2015
    MARGIN_NOT_SUFFICIENT = -2019
    UNABLE_TO_FILL = -2020
    ORDER_WOULD_IMMEDIATELY_TRIGGER = -2021
    REDUCE_ONLY_REJECT = -2022
    MAX_OPEN_ORDER_EXCEEDED = -2025
    MAX_LEVERAGE_RATIO = -2027
    PRICE_LESS_THAN_ZERO = -4001
    PRICE_GREATER_THAN_MAX_PRICE = -4002
    QTY_LESS_THAN_ZERO = -4003
    QTY_LESS_THAN_MIN_QTY = -4004
    QTY_GREATER_THAN_MAX_QTY = -4005
    PRICE_LESS_THAN_MIN_PRICE = -4013
    PRICE_NOT_INCREASED_BY_TICK_SIZE = -4014
    INVALID_CL_ORD_ID = -4015
    PRICE_HIGHER_THAN_MULTIPLIER_UP = -4016
    QTY_NOT_INCREASED_BY_STEP_SIZE = -4023
    PRICE_LOWER_THAN_MULTIPLIER_DOWN = -4024
    INVALID_LEVERAGE = -4028
    MAX_STOP_ORDER_EXCEEDED = -4045
    NO_NEED_TO_CHANGE_MARGIN_TYPE = -4046
    THERE_EXISTS_OPEN_ORDERS = -4047
    THERE_EXISTS_QUANTITY = -4048
    NO_NEED_TO_CHANGE_POSITION_SIDE = -4059
    INVALID_POSITION_SIDE = -4060
    POSITION_SIDE_NOT_MATCH = -4061
    REDUCE_ONLY_CONFLICT = -4062
    POSITION_SIDE_CHANGE_EXISTS_OPEN_ORDERS = -4067
    POSITION_SIDE_CHANGE_EXISTS_QUANTITY = -4068
    DUPLICATED_CLIENT_ORDER_ID = -4111
    DUPLICATED_CLIENT_TRAN_ID = -4116
    STOP_ORDER_SWITCH_ALGO = -4120
    INVALID_SYMBOL_STATUS = -4140
    SYMBOL_ALREADY_CLOSED = -4141
    MIN_NOTIONAL = -4164
    ME_RECVWINDOW_REJECT = -5028
    NO_NEED_TO_CHANGE_ORDER = -5027
    FOK_ORDER_REJECT = -5021
    GTX_ORDER_REJECT = -5022


MESSAGES: Final = MappingProxyType(
    {
        ErrorCode.TOO_MANY_REQUESTS: "Too many requests.",
        ErrorCode.TIMEOUT: "Timeout waiting for response from backend server. Send status unknown; execution status "
        "unknown.",
        ErrorCode.TOO_MANY_ORDERS: "Too many new orders.",
        ErrorCode.UNSUPPORTED_OPERATION: "This operation is not supported.",
        ErrorCode.INVALID_TIMESTAMP: "Timestamp for this request is outside of the recvWindow.",
        ErrorCode.INVALID_SIGNATURE: "Signature for this request is not valid.",
        ErrorCode.INVALID_TIF: "Invalid timeInForce.",
        ErrorCode.INVALID_ORDER_TYPE: "Invalid orderType.",
        ErrorCode.INVALID_SIDE: "Invalid side.",
        ErrorCode.BAD_INTERVAL: "Invalid interval.",
        ErrorCode.BAD_SYMBOL: "Invalid symbol.",
        ErrorCode.INVALID_LISTEN_KEY: "This listenKey does not exist.",
        ErrorCode.CANCEL_REJECTED: "Unknown order sent.",
        ErrorCode.NO_SUCH_ORDER: "Order does not exist.",
        ErrorCode.BAD_API_KEY_FMT: "API-key format invalid.",
        ErrorCode.REJECTED_MBX_KEY: "Invalid API-key, IP, or permissions for action.",
        ErrorCode.MARGIN_NOT_SUFFICIENT: "Margin is insufficient.",
        ErrorCode.ORDER_WOULD_IMMEDIATELY_TRIGGER: "Order would immediately trigger.",
        ErrorCode.REDUCE_ONLY_REJECT: "ReduceOnly Order is rejected.",
        ErrorCode.MAX_OPEN_ORDER_EXCEEDED: "Reach max open order limit.",
        ErrorCode.MAX_LEVERAGE_RATIO: "Exceeded the maximum allowable position at current leverage.",
        ErrorCode.QTY_LESS_THAN_ZERO: "Quantity less than or equal to zero.",
        ErrorCode.QTY_LESS_THAN_MIN_QTY: "Quantity less than min quantity.",
        ErrorCode.QTY_GREATER_THAN_MAX_QTY: "Quantity greater than max quantity.",
        ErrorCode.PRICE_NOT_INCREASED_BY_TICK_SIZE: "Price not increased by tick size.",
        ErrorCode.INVALID_CL_ORD_ID: "Client order id is not valid.",
        ErrorCode.PRICE_HIGHER_THAN_MULTIPLIER_UP: "Limit price can't be higher than the cap.",
        ErrorCode.QTY_NOT_INCREASED_BY_STEP_SIZE: "Quantity not increased by step size.",
        ErrorCode.PRICE_LOWER_THAN_MULTIPLIER_DOWN: "Limit price can't be lower than the floor.",
        ErrorCode.INVALID_LEVERAGE: "Leverage is not valid.",
        ErrorCode.NO_NEED_TO_CHANGE_MARGIN_TYPE: "No need to change margin type.",
        ErrorCode.THERE_EXISTS_OPEN_ORDERS: "Margin type cannot be changed if there exists open orders.",
        ErrorCode.THERE_EXISTS_QUANTITY: "Margin type cannot be changed if there exists position.",
        ErrorCode.NO_NEED_TO_CHANGE_POSITION_SIDE: "No need to change position side.",
        ErrorCode.POSITION_SIDE_NOT_MATCH: "Order's position side does not match user's setting.",
        ErrorCode.POSITION_SIDE_CHANGE_EXISTS_OPEN_ORDERS: "Position side cannot be changed if there exists open "
        "orders.",
        ErrorCode.POSITION_SIDE_CHANGE_EXISTS_QUANTITY: "Position side cannot be changed if there exists position.",
        ErrorCode.DUPLICATED_CLIENT_TRAN_ID: "ClientOrderId is duplicated.",
        ErrorCode.STOP_ORDER_SWITCH_ALGO: "Order type not supported for this endpoint. Please use the Algo Order API "
        "endpoints instead.",
        ErrorCode.INVALID_SYMBOL_STATUS: "Invalid symbol status for opening position.",
        ErrorCode.MIN_NOTIONAL: "Order's notional must be no smaller than the minimum (unless you choose reduce only).",
        ErrorCode.FOK_ORDER_REJECT: "Due to the order could not be filled immediately, the FOK order has been "
        "rejected.",
        ErrorCode.GTX_ORDER_REJECT: "Due to the order could not be executed as maker, the Post Only order will be "
        "rejected.",
        ErrorCode.NO_NEED_TO_CHANGE_ORDER: "No need to modify the order.",
    }
)
"""Binance's words for a code, where the server has nothing more exact to say."""

HTTP_RATE_LIMITED: Final = 429
HTTP_BANNED: Final = 418
HTTP_TIMEOUT: Final = 408
HTTP_UNAVAILABLE: Final = 503
"""With "Unknown error, please check your request or try again later." the outcome is unknown."""

NOT_EXECUTED: Final = frozenset(
    {
        ErrorCode.TOO_MANY_REQUESTS,
        ErrorCode.SERVER_BUSY,
        ErrorCode.TOO_MANY_ORDERS,
        ErrorCode.INVALID_TIMESTAMP,
    }
)
"""Refused at the door: surely not executed, and worth another try."""
CREDENTIALS: Final = frozenset({ErrorCode.INVALID_SIGNATURE, ErrorCode.BAD_API_KEY_FMT, ErrorCode.REJECTED_MBX_KEY})
"""Bad signature, bad key, key without permission or from the wrong address."""
UNCERTAIN: Final = frozenset({ErrorCode.UNKNOWN, ErrorCode.DISCONNECTED, ErrorCode.UNEXPECTED_RESP, ErrorCode.TIMEOUT})
"""Unknown error, disconnected, unexpected answer, timeout: "execution status unknown"."""


def error_body(code: ErrorCode, message: str | None = None) -> dict[str, Any]:
    """The JSON of a refusal."""
    return {"code": int(code), "msg": message or MESSAGES.get(code, code.name)}
