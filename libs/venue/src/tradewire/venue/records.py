"""Orders, conditional orders and fills as the venue remembers them, and how it tells them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tradewire.binance.orders import (
    AlgoStatus,
    BinanceOrderStatus,
    BinanceOrderType,
    BinanceTimeInForce,
    BinanceWorkingType,
    Execution,
    PositionSide,
)
from tradewire.binance.replies import AlgoOrderReply, OrderReply, UserTrade
from tradewire.binance.user_stream import AlgoOrderUpdate, AlgoUpdate, OrderTradeUpdate, OrderUpdate
from tradewire.trading.exchange import Side
from tradewire.venue.amounts import ZERO
from tradewire.venue.listing import MARGIN_ASSET

NONE: Final = "NONE"
STP: Final = "EXPIRE_MAKER"


@dataclass(slots=True)
class StoredOrder:
    """A normal order. ``internal_id``: what the exchange calls it. Times are ms; amounts Decimal with their digits."""

    order_id: int
    client_order_id: str
    internal_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    order_type: BinanceOrderType
    original_type: BinanceOrderType
    time_in_force: BinanceTimeInForce
    qty: Decimal
    price: Decimal
    reduce_only: bool
    time_ms: int
    update_ms: int
    stop_price: Decimal = ZERO
    working_type: BinanceWorkingType = BinanceWorkingType.CONTRACT_PRICE
    close_position: bool = False
    status: BinanceOrderStatus = BinanceOrderStatus.NEW
    filled: Decimal = ZERO
    quote: Decimal = ZERO
    rest: Decimal = ZERO
    """Of the quantity, what the exchange did not get yet: see ``partial_fills``."""
    filled_before: Decimal = ZERO
    """Filled before the order was changed last."""

    @property
    def average(self) -> Decimal:
        """Average price of what is filled."""
        return (self.quote / self.filled).quantize(Decimal("0.00001")) if self.filled else Decimal("0.00")

    def reply(self) -> OrderReply:
        """As REST tells it."""
        return OrderReply(
            order_id=self.order_id,
            symbol=self.symbol,
            status=self.status,
            client_order_id=self.client_order_id,
            price=self.price,
            average_price=self.average,
            qty=self.qty,
            filled_qty=self.filled,
            cumulative_qty=self.filled,
            cumulative_quote=self.quote,
            time_in_force=self.time_in_force,
            order_type=self.order_type,
            reduce_only=self.reduce_only,
            close_position=self.close_position,
            side=self.side,
            position_side=self.position_side,
            stop_price=self.stop_price,
            working_type=self.working_type,
            price_protect=False,
            original_type=self.original_type,
            price_match=NONE,
            self_trade_prevention=STP,
            good_till_ms=0,
            time_ms=self.time_ms,
            update_time_ms=self.update_ms,
        )

    def update(
        self,
        execution: Execution,
        now_ms: int,
        *,
        fill: StoredFill | None = None,
        status: BinanceOrderStatus | None = None,
    ) -> OrderTradeUpdate:
        """As the user stream tells what happened to it."""
        return OrderTradeUpdate(
            event_time_ms=now_ms,
            transaction_time_ms=self.update_ms,
            order=OrderUpdate(
                symbol=self.symbol,
                client_order_id=self.client_order_id,
                side=self.side,
                order_type=self.order_type,
                time_in_force=self.time_in_force,
                qty=self.qty,
                price=self.price,
                average_price=self.average,
                stop_price=self.stop_price,
                execution=execution,
                status=status or self.status,
                order_id=self.order_id,
                filled_qty=self.filled,
                trade_time_ms=self.update_ms,
                bids_notional=ZERO,
                asks_notional=ZERO,
                reduce_only=self.reduce_only,
                working_type=self.working_type,
                original_type=self.original_type,
                position_side=self.position_side,
                close_position=self.close_position,
                price_protect=False,
                self_trade_prevention=STP,
                price_match=NONE,
                good_till_ms=0,
                **_of_fill(fill),
            ),
        )


def _of_fill(fill: StoredFill | None) -> dict[str, Any]:
    """What an order's update says of the fill that it tells of."""
    return {
        "last_filled_qty": fill.qty if fill else ZERO,
        "last_filled_price": fill.price if fill else ZERO,
        "commission_asset": fill.commission_asset if fill else MARGIN_ASSET,
        "commission": fill.commission if fill else ZERO,
        "trade_id": fill.trade_id if fill else 0,
        "is_maker": fill.maker if fill else False,
        "realized_profit": fill.realized if fill else ZERO,
    }


