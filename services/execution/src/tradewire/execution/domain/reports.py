"""From what the exchange says happened to the messages that say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from tradewire.execution.domain.account import ExecutionAccount, OrderRecord
from tradewire.execution.domain.arrivals import Feed, PendingAssessment
from tradewire.execution.domain.order_records import record_of
from tradewire.execution.domain.order_work import filling, submission
from tradewire.ports.events import (
    AbsentBar,
    AccountStateChanged,
    Liquidity,
    OpenOrder,
    OrderChanged,
    OrderFilled,
    OrderStatus,
    Position,
    Side,
    StrategyPosition,
)
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.trading import exchange as venue
from tradewire.trading.exchange import Fill, from_e8
from tradewire.trading.language import interval_name

_ENDINGS = {
    venue.OrderRejected: OrderStatus.REJECTED,
    venue.OrderCanceled: OrderStatus.CANCELED,
    venue.OrderExpired: OrderStatus.EXPIRED,
}


def order_changed(
    account: ExecutionAccount,
    client_id: str,
    order: OrderRecord,
    status: OrderStatus,
    time_us: int,
    reason: str | None = None,
) -> Emit:
    """One transition of an order's life cycle."""
    sequence = account.next_sequence()
    event = OrderChanged(
        account_id=account.account_id,
        client_order_id=client_id,
        strategy_id=order.strategy_id,
        venue=order.venue,
        symbol=order.symbol,
        event_time_us=time_us,
        sequence=sequence,
        status=status,
        side=Side(order.side),
        order_type=order.order_type,
        leg=order.leg,
        qty=from_e8(order.qty_e8),
        filled_qty=from_e8(order.filled_e8),
        price=_price(order.price_e8),
        stop_price=_price(order.stop_price_e8),
        reason=reason,
        venue_order_id=order.venue_order_id or None,
        evaluation_id=order.evaluation_id or None,
    )
    work = None
    if status is OrderStatus.SUBMITTED:
        work = submission(client_id, order.strategy_id)
    return Emit(event, order.cause(), f"{client_id}:{sequence}", work=work)


def denied(account: ExecutionAccount, assessed: PendingAssessment) -> Iterator[Emit]:
    """Orders that are not placed, for their account has gone past the close at which they were decided."""
    event, envelope = assessed
    now_us = max(account.time_us, event.event_time_us)
    for intent in event.intents:
        if not account.execution.knows(intent.client_order_id):
            record = record_of(event, intent, envelope, now_us)
            why = (
                f"decided at the close of {event.event_time_us} us, at which nobody was known to decide: the account "
                f"is at {account.time_us} us"
            )
            yield order_changed(account, intent.client_order_id, record, OrderStatus.DENIED, now_us, why)


def report(account: ExecutionAccount, events: Iterable[venue.Event], cause: Envelope) -> Iterator[Emit]:
    """Messages for what the exchange did, in its order; keeps the orders' records and the strategies' shares.

    ``cause`` stands behind what no order of ours asked for: a liquidation.
    """
    for event in events:
        match event:
            case venue.OrderAccepted():
                order = account.orders[event.client_order_id]
                order.venue_order_id = event.venue_order_id
                yield order_changed(account, event.client_order_id, order, OrderStatus.ACCEPTED, event.time_us)
            case venue.OrderTriggered():
                order = account.orders[event.client_order_id]
                yield order_changed(account, event.client_order_id, order, OrderStatus.TRIGGERED, event.time_us)
            case venue.OrderActivated() | venue.OrderReduced():
                account.orders[event.client_order_id].working_e8 = event.qty_e8
            case venue.OrderRejected() | venue.OrderCanceled() | venue.OrderExpired():
                order = account.orders.pop(event.client_order_id)
                status = _ENDINGS[type(event)]
                yield order_changed(account, event.client_order_id, order, status, event.time_us, str(event.reason))
            case venue.OrderPartiallyFilled() | venue.OrderFilled():
                yield from _filled(account, event.fill, complete=isinstance(event, venue.OrderFilled))
            case venue.Liquidated():
                yield from _liquidated(account, event.fill, cause)
            case _:
                pass  # funding and insurance show in the account state; a refused cancel changes nothing


def _filled(account: ExecutionAccount, fill: Fill, *, complete: bool) -> Iterator[Emit]:
    order = account.orders[fill.client_order_id]
    order.filled_e8 += fill.qty_e8
    key = (order.strategy_id, order.symbol)
    account.shares_e8[key] = account.shares_e8.get(key, 0) + fill.side.sign * fill.qty_e8
    if not account.shares_e8[key]:
        del account.shares_e8[key]
    status = OrderStatus.FILLED if complete else OrderStatus.PARTIALLY_FILLED
    yield _fill_emit(account, fill, order)
    yield order_changed(account, fill.client_order_id, order, status, fill.time_us)
    if complete:
        del account.orders[fill.client_order_id]


