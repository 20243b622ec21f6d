"""What the simulated exchange reports: frozen values with the time (µs, UTC) they happened at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tradewire.trading.exchange.orders import Liquidity, Side


class RejectReason(StrEnum):
    """Why an order was not taken."""

    DUPLICATE_CLIENT_ORDER_ID = "DUPLICATE_CLIENT_ORDER_ID"
    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"
    UNKNOWN_PARENT = "UNKNOWN_PARENT"
    NO_MARKET_PRICE = "NO_MARKET_PRICE"
    BAD_PARAMETERS = "BAD_PARAMETERS"
    PRICE_NOT_ON_TICK = "PRICE_NOT_ON_TICK"
    PRICE_OUTSIDE_COLLAR = "PRICE_OUTSIDE_COLLAR"
    QUANTITY_NOT_ON_STEP = "QUANTITY_NOT_ON_STEP"
    QUANTITY_BELOW_MIN = "QUANTITY_BELOW_MIN"
    QUANTITY_ABOVE_MAX = "QUANTITY_ABOVE_MAX"
    NOTIONAL_BELOW_MIN = "NOTIONAL_BELOW_MIN"
    TOO_MANY_OPEN_ORDERS = "TOO_MANY_OPEN_ORDERS"
    POST_ONLY_WOULD_CROSS = "POST_ONLY_WOULD_CROSS"
    WOULD_TRIGGER_IMMEDIATELY = "WOULD_TRIGGER_IMMEDIATELY"
    REDUCE_ONLY_NO_POSITION = "REDUCE_ONLY_NO_POSITION"
    NOTIONAL_ABOVE_LEVERAGE_BRACKET = "NOTIONAL_ABOVE_LEVERAGE_BRACKET"
    INSUFFICIENT_MARGIN = "INSUFFICIENT_MARGIN"


class CancelReason(StrEnum):
    """Why an open order was canceled."""

    REQUESTED = "REQUESTED"
    OCO_FILLED = "OCO_FILLED"
    EXIT_FILLED = "EXIT_FILLED"
    LIQUIDATION = "LIQUIDATION"


class ExpireReason(StrEnum):
    """Why the venue ended an order by itself."""

    IMMEDIATE_OR_CANCEL = "IMMEDIATE_OR_CANCEL"
    FILL_OR_KILL = "FILL_OR_KILL"
    POST_ONLY_WOULD_CROSS = "POST_ONLY_WOULD_CROSS"
    REDUCE_ONLY_NO_POSITION = "REDUCE_ONLY_NO_POSITION"
    NOTIONAL_ABOVE_LEVERAGE_BRACKET = "NOTIONAL_ABOVE_LEVERAGE_BRACKET"
    INSUFFICIENT_MARGIN = "INSUFFICIENT_MARGIN"
    PARENT_CLOSED = "PARENT_CLOSED"


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. ``realized_pnl_e8`` is before the fee; ``position_after_e8`` is signed, base e8.

    ``shown_e8`` is the last price that the market showed just then; what a taker paid beyond it is slippage.
    """

    trade_id: str
    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    qty_e8: int
    price_e8: int
    notional_e8: int
    fee_e8: int
    liquidity: Liquidity
    realized_pnl_e8: int
    position_after_e8: int
    time_us: int
    shown_e8: int
    strategy_id: str = ""


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    """The venue took the order; ``active`` is false while it waits for its parent entry."""

    time_us: int
    symbol: str
    client_order_id: str
    venue_order_id: str
    active: bool


@dataclass(frozen=True, slots=True)
class OrderRejected:
    """The venue refused the order and keeps nothing of it."""

    time_us: int
    symbol: str
    client_order_id: str
    reason: RejectReason
    detail: str


@dataclass(frozen=True, slots=True)
class OrderActivated:
    """A protective order follows its entry's fills: from now on it works for ``qty_e8``."""

    time_us: int
    symbol: str
    client_order_id: str
    qty_e8: int


@dataclass(frozen=True, slots=True)
class OrderTriggered:
    """A conditional order saw its trigger price and is a market order now."""

    time_us: int
    symbol: str
    client_order_id: str
    trigger_price_e8: int


@dataclass(frozen=True, slots=True)
class OrderReduced:
    """A reduce-only order exceeded the position and was cut to ``qty_e8`` (filled part included)."""

    time_us: int
    symbol: str
    client_order_id: str
    qty_e8: int


@dataclass(frozen=True, slots=True)
class OrderPartiallyFilled:
    """Part of the order was filled; ``leaves_e8`` is still open."""

    fill: Fill
    leaves_e8: int

    @property
    def time_us(self) -> int:
        """Time of the fill."""
        return self.fill.time_us


@dataclass(frozen=True, slots=True)
class OrderFilled:
    """The order is filled to its end."""

    fill: Fill

    @property
    def time_us(self) -> int:
        """Time of the fill."""
        return self.fill.time_us


@dataclass(frozen=True, slots=True)
class OrderCanceled:
    """The order was canceled with ``filled_e8`` done."""

    time_us: int
    symbol: str
    client_order_id: str
    reason: CancelReason
    filled_e8: int


@dataclass(frozen=True, slots=True)
class OrderExpired:
    """The venue ended the order with ``filled_e8`` done."""

    time_us: int
    symbol: str
    client_order_id: str
    reason: ExpireReason
    filled_e8: int


@dataclass(frozen=True, slots=True)
class CancelPending:
    """The cancel is on its way (latency); it takes effect at ``effective_us`` if the order lives then."""

    time_us: int
    symbol: str
    client_order_id: str
    effective_us: int


@dataclass(frozen=True, slots=True)
class CancelRejected:
    """There is no open order of that id."""

    time_us: int
    client_order_id: str


@dataclass(frozen=True, slots=True)
class FundingPaid:
    """Funding of one symbol; ``amount_e8`` is what the wallet received, negative when the account paid."""

    time_us: int
    symbol: str
    rate_e8: int
    mark_e8: int
    position_e8: int
    amount_e8: int


@dataclass(frozen=True, slots=True)
class Liquidated:
    """The venue closed the position at the mark; margins are those that led to it, the fill's fee is the
    penalty.
    """

    fill: Fill
    margin_balance_e8: int
    maintenance_margin_e8: int

    @property
    def time_us(self) -> int:
        """Time of the fill."""
        return self.fill.time_us


@dataclass(frozen=True, slots=True)
class InsuranceCovered:
    """The venue's insurance fund took over a loss beyond the margin; the wallet received ``amount_e8``."""

    time_us: int
    symbol: str
    amount_e8: int


Event = (
    OrderAccepted
    | OrderRejected
    | OrderActivated
    | OrderTriggered
    | OrderReduced
    | OrderPartiallyFilled
    | OrderFilled
    | OrderCanceled
    | OrderExpired
    | CancelPending
    | CancelRejected
    | FundingPaid
    | Liquidated
    | InsuranceCovered
)
FillEvent = OrderPartiallyFilled | OrderFilled | Liquidated
"""The events that carry a `Fill`; their fills sum to the position."""