@dataclass(frozen=True, slots=True)
class StoredFill:
    """A fill of an order."""

    trade_id: int
    order: StoredOrder
    price: Decimal
    qty: Decimal
    quote: Decimal
    commission: Decimal
    realized: Decimal
    maker: bool
    time_ms: int
    commission_asset: str = MARGIN_ASSET

    def reply(self) -> UserTrade:
        """As ``userTrades`` tells it."""
        return UserTrade(
            trade_id=self.trade_id,
            order_id=self.order.order_id,
            symbol=self.order.symbol,
            side=self.order.side,
            position_side=self.order.position_side,
            price=self.price,
            qty=self.qty,
            quote_qty=self.quote,
            realized_pnl=self.realized,
            commission=self.commission,
            commission_asset=self.commission_asset,
            buyer=self.order.side is Side.BUY,
            maker=self.maker,
            time_ms=self.time_ms,
        )


@dataclass(slots=True)
class AlgoOrder:
    """A conditional order. ``order``: the normal order born at its trigger."""

    algo_id: int
    client_algo_id: str
    internal_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    order_type: BinanceOrderType
    time_in_force: BinanceTimeInForce
    qty: Decimal
    trigger_price: Decimal
    price: Decimal
    working_type: BinanceWorkingType
    reduce_only: bool
    close_position: bool
    time_ms: int
    update_ms: int
    callback_rate: Decimal | None = None
    activation_price: Decimal | None = None
    status: AlgoStatus = AlgoStatus.NEW
    trigger_ms: int = 0
    order: StoredOrder | None = None

    def reply(self) -> AlgoOrderReply:
        """As REST tells it."""
        return AlgoOrderReply(
            algo_id=self.algo_id,
            client_algo_id=self.client_algo_id,
            algo_type="CONDITIONAL",
            order_type=self.order_type,
            symbol=self.symbol,
            side=self.side,
            position_side=self.position_side,
            time_in_force=self.time_in_force,
            qty=self.qty,
            status=self.status,
            order_id=str(self.order.order_id) if self.order else "",
            average_price=self.order.average if self.order else ZERO,
            trigger_price=self.trigger_price,
            price=self.price,
            iceberg_qty=None,
            self_trade_prevention=STP,
            working_type=self.working_type,
            price_match=NONE,
            close_position=self.close_position,
            price_protect=False,
            reduce_only=self.reduce_only,
            activation_price=self.activation_price,
            callback_rate=self.callback_rate,
            create_time_ms=self.time_ms,
            update_time_ms=self.update_ms,
            trigger_time_ms=self.trigger_ms,
            good_till_ms=0,
        )

    def update(self, now_ms: int) -> AlgoUpdate:
        """As the user stream tells how it stands."""
        return AlgoUpdate(
            event_time_ms=now_ms,
            transaction_time_ms=self.update_ms,
            order=AlgoOrderUpdate(
                client_algo_id=self.client_algo_id,
                algo_id=self.algo_id,
                algo_type="CONDITIONAL",
                order_type=self.order_type,
                symbol=self.symbol,
                side=self.side,
                position_side=self.position_side,
                time_in_force=self.time_in_force,
                qty=self.qty,
                status=self.status,
                order_id=str(self.order.order_id) if self.order else "",
                average_price=self.order.average if self.order else None,
                filled_qty=self.order.filled if self.order else None,
                actual_type=self.order.order_type if self.order else None,
                trigger_price=self.trigger_price,
                price=self.price,
                self_trade_prevention=STP,
                working_type=self.working_type,
                price_match=NONE,
                close_position=self.close_position,
                price_protect=False,
                reduce_only=self.reduce_only,
                trigger_time_ms=self.trigger_ms,
                good_till_ms=0,
            ),
        )