def _liquidated(account: ExecutionAccount, fill: Fill, cause: Envelope) -> Iterator[Emit]:
    """The venue's own order closed the symbol: every strategy's share of it is gone."""
    for key in [key for key in account.shares_e8 if key[1] == fill.symbol]:
        del account.shares_e8[key]
    order = OrderRecord(
        strategy_id="",
        venue="",
        symbol=fill.symbol,
        side=fill.side.value,
        order_type="LIQUIDATION",
        leg="LIQUIDATION",
        qty_e8=fill.qty_e8,
        price_e8=0,
        stop_price_e8=0,
        reduce_only=True,
        evaluation_id="",
        placed_us=fill.time_us,
        event_id=cause.event_id,
        correlation_id=cause.correlation_id,
        traceparent=cause.child_context,
        filled_e8=fill.qty_e8,
    )
    yield _fill_emit(account, fill, order)
    yield order_changed(account, fill.client_order_id, order, OrderStatus.FILLED, fill.time_us, "LIQUIDATION")


def _fill_emit(account: ExecutionAccount, fill: Fill, order: OrderRecord) -> Emit:
    account.book_result(order.strategy_id, realized_e8=fill.realized_pnl_e8, fee_e8=fill.fee_e8)
    event = OrderFilled(
        account_id=account.account_id,
        client_order_id=fill.client_order_id,
        strategy_id=order.strategy_id,
        venue=order.venue,
        symbol=fill.symbol,
        event_time_us=fill.time_us,
        sequence=account.next_sequence(),
        venue_trade_id=fill.trade_id,
        side=Side(fill.side.value),
        qty=from_e8(fill.qty_e8),
        price=from_e8(fill.price_e8),
        fee=from_e8(fill.fee_e8),
        liquidity=Liquidity(fill.liquidity.value),
        realized_pnl=from_e8(fill.realized_pnl_e8),
        position_after=from_e8(fill.position_after_e8),
        leg=order.leg,
        evaluation_id=order.evaluation_id or None,
    )
    work = filling(fill.client_order_id, order.strategy_id, after_us=fill.time_us - order.placed_us)
    return Emit(event, order.cause(), f"fill:{fill.trade_id}", work=work)


def account_changed(account: ExecutionAccount, cause: Envelope, absent: Iterable[Feed], *, last: bool) -> Emit:
    """The account as of its time; ``absent``: feeds whose bar was due then and did not come."""
    state, venues = account.execution.state(), account.venues
    event: Event = AccountStateChanged(
        account_id=account.account_id,
        event_time_us=account.time_us,
        sequence=account.next_sequence(),
        wallet_balance=state.wallet_balance,
        unrealized_pnl=state.unrealized_pnl,
        equity=state.equity,
        initial_margin=state.initial_margin,
        maintenance_margin=state.maintenance_margin,
        realized_pnl=state.realized_pnl,
        fees_paid=state.fees_paid,
        funding_paid=state.funding_paid,
        positions=tuple(
            Position(
                venue=venues.get(position.symbol, ""),
                symbol=position.symbol,
                qty=position.qty,
                entry_price=position.entry_price,
                mark_price=position.mark_price,
                unrealized_pnl=position.unrealized_pnl,
                liquidation_price=position.liquidation_price,
            )
            for position in state.positions
        ),
        strategy_positions=tuple(
            StrategyPosition(strategy_id=strategy, venue=venues.get(symbol, ""), symbol=symbol, qty=from_e8(qty))
            for (strategy, symbol), qty in sorted(account.shares_e8.items())
        ),
        open_orders=tuple(_open_order(client_id, order) for client_id, order in account.orders.items()),
        last_of_stream=last,
        absent=tuple(
            AbsentBar(venue=venue, symbol=symbol, interval=interval_name(length_us))
            for venue, symbol, length_us in sorted(absent)
        ),
    )
    return Emit(event, cause, f"{account.account_id}:{account.time_us}:{account.sequence}")


def _open_order(client_id: str, order: OrderRecord) -> OpenOrder:
    return OpenOrder(
        client_order_id=client_id,
        strategy_id=order.strategy_id,
        venue=order.venue,
        symbol=order.symbol,
        side=Side(order.side),
        order_type=order.order_type,
        leg=order.leg,
        remaining=from_e8(order.working_e8 - order.filled_e8),
        price=_price(order.price_e8 or order.stop_price_e8),
        reduce_only=order.reduce_only,
        reference_price=_price(order.reference_e8),
    )


def _price(value_e8: int) -> Decimal | None:
    return from_e8(value_e8) if value_e8 else None
