"""What a run at a venue has to show: no order lost, none doubled, and the ledger is what the venue has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from tests.acceptance.venue_run import VenueRun

from tradewire.binance.orders import AlgoStatus
from tradewire.binance.orders import BinanceOrderStatus as BinanceStatus
from tradewire.ports.events import AccountStateChanged, OrderFilled, OrderStatus
from tradewire.venue.account import VenueAccount

S, B = OrderStatus, BinanceStatus
NEVER_SENT = {S.DENIED, S.REJECTED, S.CANCELED, S.INITIALIZED}
"""How an order may stand that the venue never had: refused, withdrawn or waiting for its entry."""
ENDED = {B.FILLED: {S.FILLED}, B.CANCELED: {S.CANCELED}, B.EXPIRED: {S.EXPIRED}, B.EXPIRED_IN_MATCH: {S.EXPIRED}}
OPEN = {S.ACCEPTED, S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.TRIGGERED}


def findings(run: VenueRun) -> list[str]:
    """Everything that is wrong, in words."""
    assert run.venue is not None, "the run was at a venue"
    account = run.venue.venue.account
    return [*_orders(run, account), *_fills(run, account), *_positions(run)]


def _orders(run: VenueRun, account: VenueAccount) -> Iterator[str]:
    normal = Counter(order.client_order_id for order in account.orders.values())
    conditional = Counter(algo.client_algo_id for algo in account.algos.values())
    for client_id in run.approved:
        born = sum(1 for algo in account.algos.values() if algo.client_algo_id == client_id and algo.order is not None)
        if normal[client_id] - born + conditional[client_id] > 1:
            yield f"{client_id} is at the venue {normal[client_id]} and {conditional[client_id]} times"
    known = {client_id: event.status for (_, client_id), event in run.tables.orders.items()}
    for client_id in run.approved.keys() - known.keys():
        yield f"{client_id} was approved and is not in the ledger"
    shown = {order.client_order_id: ENDED.get(order.status, OPEN) for order in account.orders.values()}
    for algo in account.algos.values():
        if algo.order is None:
            shown[algo.client_algo_id] = {AlgoStatus.CANCELED: {S.CANCELED}, AlgoStatus.EXPIRED: {S.EXPIRED}}.get(
                algo.status, OPEN
            )
    for client_id, status in known.items():
        if status not in shown.get(client_id, NEVER_SENT):
            yield f"{client_id} is {status} in the ledger, {shown.get(client_id, 'nowhere')} at the venue"
    for client_id in shown.keys() - known.keys():
        yield f"{client_id} is at the venue and not in the ledger"


def _fills(run: VenueRun, account: VenueAccount) -> Iterator[str]:
    theirs = Counter(
        (str(fill.trade_id), fill.order.client_order_id, fill.qty, fill.price, fill.commission)
        for fill in account.fills
    )
    ours = Counter(
        (fill.venue_trade_id, fill.client_order_id, fill.qty, fill.price, fill.fee)
        for fill in run.tables.fills.values()
    )
    said = Counter(
        (fill.venue_trade_id, fill.client_order_id, fill.qty, fill.price, fill.fee)
        for fill in {
            (event.account_id, event.sequence): event for event in run.events if isinstance(event, OrderFilled)
        }.values()
    )
    for name, found in (("the ledger", ours), ("the bus", said)):
        yield from (f"{name} lacks the fill {fill}" for fill in (theirs - found).elements())
        yield from (f"{name} has the fill {fill}, which the venue has not" for fill in (found - theirs).elements())


def _said(fill: OrderFilled) -> tuple[object, ...]:
    return fill.venue_trade_id, fill.client_order_id, fill.qty, fill.price, fill.fee


def _positions(run: VenueRun) -> Iterator[str]:
    """The last state that was told against the venue's positions; the run has one account and one symbol."""
    assert run.venue is not None, "the run was at a venue"
    states = [event for event in run.events if isinstance(event, AccountStateChanged)]
    told = {position.symbol: position.qty for position in states[-1].positions}
    wallet = states[-1].wallet_balance
    books = run.venue.venue.books
    shown = {
        position.spec.symbol.split(":")[0]: Decimal(position.qty_e8).scaleb(-8)
        for position in books.exchange.account.positions.values()
        if position.qty_e8
    }
    if told != shown:
        yield f"positions: told {told}, the venue has {shown}"
    if wallet != Decimal(books.exchange.account.wallet_e8).scaleb(-8):
        yield f"wallet: told {wallet}, the venue has {books.exchange.account.wallet_e8} e-8"
