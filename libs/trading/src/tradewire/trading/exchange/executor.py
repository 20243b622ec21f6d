"""What happens to the account when an order acts: fills, cancels, expiries, brackets, liquidations.

`path_walk` decides *when* something acts and at which price; here are the consequences, in a fixed order.
After a fill: the order's own end, its OCO group, its protective children, resting reduce-only limits, the
insurance fund.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tradewire.trading.exchange.account import Account, Position
from tradewire.trading.exchange.admission import check_fill
from tradewire.trading.exchange.events import (
    CancelReason,
    Event,
    ExpireReason,
    Fill,
    InsuranceCovered,
    Liquidated,
    OrderActivated,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderPartiallyFilled,
    OrderReduced,
    OrderTriggered,
)
from tradewire.trading.exchange.fill_model import FillModel
from tradewire.trading.exchange.fixed_point import SCALE, floor_to, mul_div_ceil, mul_div_floor
from tradewire.trading.exchange.order_registry import OrderRegistry
from tradewire.trading.exchange.orders import Liquidity, Order, OrderAction, OrderStatus, OrderType, Side

UNBOUNDED = -1
"""Volume budget without a bound."""


@dataclass(slots=True)
class Executor:
    """One account's venue side; ``events`` collects what happened since the caller last took it."""

    account_id: str
    account: Account
    fill_model: FillModel
    registry: OrderRegistry
    events: list[Event] = field(default_factory=list)
    now_us: int = 0
    trades: int = 0
    budgets: dict[str, int] = field(default_factory=dict)

    def available(self, order: Order) -> int:
        """Quantity of the order that this bar's remaining volume budget lets fill."""
        budget_e8 = self.budgets.get(order.request.symbol, UNBOUNDED)
        return order.leaves_e8 if budget_e8 == UNBOUNDED else min(order.leaves_e8, budget_e8)

    def trigger(self, order: Order, price_e8: int) -> None:
        """Turn a conditional order into a market order."""
        order.change(OrderAction.TRIGGER)
        request = order.request
        self.events.append(OrderTriggered(self.now_us, request.symbol, request.client_order_id, price_e8))
        if request.close_position:
            position = self.account.positions[request.symbol]
            order.qty_e8 = max(0, -position.qty_e8 * request.side.sign)

    def execute(self, order: Order, price_e8: int, liquidity: Liquidity) -> None:
        """Fill as much as volume, position (reduce-only) and margin allow at a final price, or expire the
        order.
        """
        request = order.request
        position = self.account.positions[request.symbol]
        if request.only_reduces and not self._cut_to_position(order, position):
            return
        qty_e8 = self.available(order)
        if qty_e8 <= 0:
            return
        refusal = check_fill(self.account, position, request.side.sign * qty_e8, price_e8)
        if refusal is not None:
            self.expire(order, refusal)
            return
        self._cancel_rest_of_entry(order)
        self._fill(order, position, qty_e8, price_e8, liquidity)

    def _cut_to_position(self, order: Order, position: Position) -> bool:
        """Cut a reduce-only order to what is there to reduce; expire it and return False when nothing is."""
        request = order.request
        reducible_e8 = -position.qty_e8 * request.side.sign
        if reducible_e8 <= 0:
            self.expire(order, ExpireReason.REDUCE_ONLY_NO_POSITION)
            return False
        if order.leaves_e8 > reducible_e8:
            order.qty_e8 = order.filled_e8 + reducible_e8
            self.events.append(OrderReduced(self.now_us, request.symbol, request.client_order_id, order.qty_e8))
        return True

    def _cancel_rest_of_entry(self, order: Order) -> None:
        """An exit that fills ends its entry, or the entry's later fills would be left without protection."""
        entry = self.registry.open.get(order.request.activate_on)
        if entry is not None:
            self.cancel(entry, CancelReason.EXIT_FILLED)

    def _fill(self, order: Order, position: Position, qty_e8: int, price_e8: int, liquidity: Liquidity) -> None:
        request, spec = order.request, position.spec
        rate_e8 = spec.maker_fee_e8 if liquidity is Liquidity.MAKER else spec.taker_fee_e8
        result = self.account.apply_fill(position, request.side.sign * qty_e8, price_e8, rate_e8)
        if request.symbol in self.budgets:
            self.budgets[request.symbol] -= qty_e8
        order.filled_e8 += qty_e8
        fill = Fill(
            trade_id=self._next_trade_id(),
            client_order_id=request.client_order_id,
            venue_order_id=order.venue_order_id,
            symbol=request.symbol,
            side=request.side,
            qty_e8=qty_e8,
            price_e8=price_e8,
            notional_e8=result.notional_e8,
            fee_e8=result.fee_e8,
            liquidity=liquidity,
            realized_pnl_e8=result.realized_e8,
            position_after_e8=position.qty_e8,
            time_us=self.now_us,
            shown_e8=position.last_e8,
            strategy_id=request.strategy_id,
        )
        if order.leaves_e8 == 0:
            order.change(OrderAction.FILL_ALL)
            self.events.append(OrderFilled(fill))
            self.registry.close(order)
        else:
            order.change(OrderAction.FILL_PART)
            self.events.append(OrderPartiallyFilled(fill, order.leaves_e8))
        self._after_fill(order, position)

    def _after_fill(self, order: Order, position: Position) -> None:
        if order.status is OrderStatus.FILLED and order.request.oco_group:
            for other in self.registry.group(order.request.oco_group):
                if not other.status.is_closed:
                    self.cancel(other, CancelReason.OCO_FILLED)
        self.settle_children(order)
        self._expire_idle_reduce_only(position)
        self.cover_deficit(position)

    def _next_trade_id(self) -> str:
        self.trades += 1
        return f"{self.account_id}-t{self.trades}"

    def settle_children(self, entry: Order) -> None:
        """Let protective orders follow their entry: work for their share of its fills, or end with it
        unfilled.
        """
        for child in self.registry.children_of(entry.request.client_order_id):
            if not child.status.is_closed:
                self.follow_entry(child, entry.qty_e8, entry.filled_e8, entry.status.is_closed)

    def follow_entry(self, child: Order, entry_qty_e8: int, filled_e8: int, entry_closed: bool) -> None:
        """Give one protective order its share of what the entry has filled so far."""
        request = child.request
        spec = self.account.positions[request.symbol].spec
        share_e8 = 0
        if filled_e8:
            share_e8 = floor_to(mul_div_floor(request.qty_e8, filled_e8, entry_qty_e8), spec.step_e8)
        works = share_e8 > 0 or (request.close_position and filled_e8 > 0)
        if not works:
            if entry_closed:
                self.expire(child, ExpireReason.PARENT_CLOSED)
            return
        unchanged = request.close_position or share_e8 == child.qty_e8
        if unchanged and child.status is not OrderStatus.INACTIVE:
            return
        if not request.close_position:
            child.qty_e8 = share_e8
        if child.status is OrderStatus.INACTIVE:
            child.change(OrderAction.ACTIVATE)
        self.events.append(OrderActivated(self.now_us, request.symbol, request.client_order_id, share_e8))

    def _expire_idle_reduce_only(self, position: Position) -> None:
        """A resting reduce-only limit ends with the position; conditional ones wait for their trigger, as at
        Binance.
        """
        if position.qty_e8:
            return
        for order in tuple(self.registry.of_symbol(position.spec.symbol)):
            rests = order.request.type is OrderType.LIMIT and order.arrived
            if rests and order.request.reduce_only and not order.status.is_closed:
                self.expire(order, ExpireReason.REDUCE_ONLY_NO_POSITION)

    def cancel(self, order: Order, reason: CancelReason) -> None:
        """End an open order on request or because of another one."""
        order.change(OrderAction.CANCEL)
        request = order.request
        self.events.append(OrderCanceled(self.now_us, request.symbol, request.client_order_id, reason, order.filled_e8))
        self.registry.close(order)
        self.settle_children(order)

    def expire(self, order: Order, reason: ExpireReason) -> None:
        """End an open order by the venue's own rules."""
        order.change(OrderAction.EXPIRE)
        request = order.request
        self.events.append(OrderExpired(self.now_us, request.symbol, request.client_order_id, reason, order.filled_e8))
        self.registry.close(order)
        self.settle_children(order)

    def liquidate_due(self) -> None:
        """Liquidate what is due at the present marks, in canonical order."""
        with self.account.carrying_sums():
            for position in self.account.positions.values():
                if position.qty_e8 and self.account.is_underwater(position):
                    self.liquidate(position)

    def liquidate(self, position: Position) -> None:
        """Close a position found due: itself if isolated, else cross positions by falling maintenance margin
        until safe.
        """
        if not position.is_cross:
            self._close_out(position)
            return
        due = True
        while due and (held := self.account.cross_positions()):
            self._close_out(max(held, key=lambda candidate: candidate.maintenance_e8))
            due = self.account.is_underwater(position)

    def _close_out(self, position: Position) -> None:
        """Cancel the symbol's orders and close the whole position at the mark, for a fee of at most what is
        left.
        """
        account, spec = self.account, position.spec
        balance_e8, maintenance_e8 = account.margin_balance_e8(position), account.maintenance_e8(position)
        for order in tuple(self.registry.of_symbol(spec.symbol)):
            if not order.status.is_closed:
                self.cancel(order, CancelReason.LIQUIDATION)
        signed_e8, margin_e8 = -position.qty_e8, position.margin_e8
        result = account.apply_fill(position, signed_e8, position.mark_e8, 0)
        fee_e8 = mul_div_ceil(result.notional_e8, spec.liquidation_fee_e8, SCALE)
        fee_e8 = min(fee_e8, max(0, balance_e8))
        account.charge_fee(fee_e8)
        fill = Fill(
            trade_id=self._next_trade_id(),
            client_order_id=f"autoclose-{self.account_id}-{self.trades}",
            venue_order_id=f"{self.account_id}-l{self.trades}",
            symbol=spec.symbol,
            side=Side.BUY if signed_e8 > 0 else Side.SELL,
            qty_e8=abs(signed_e8),
            price_e8=position.mark_e8,
            notional_e8=result.notional_e8,
            fee_e8=fee_e8,
            liquidity=Liquidity.TAKER,
            realized_pnl_e8=result.realized_e8,
            position_after_e8=0,
            time_us=self.now_us,
            shown_e8=position.mark_e8,
        )
        self.events.append(Liquidated(fill, balance_e8, maintenance_e8))
        if not position.is_cross:
            self._cover(position, -(margin_e8 + result.realized_e8 - fee_e8))
        self.cover_deficit(position)

    def cover_deficit(self, position: Position) -> None:
        """With no cross position left, a negative cross wallet is the insurance fund's loss."""
        if self.account.cross_wallet_e8 < 0 and not self.account.cross_positions():
            self._cover(position, -self.account.cross_wallet_e8)

    def _cover(self, position: Position, loss_e8: int) -> None:
        if loss_e8 > 0:
            self.account.apply_insurance(loss_e8)
            self.events.append(InsuranceCovered(self.now_us, position.spec.symbol, loss_e8))
