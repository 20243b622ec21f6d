"""Words of orders: statuses, types, modes, and who made an order.

Source: Binance docs, "Common Definition" and "User Data Streams, Event: Order Update".
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class BinanceOrderStatus(StrEnum):
    """``status`` of an order, ``X`` in the user stream."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
    """Ended by self-trade prevention."""


OPEN_STATUSES: Final = frozenset({BinanceOrderStatus.NEW, BinanceOrderStatus.PARTIALLY_FILLED})


class AlgoStatus(StrEnum):
    """``algoStatus`` of a conditional order, ``X`` in ALGO_UPDATE. Source: "Event: Algo Order Update"."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    """The order born at the trigger was filled or cancelled."""
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class Execution(StrEnum):
    """``x`` in ORDER_TRADE_UPDATE: what happened."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    CALCULATED = "CALCULATED"
    """A liquidation."""
    EXPIRED = "EXPIRED"
    TRADE = "TRADE"
    AMENDMENT = "AMENDMENT"


class BinanceOrderType(StrEnum):
    """``type``. All but LIMIT and MARKET are conditional."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"


CONDITIONAL_TYPES: Final = frozenset(BinanceOrderType) - {BinanceOrderType.LIMIT, BinanceOrderType.MARKET}
"""Since 2025-12-09 they go to ``/fapi/v1/algoOrder``; ``/fapi/v1/order`` refuses them with -4120."""


class BinanceTimeInForce(StrEnum):
    """``timeInForce``."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"
    """Post-only."""
    GTD = "GTD"


class PositionSide(StrEnum):
    """``positionSide``: BOTH in one-way mode, LONG or SHORT in hedge mode."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


class BinanceWorkingType(StrEnum):
    """``workingType``: the price that triggers."""

    CONTRACT_PRICE = "CONTRACT_PRICE"
    MARK_PRICE = "MARK_PRICE"


class MarginType(StrEnum):
    """``marginType`` as it is asked for; replies write ``cross`` and ``isolated``."""

    CROSSED = "CROSSED"
    ISOLATED = "ISOLATED"


CLIENT_ID_PATTERN: Final = r"[\.A-Z\:/a-z0-9_-]{1,36}"
"""What ``newClientOrderId`` and ``clientAlgoId`` may be. Source: "New Order"."""
VENUE_MADE: Final = MappingProxyType(
    {
        "autoclose-": "LIQUIDATION",
        "adl_autoclose": "ADL",
        "settlement_autoclose-": "SETTLEMENT",
        "delivery_autoclose-": "DELIVERY",
    }
)
"""Client order ids that only Binance makes, by prefix → why. Source: "Event: Order Update"."""


REUSED: Final = "adl_autoclose"
"""The one client order id that many orders carry: of all ADL orders. Source: "Event: Order Update"."""


def told_apart(client_order_id: str, order_id: int | str) -> str:
    """The id that one order alone is known by: the client order id, with the venue's own where that is reused."""
    return f"{REUSED}:{order_id}" if client_order_id == REUSED else client_order_id


def venues_id(known_as: str) -> int | None:
    """The venue's id of an order whose client order id is reused; None for any other."""
    name, _, order_id = known_as.partition(":")
    return int(order_id) if name == REUSED and order_id.isascii() and order_id.isdigit() else None


def venue_made(client_order_id: str) -> str | None:
    """Why the venue made an order itself; None when it did not."""
    return next((why for prefix, why in VENUE_MADE.items() if client_order_id.startswith(prefix)), None)
