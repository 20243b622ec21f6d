"""What venue, ledger and bus say of one run, held against one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from tradewire.binance.orders import AlgoStatus, told_apart
from tradewire.binance.orders import BinanceOrderStatus as BinanceStatus
from tradewire.ports.events import AccountStateChanged, CandleClosed, OrderFilled, OrderStatus, RiskAssessed
from tradewire.testkit.checker import LedgerRows, Said
from tradewire.venue.account import VenueAccount
from tradewire.venue.records import StoredOrder
from tradewire.venue.venue import Venue

SYMBOL, INTERVAL = "BTCUSDT", "5m"
S, B = OrderStatus, BinanceStatus
ENDED = {B.FILLED: {S.FILLED}, B.CANCELED: {S.CANCELED}, B.EXPIRED: {S.EXPIRED}, B.EXPIRED_IN_MATCH: {S.EXPIRED}}
ALGO_ENDED = {AlgoStatus.CANCELED: {S.CANCELED}, AlgoStatus.EXPIRED: {S.EXPIRED}, AlgoStatus.REJECTED: {S.REJECTED}}
OPEN = {S.ACCEPTED, S.PARTIALLY_FILLED, S.TRIGGERED}
NEVER_SENT = {S.DENIED, S.REJECTED, S.CANCELED, S.INITIALIZED}
"""How an order may stand that the venue never had: refused, withdrawn or waiting for its entry."""


def findings(venue: Venue, said: list[Said], ledger: LedgerRows) -> Iterator[str]:
    """Everything on which venue, ledger and bus differ, in words."""
    yield from _orders(venue.account, said, ledger)
    yield from _fills(venue.account, said, ledger)
    yield from _state(venue.account, said)
    yield from _candles(venue, said)


def _orders(account: VenueAccount, said: list[Said], ledger: LedgerRows) -> Iterator[str]:
    assessed = [one.event for one in said if isinstance(one.event, RiskAssessed)]
    approved = {intent.client_order_id for event in assessed for intent in event.intents}
    known = {client_id: OrderStatus(status) for (_, client_id), (status, *_) in ledger.orders.items()}
    placed = Counter(algo.client_algo_id for algo in account.algos.values())
    born = {algo.client_algo_id for algo in account.algos.values() if algo.order is not None}
    placed.update(_name(order) for order in account.orders.values() if order.client_order_id not in born)
    yield from (f"lost: {client_id} was approved and is not in the ledger" for client_id in approved - known.keys())
    yield from (
        f"lost: {client_id} is at the venue and not in the ledger" for client_id in placed.keys() - known.keys()
    )
    yield from (
        f"doubled: {name} is at the venue {n} times" for name, n in placed.items() if n > 1 and name in approved
    )
    shown = {algo.client_algo_id: ALGO_ENDED.get(algo.status, OPEN) for algo in account.algos.values()}
    shown |= {_name(order): ENDED.get(order.status, OPEN) for order in account.orders.values()}
    for client_id, status in known.items():
        if status not in shown.get(client_id, NEVER_SENT):
            yield f"status: {client_id} is {status} in the ledger, {shown.get(client_id, 'nowhere')} at the venue"


def _name(order: StoredOrder) -> str:
    """What our records call an order of the venue."""
    return told_apart(order.client_order_id, order.order_id)


def _fills(account: VenueAccount, said: list[Said], ledger: LedgerRows) -> Iterator[str]:
    theirs = {str(fill.trade_id): (_name(fill.order), fill.qty, fill.price) for fill in account.fills}
    ours = {trade_id: row for (_, trade_id), row in ledger.fills.items()}
    told = {one.event.venue_trade_id: one.event for one in said if isinstance(one.event, OrderFilled)}
    for name, found in (
        ("the ledger", ours),
        ("the bus", {key: (fill.client_order_id, fill.qty, fill.price) for key, fill in told.items()}),
    ):
        yield from (
            f"fill {key} of the venue: {name} has {found.get(key)}" for key in theirs if found.get(key) != theirs[key]
        )
        yield from (f"fill {key} of {name} is not the venue's" for key in found.keys() - theirs.keys())


def _state(account: VenueAccount, said: list[Said]) -> Iterator[str]:
    """The newest state that was said, against the venue's positions and wallet."""
    states = [one.event for one in said if isinstance(one.event, AccountStateChanged)]
    newest = max(states, key=lambda state: state.sequence)
    book = account.books.exchange.account
    shown = {
        name.split(":")[0]: Decimal(position.qty_e8).scaleb(-8)
        for name, position in book.positions.items()
        if position.qty_e8
    }
    told = {position.symbol: position.qty for position in newest.positions}
    if told != shown:
        yield f"positions: said {told}, the venue has {shown}"
    if newest.wallet_balance != Decimal(book.wallet_e8).scaleb(-8):
        yield f"wallet: said {newest.wallet_balance}, the venue has {Decimal(book.wallet_e8).scaleb(-8)}"


def _candles(venue: Venue, said: list[Said]) -> Iterator[str]:
    """Each candle of the venue once and with its numbers, from the first that was published to the last."""
    told = [one.event for one in said if isinstance(one.event, CandleClosed)]
    counts = Counter(candle.open_time_us for candle in told)
    yield from (f"candle {open_us} was published {count} times" for open_us, count in counts.items() if count > 1)
    first_us, last_us = min(counts), max(counts)
    rows = venue.markets[SYMBOL].klines(
        INTERVAL, first_us // 1000, last_us // 1000, len(counts) * 2, venue.books.time_us
    )
    shown = {row[0] * 1000: [Decimal(number) for number in row[1:6]] for row in rows}
    yield from (f"candle {open_us} of the venue was not published" for open_us in shown.keys() - counts.keys())
    yield from (f"candle {open_us} is not the venue's" for open_us in counts.keys() - shown.keys())
    for candle in told:
        numbers = [candle.open, candle.high, candle.low, candle.close, candle.volume]
        if numbers != shown.get(candle.open_time_us, numbers):
            yield f"candle {candle.open_time_us}: published {numbers}, the venue has {shown[candle.open_time_us]}"
