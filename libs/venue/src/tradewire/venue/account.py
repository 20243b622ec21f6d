"""The account: its orders of both kinds, fills and income, and what the user stream is told of them.

`VenueBooks` matches; here each of its events becomes the state of an order, a message of the user stream,
a row of income.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tradewire.binance.orders import (
    AlgoStatus,
    BinanceOrderStatus,
    BinanceOrderType,
    BinanceTimeInForce,
    Execution,
    PositionSide,
)
from tradewire.binance.replies import Income
from tradewire.binance.user_stream import TradeLite
from tradewire.binance.wire import Wire
from tradewire.trading.exchange import (
    Event,
    Fill,
    FundingPaid,
    InsuranceCovered,
    Liquidated,
    Liquidity,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderPartiallyFilled,
    OrderReduced,
    OrderTriggered,
    from_e8,
)
from tradewire.venue.amounts import ZERO, at_step, money
from tradewire.venue.balances import account_update
from tradewire.venue.books import VenueBooks, book_of
from tradewire.venue.fee_burn import FeeBurn
from tradewire.venue.listing import MARGIN_ASSET, Listing
from tradewire.venue.records import AlgoOrder, StoredFill, StoredOrder

REMEMBERED_MAX: Final = 10_000
"""Orders, conditional orders, fills and rows of income kept, of each."""


@dataclass(slots=True)
class Ids:
    """The venue's own numbers, each used once."""

    order: int = 1_000_000_000
    algo: int = 2_000_000_000
    trade: int = 100_000_000
    transaction: int = 500_000_000

    def next(self, kind: str) -> int:
        """The next number of a kind."""
        number: int = getattr(self, kind) + 1
        setattr(self, kind, number)
        return number


