"""A simulated USDⓈ-M futures exchange: one account, exact integers, no I/O, no clock.

`SimulatedExchange` is the whole of it for most callers; the margin formulas are pure functions of their own.
"""

from tradewire.trading.exchange.bars import Bar, MarkBar, Quote
from tradewire.trading.exchange.decimal_edge import bounded_e8, from_e8, to_e8, to_unbounded_e8
from tradewire.trading.exchange.events import (
    CancelPending,
    CancelReason,
    CancelRejected,
    Event,
    ExpireReason,
    Fill,
    FillEvent,
    FundingPaid,
    InsuranceCovered,
    Liquidated,
    OrderAccepted,
    OrderActivated,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderPartiallyFilled,
    OrderReduced,
    OrderRejected,
    OrderTriggered,
    RejectReason,
)
from tradewire.trading.exchange.fill_model import FillModel
from tradewire.trading.exchange.fixed_point import SCALE
from tradewire.trading.exchange.handover import Holding, Money, Passed
from tradewire.trading.exchange.instrument import Bracket, InstrumentSpec, brackets, maintenance_amounts
from tradewire.trading.exchange.margin import (
    MarginMode,
    funding_amount,
    liquidation_price,
    liquidation_price_at_rate,
)
from tradewire.trading.exchange.orders import (
    Liquidity,
    NewOrder,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    WorkingType,
)
from tradewire.trading.exchange.simulated_exchange import SimulatedExchange
from tradewire.trading.exchange.snapshot import AccountSnapshot, OpenOrderSnapshot, PositionSnapshot

__all__ = [
    "SCALE",
    "AccountSnapshot",
    "Bar",
    "Bracket",
    "CancelPending",
    "CancelReason",
    "CancelRejected",
    "Event",
    "ExpireReason",
    "Fill",
    "FillEvent",
    "FillModel",
    "FundingPaid",
    "Holding",
    "InstrumentSpec",
    "InsuranceCovered",
    "Liquidated",
    "Liquidity",
    "MarginMode",
    "MarkBar",
    "Money",
    "NewOrder",
    "OpenOrderSnapshot",
    "OrderAccepted",
    "OrderActivated",
    "OrderCanceled",
    "OrderExpired",
    "OrderFilled",
    "OrderPartiallyFilled",
    "OrderReduced",
    "OrderRejected",
    "OrderStatus",
    "OrderTriggered",
    "OrderType",
    "Passed",
    "PositionSnapshot",
    "Quote",
    "RejectReason",
    "Side",
    "SimulatedExchange",
    "TimeInForce",
    "WorkingType",
    "bounded_e8",
    "brackets",
    "from_e8",
    "funding_amount",
    "liquidation_price",
    "liquidation_price_at_rate",
    "maintenance_amounts",
    "to_e8",
    "to_unbounded_e8",
]
