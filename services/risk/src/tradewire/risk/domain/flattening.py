"""What closes an account while the kill switch says FLATTEN: every state that is not flat asks for it again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tradewire.ports.events import (
    AccountStateChanged,
    OpenOrder,
    OrderIntent,
    OrderLeg,
    RiskAssessed,
    RiskDecision,
    Side,
    StrategyPosition,
)
from tradewire.ports.message import Emit, Envelope, Work
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.in_flight import InFlightOrder, ShareKey
from tradewire.trading.assessment.assess import flatten_order

_CLOSING = (OrderLeg.EXIT.value, OrderLeg.FLATTEN.value)


def shares(account: RiskAccount, state: AccountStateChanged) -> list[ShareKey]:
    """Whatever may hold a position or get one: shares, open orders, orders in the air. In canonical order."""
    held = {ShareKey.of(position) for position in state.strategy_positions if position.qty}
    ordered = {ShareKey(order.strategy_id, order.venue, order.symbol) for order in state.open_orders}
    return sorted(held | ordered | account.in_flight.keys())


def close_share(account: RiskAccount, state: AccountStateChanged, key: ShareKey, cause: Envelope) -> Iterator[Emit]:
    """Withdraw a share's orders and sell or buy back what is left of it, outside the steps (step_size 0).

    Nothing goes out for what is being closed already: by an exit, or by an earlier demand that no state shows yet.
    ``cause``: the message that demanded it.
    """
    mine = [order for order in state.open_orders if ShareKey(order.strategy_id, order.venue, order.symbol) == key]
    in_flight = list(account.in_flight.of(key))
    cancels = {order.client_order_id for order in mine if order.leg not in _CLOSING}
    cancels |= {order.client_order_id for order in in_flight if order.leg is OrderLeg.ENTRY}
    waits = any(order.leg is OrderLeg.FLATTEN for order in in_flight)
    left = Decimal(0) if waits else _left(state, key, mine, in_flight)
    if not left and (waits or not cancels):
        return
    number = account.in_flight.demand(key)
    intents: tuple[OrderIntent, ...] = ()
    if left:
        share = StrategyPosition(strategy_id=key.strategy_id, venue=key.venue, symbol=key.symbol, qty=left)
        intents = (flatten_order(share, f"{cause.event_id}/{number}" if number else cause.event_id),)
        account.closing(InFlightOrder.of(*key, intents[0], None), state.event_time_us)
    # The order's id tells the demand, the message's id also the state it saw: said again after a crash, on another
    # state, it is another message about the same order, and execution places that once.
    ordinal = f"{state.account_id}:{key.strategy_id}:{key.symbol}:{number}:{state.event_time_us}"
    assessed = _assessed(state, key, cause, intents, tuple(sorted(cancels)))
    yield Emit(assessed, cause, ordinal, work=Work("risk.assess", {"tradewire.risk.decision": "flatten"}, kept=True))


def _left(state: AccountStateChanged, key: ShareKey, mine: list[OpenOrder], in_flight: list[InFlightOrder]) -> Decimal:
    """A share less what working and sent orders close of it, base."""
    held = sum((p.qty for p in state.strategy_positions if ShareKey.of(p) == key), Decimal(0))
    shown = {order.client_order_id for order in mine}
    for order in mine:
        if order.leg in _CLOSING:
            held += order.remaining if order.side is Side.BUY else -order.remaining
    return held + sum(
        (f.qty for f in in_flight if f.leg is OrderLeg.EXIT and f.client_order_id not in shown), Decimal(0)
    )


def _assessed(
    state: AccountStateChanged,
    key: ShareKey,
    cause: Envelope,
    intents: tuple[OrderIntent, ...],
    cancels: tuple[str, ...],
) -> RiskAssessed:
    return RiskAssessed(
        account_id=state.account_id,
        strategy_id=key.strategy_id,
        config_version=0,
        venue=key.venue,
        symbol=key.symbol,
        event_time_us=state.event_time_us,
        evaluation_id=cause.event_id,
        decision=RiskDecision.APPROVED,
        intents=intents,
        cancels=cancels,
        rules=(),
        equity=state.equity,
        account_time_us=state.event_time_us,
        step_index=0,
        step_size=0,
    )