@dataclass(slots=True)
class VenueAccount:
    """One account. ``tell`` takes messages of the user stream; ``now_ms`` is the venue's time."""

    books: VenueBooks
    listings: dict[str, Listing]
    now_ms: Callable[[], int]
    tell: Callable[[Wire], None]
    hedged: bool = False
    fee_burn: FeeBurn = field(default_factory=FeeBurn)
    ids: Ids = field(default_factory=Ids)
    orders: dict[int, StoredOrder] = field(default_factory=dict)
    algos: dict[int, AlgoOrder] = field(default_factory=dict)
    fills: list[StoredFill] = field(default_factory=list)
    income: list[Income] = field(default_factory=list)
    by_internal: dict[str, StoredOrder] = field(default_factory=dict)
    algo_by_internal: dict[str, AlgoOrder] = field(default_factory=dict)

    def add(self, order: StoredOrder) -> None:
        """A new order that the exchange has taken."""
        self.orders[order.order_id] = self.by_internal[order.internal_id] = order
        _forget_oldest(self.orders)

    def add_algo(self, algo: AlgoOrder) -> None:
        """A new conditional order that the exchange has taken."""
        self.algos[algo.algo_id] = self.algo_by_internal[algo.internal_id] = algo
        _forget_oldest(self.algos)
        self.tell(algo.update(self.now_ms()))

    def take(self, events: Iterable[Event]) -> None:
        """Let what happened at the exchange become state and messages."""
        for event in events:
            match event:
                case OrderFilled(fill):
                    self._filled(fill, last=True)
                case OrderPartiallyFilled(fill, _):
                    self._filled(fill, last=False)
                case OrderCanceled(_, _, internal_id):
                    self._ended(internal_id, BinanceOrderStatus.CANCELED, Execution.CANCELED, AlgoStatus.CANCELED)
                case OrderExpired(_, _, internal_id):
                    self._ended(internal_id, BinanceOrderStatus.EXPIRED, Execution.EXPIRED, AlgoStatus.EXPIRED)
                case OrderTriggered(time_us, _, internal_id):
                    self._triggered(internal_id, time_us // 1000)
                case OrderReduced(_, _, internal_id, qty_e8) if internal_id in self.by_internal:
                    order = self.by_internal[internal_id]
                    step = self.listings[order.symbol].filters.step_size
                    order.qty, order.rest = order.filled_before + at_step(qty_e8, step), ZERO
                case Liquidated(fill):
                    self._liquidated(fill)
                case FundingPaid() | InsuranceCovered():
                    self._paid(event)
                case _:
                    pass

    # ---- fills ----

    def _filled(self, fill: Fill, *, last: bool) -> None:
        order = self.by_internal[fill.client_order_id]
        qty = at_step(fill.qty_e8, self.listings[order.symbol].filters.step_size)
        order.filled += qty
        order.quote += money(fill.notional_e8)
        if last:
            del self.by_internal[fill.client_order_id]
        last = last and not order.rest
        order.status = BinanceOrderStatus.FILLED if last else BinanceOrderStatus.PARTIALLY_FILLED
        if last:
            order.qty = order.filled  # what closes a position has no quantity of its own
        self._book_fill(order, fill, qty, Execution.TRADE)
        self._finish_algo(fill.client_order_id, ended=last)

    def _liquidated(self, fill: Fill) -> None:
        """The exchange closed a position with an order of its own."""
        symbol, side = book_of(fill.symbol)
        step = self.listings[symbol].filters.step_size
        order_id, now_ms = self.ids.next("order"), fill.time_us // 1000
        order = StoredOrder(
            order_id,
            f"autoclose-{now_ms}{order_id}",
            fill.client_order_id,
            symbol,
            fill.side,
            side,
            BinanceOrderType.LIMIT,
            BinanceOrderType.LIMIT,
            BinanceTimeInForce.IOC,
            at_step(fill.qty_e8, step),
            self._price(symbol, fill.price_e8),
            reduce_only=False,
            time_ms=now_ms,
            update_ms=now_ms,
        )
        order.filled, order.quote, order.status = order.qty, money(fill.notional_e8), BinanceOrderStatus.FILLED
        self.orders[order_id] = order
        self._book_fill(order, fill, order.qty, Execution.CALCULATED)

    def _book_fill(self, order: StoredOrder, fill: Fill, qty: Decimal, execution: Execution) -> None:
        order.update_ms = fill.time_us // 1000
        commission, asset = self.fee_burn.paid(self.books.exchange.account, fill.fee_e8)
        booked = StoredFill(
            self.ids.next("trade"),
            order,
            self._price(order.symbol, fill.price_e8),
            qty,
            money(fill.notional_e8),
            commission,
            money(fill.realized_pnl_e8),
            maker=fill.liquidity is Liquidity.MAKER,
            time_ms=order.update_ms,
            commission_asset=asset,
        )
        self.fills.append(booked)
        del self.fills[:-REMEMBERED_MAX]
        trade = str(booked.trade_id)
        self._earn(order.symbol, "COMMISSION", -commission, order.update_ms, trade, asset)
        if booked.realized:
            self._earn(order.symbol, "REALIZED_PNL", booked.realized, order.update_ms, trade)
        self.tell(self._trade_lite(booked))
        self.tell(account_update(self.books, "ORDER", self.now_ms(), order.update_ms, fill.symbol))
        self.tell(order.update(execution, self.now_ms(), fill=booked))

    def _trade_lite(self, fill: StoredFill) -> TradeLite:
        return TradeLite(
            event_time_ms=self.now_ms(),
            transaction_time_ms=fill.time_ms,
            symbol=fill.order.symbol,
            qty=fill.order.qty,
            price=fill.order.price,
            is_maker=fill.maker,
            client_order_id=fill.order.client_order_id,
            side=fill.order.side,
            last_filled_price=fill.price,
            last_filled_qty=fill.qty,
            trade_id=fill.trade_id,
            order_id=fill.order.order_id,
        )

    # ---- endings and triggers ----

    def _ended(
        self, internal_id: str, status: BinanceOrderStatus, execution: Execution, algo_status: AlgoStatus
    ) -> None:
        order = self.by_internal.pop(internal_id, None)
        if order is not None:
            order.status, order.update_ms = status, self.now_ms()
            self.tell(order.update(execution, self.now_ms()))
            self._finish_algo(internal_id, ended=True)
            return
        algo = self.algo_by_internal.pop(internal_id, None)
        if algo is not None:
            self._set_algo(algo, algo_status)

    def _triggered(self, internal_id: str, time_ms: int) -> None:
        """A conditional order becomes a normal one, under the same client id."""
        algo = self.algo_by_internal[internal_id]
        algo.trigger_ms = time_ms
        self._set_algo(algo, AlgoStatus.TRIGGERING)
        self.born(algo, internal_id, BinanceOrderType.MARKET)

    def born(self, algo: AlgoOrder, internal_id: str, order_type: BinanceOrderType) -> StoredOrder:
        """The normal order of a conditional one whose trigger was reached."""
        now_ms = self.now_ms()
        order = algo.order = StoredOrder(
            self.ids.next("order"),
            algo.client_algo_id,
            internal_id,
            algo.symbol,
            algo.side,
            algo.position_side,
            order_type,
            algo.order_type,
            algo.time_in_force,
            algo.qty,
            algo.price,
            algo.reduce_only,
            now_ms,
            now_ms,
            stop_price=algo.trigger_price,
            working_type=algo.working_type,
            close_position=algo.close_position,
        )
        self.add(order)
        self._set_algo(algo, AlgoStatus.TRIGGERED)
        self.tell(order.update(Execution.NEW, now_ms))
        return order

    def _finish_algo(self, internal_id: str, *, ended: bool) -> None:
        algo = self.algo_by_internal.get(internal_id)
        if algo is not None and ended:
            del self.algo_by_internal[internal_id]
            self._set_algo(algo, AlgoStatus.FINISHED)

    def _set_algo(self, algo: AlgoOrder, status: AlgoStatus) -> None:
        algo.status, algo.update_ms = status, self.now_ms()
        self.tell(algo.update(self.now_ms()))

    # ---- income ----

    def _paid(self, event: FundingPaid | InsuranceCovered) -> None:
        time_ms = event.time_us // 1000
        is_funding = isinstance(event, FundingPaid)
        kind = "FUNDING_FEE" if is_funding else "INSURANCE_CLEAR"
        self._earn(book_of(event.symbol)[0], kind, from_e8(event.amount_e8), time_ms)
        self.tell(account_update(self.books, kind, self.now_ms(), time_ms, event.symbol))

    def _earn(
        self, symbol: str, kind: str, amount: Decimal, time_ms: int, trade_id: str = "", asset: str = MARGIN_ASSET
    ) -> None:
        row = Income(
            symbol=symbol,
            income_type=kind,
            income=amount,
            asset=asset,
            info=kind,
            time_ms=time_ms,
            transaction_id=self.ids.next("transaction"),
            trade_id=trade_id,
        )
        self.income.append(row)
        del self.income[:-REMEMBERED_MAX]

    def _price(self, symbol: str, price_e8: int) -> Decimal:
        return at_step(price_e8, self.listings[symbol].filters.tick_size)

    def opposite(self, side: PositionSide) -> bool:
        """Whether a position side does not fit the account's mode."""
        return (side is PositionSide.BOTH) == self.hedged


def _forget_oldest(records: dict[int, StoredOrder] | dict[int, AlgoOrder]) -> None:
    """Keep the number of records within its bound; open ones stay, for they are never that many."""
    if len(records) > REMEMBERED_MAX:
        del records[next(iter(records))]
