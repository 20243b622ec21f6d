"""Orders and their life: what a caller asks for, what the venue keeps, and every allowed change of status."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Side(StrEnum):
    """Direction of an order; quantities are never negative."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """Order types of the venue; the last three rest as triggers and become market orders."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"

    @property
    def is_conditional(self) -> bool:
        """Whether the order waits for a trigger price."""
        return self not in (OrderType.MARKET, OrderType.LIMIT)


class TimeInForce(StrEnum):
    """How long a limit order stays: till canceled, immediate or cancel, fill or kill, post-only."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"


class WorkingType(StrEnum):
    """Which price triggers a conditional order."""

    MARK = "MARK"
    LAST = "LAST"


class Liquidity(StrEnum):
    """Whether a fill rested in the book (maker) or took from it (taker)."""

    MAKER = "MAKER"
    TAKER = "TAKER"


class OrderStatus(StrEnum):
    """Where an order is in its life."""

    SUBMITTED = "SUBMITTED"
    INACTIVE = "INACTIVE"
    WORKING = "WORKING"
    TRIGGERED = "TRIGGERED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def is_closed(self) -> bool:
        """Whether nothing can happen to the order any more."""
        return self in _CLOSED


_CLOSED: Final = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})


class OrderAction(StrEnum):
    """What can happen to an order."""

    ACCEPT = "ACCEPT"
    HOLD = "HOLD"
    REJECT = "REJECT"
    ACTIVATE = "ACTIVATE"
    TRIGGER = "TRIGGER"
    FILL_PART = "FILL_PART"
    FILL_ALL = "FILL_ALL"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"


_FILL_OR_END: Final = {
    OrderAction.FILL_PART: OrderStatus.PARTIALLY_FILLED,
    OrderAction.FILL_ALL: OrderStatus.FILLED,
    OrderAction.CANCEL: OrderStatus.CANCELED,
    OrderAction.EXPIRE: OrderStatus.EXPIRED,
}

TRANSITIONS: Final = MappingProxyType(
    {
        OrderStatus.SUBMITTED: {
            OrderAction.ACCEPT: OrderStatus.WORKING,
            OrderAction.HOLD: OrderStatus.INACTIVE,
            OrderAction.REJECT: OrderStatus.REJECTED,
        },
        OrderStatus.INACTIVE: {
            OrderAction.ACTIVATE: OrderStatus.WORKING,
            OrderAction.CANCEL: OrderStatus.CANCELED,
            OrderAction.EXPIRE: OrderStatus.EXPIRED,
        },
        OrderStatus.WORKING: {OrderAction.TRIGGER: OrderStatus.TRIGGERED, **_FILL_OR_END},
        OrderStatus.TRIGGERED: dict(_FILL_OR_END),
        OrderStatus.PARTIALLY_FILLED: dict(_FILL_OR_END),
        OrderStatus.FILLED: {},
        OrderStatus.CANCELED: {},
        OrderStatus.EXPIRED: {},
        OrderStatus.REJECTED: {},
    }
)
"""Every allowed change of status; what is not listed is refused."""


class InvalidTransitionError(ValueError):
    """An action was asked of an order whose status does not allow it."""


def next_status(status: OrderStatus, action: OrderAction) -> OrderStatus:
    """Status after ``action``. Raises: `InvalidTransitionError` when the table does not list it."""
    try:
        return TRANSITIONS[status][action]
    except KeyError:
        raise InvalidTransitionError(f"{action} is not allowed when {status}") from None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as the caller asks for it; quantities and prices e8, 0 where a type does not use them.

    ``callback_distance_e8`` (quote per base) or ``callback_rate_e8`` (ratio) is the trailing stop's distance.
    ``close_position`` (conditional types, quantity 0) closes whatever position there is when triggered.
    ``oco_group``: when one order of the group is filled fully, the others are canceled at once.
    ``activate_on``: client order id of an entry; the order rests inactive until that entry fills, and its
    quantity is its share of the entry's filled quantity. ``strategy_id`` is carried through and never read.
    """

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    qty_e8: int = 0
    price_e8: int = 0
    stop_price_e8: int = 0
    callback_distance_e8: int = 0
    callback_rate_e8: int = 0
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    close_position: bool = False
    working_type: WorkingType = WorkingType.LAST
    oco_group: str = ""
    activate_on: str = ""
    strategy_id: str = ""

    @property
    def only_reduces(self) -> bool:
        """Whether the order may never open or enlarge a position."""
        return self.reduce_only or self.close_position


@dataclass(slots=True)
class Order:
    """An order as the venue keeps it. ``cancel_us`` < 0: no cancel under way; ``extreme_e8``: trailing stop's
    best.
    """

    request: NewOrder
    venue_order_id: str
    sequence: int
    arrive_us: int
    qty_e8: int
    status: OrderStatus = OrderStatus.SUBMITTED
    filled_e8: int = 0
    arrived: bool = False
    cancel_us: int = -1
    extreme_e8: int = 0

    @property
    def leaves_e8(self) -> int:
        """Quantity still open."""
        return self.qty_e8 - self.filled_e8

    @property
    def acts_as_market(self) -> bool:
        """Whether the order takes whatever price there is: a market order, or a conditional one triggered."""
        if self.request.type is OrderType.MARKET:
            return True
        started = self.status in (OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)
        return started and self.request.type.is_conditional

    def change(self, action: OrderAction) -> None:
        """Move along `TRANSITIONS`. Raises: `InvalidTransitionError`."""
        self.status = next_status(self.status, action)


def venue_order_id(account_id: str, number: int) -> str:
    """The venue's id of an account's ``number``-th order, from 1."""
    return f"{account_id}-{number}"
