"""The simulated exchange behind the port that venues have: orders go the way that they go to a real one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from tradewire.execution.domain.broker_accounts import broker_account
from tradewire.execution.domain.execution_port import Bars
from tradewire.execution.routed_execution import SimulatedMarket
from tradewire.ports.broker import (
    ALREADY_THERE,
    Accepted,
    BrokerAccount,
    BrokerPort,
    FillPage,
    NotFound,
    Rejected,
    Unknown,
    VenueFill,
    VenueOrder,
)
from tradewire.ports.errors import FatalError
from tradewire.ports.events import Liquidity, OrderIntent, OrderStatus, Side
from tradewire.trading import exchange as sim
from tradewire.trading.exchange import Fill, InstrumentSpec, MarginMode, SimulatedExchange, from_e8
from tradewire.trading.wire import order_of

ENDED_MAX: Final = 1_000
"""Ended orders that queries still show."""
FILLS_MAX: Final = 10_000
"""Fills that a cursor may lie behind."""
PAGE_MAX: Final = 500
"""Fills in one answer."""


class SimulatedBroker(BrokerPort, SimulatedMarket):
    """One account at a simulated exchange. ``happen`` lets bars happen: nothing else moves its market or its clock."""

    def __init__(
        self, exchange: SimulatedExchange, *, leverage: int = 1, margin_mode: MarginMode = MarginMode.CROSS
    ) -> None:
        self._exchange, self._leverage, self._margin_mode = exchange, leverage, margin_mode
        self._time_us = 0
        self._open: dict[str, VenueOrder] = {}
        self._ended: dict[str, VenueOrder] = {}
        self._fills: deque[VenueFill] = deque(maxlen=FILLS_MAX)
        self._fill_count = 0

    def list_instrument(self, spec: InstrumentSpec) -> None:
        self._exchange.list_instrument(spec, leverage=self._leverage, margin_mode=self._margin_mode)

    def happen(self, time_us: int, bars: Bars) -> None:
        if time_us <= self._time_us:
            return
        self._time_us = time_us
        moved = {symbol: item.bar for symbol, item in bars.items()}
        marks = {symbol: item.mark for symbol, item in bars.items() if item.mark is not None}
        rates = {symbol: item.funding_e8 for symbol, item in bars.items() if item.funding_e8}
        self._take(self._exchange.step(time_us, moved, marks, rates))

    async def submit(
        self, symbol: str, intent: OrderIntent, asked_us: int | None = None
    ) -> Accepted | Rejected | Unknown:
        order = order_of(intent, symbol, "")
        events = self._exchange.submit(order, self._time_us)
        first = events[0]
        if isinstance(first, sim.OrderRejected):
            if first.reason is sim.RejectReason.DUPLICATE_CLIENT_ORDER_ID:
                return Unknown(ALREADY_THERE)
            return Rejected(first.reason.value, first.detail)
        assert isinstance(first, sim.OrderAccepted), f"{first} is no answer to an order"
        self._ended.pop(intent.client_order_id, None)
        self._open[intent.client_order_id] = VenueOrder(
            client_order_id=intent.client_order_id,
            venue_order_id=first.venue_order_id,
            symbol=symbol,
            side=intent.side,
            order_type=intent.order_type.value,
            qty=intent.qty,
            filled_qty=from_e8(0),
            status=OrderStatus.ACCEPTED,
            updated_us=first.time_us,
        )
        self._take(events[1:])
        return Accepted(first.venue_order_id, first.time_us)

    async def cancel(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound | Unknown:
        if client_order_id not in self._open:
            return NotFound()
        self._take(self._exchange.cancel(client_order_id, self._time_us))
        return await self.query(symbol, client_order_id)

    async def query(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound:
        return self._open.get(client_order_id) or self._ended.get(client_order_id) or NotFound()

    async def open_orders(self) -> Sequence[VenueOrder]:
        return tuple(self._open.values())

    async def fills_since(self, cursor: str) -> FillPage:
        start = int(cursor or 0)
        first = self._fill_count - len(self._fills)
        if not first <= start <= self._fill_count:
            raise FatalError(f"cursor {start} is outside the fills kept, {first} to {self._fill_count}")
        page = tuple(self._fills)[start - first : start - first + PAGE_MAX]
        return FillPage(page, str(start + len(page)) if page else cursor)

    async def account(self) -> BrokerAccount:
        return broker_account(self._exchange.account_state())

    async def time(self) -> int:
        return self._time_us

    def _take(self, events: Iterable[sim.Event]) -> None:
        for event in events:
            match event:
                case sim.OrderTriggered():
                    self._change(event.client_order_id, event.time_us, status=OrderStatus.TRIGGERED)
                case sim.OrderActivated() | sim.OrderReduced():
                    order = self._open[event.client_order_id]
                    self._open[event.client_order_id] = replace(order, qty=from_e8(event.qty_e8))
                case sim.OrderPartiallyFilled():
                    self._book(event.fill, OrderStatus.PARTIALLY_FILLED)
                case sim.OrderFilled():
                    self._book(event.fill, OrderStatus.FILLED)
                case sim.OrderCanceled():
                    self._change(event.client_order_id, event.time_us, OrderStatus.CANCELED, event.reason.value)
                case sim.OrderExpired():
                    self._change(event.client_order_id, event.time_us, OrderStatus.EXPIRED, event.reason.value)
                case sim.Liquidated():
                    self._liquidated(event.fill)
                case _:
                    pass  # funding and insurance move the wallet, not an order; a pending cancel ends as an event

    def _change(self, client_id: str, time_us: int, status: OrderStatus, reason: str | None = None) -> None:
        order = replace(self._open[client_id], status=status, updated_us=time_us, reason=reason)
        if status in (OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED):
            self._open[client_id] = order
            return
        self._open.pop(client_id, None)
        self._ended[client_id] = order
        if len(self._ended) > ENDED_MAX:
            del self._ended[next(iter(self._ended))]

    def _book(self, fill: Fill, status: OrderStatus) -> None:
        order = self._open[fill.client_order_id]
        self._open[fill.client_order_id] = replace(order, filled_qty=order.filled_qty + from_e8(fill.qty_e8))
        self._change(fill.client_order_id, fill.time_us, status)
        self._append(fill)

    def _liquidated(self, fill: Fill) -> None:
        """The venue's own order, made and filled at once."""
        self._open[fill.client_order_id] = VenueOrder(
            client_order_id=fill.client_order_id,
            venue_order_id=fill.venue_order_id,
            symbol=fill.symbol,
            side=Side(fill.side.value),
            order_type="LIQUIDATION",
            qty=from_e8(fill.qty_e8),
            filled_qty=from_e8(0),
            status=OrderStatus.ACCEPTED,
            updated_us=fill.time_us,
        )
        self._book(fill, OrderStatus.FILLED)

    def _append(self, fill: Fill) -> None:
        self._fill_count += 1
        self._fills.append(
            VenueFill(
                venue_trade_id=fill.trade_id,
                client_order_id=fill.client_order_id,
                venue_order_id=fill.venue_order_id,
                symbol=fill.symbol,
                side=Side(fill.side.value),
                qty=from_e8(fill.qty_e8),
                price=from_e8(fill.price_e8),
                fee=from_e8(fill.fee_e8),
                liquidity=Liquidity(fill.liquidity.value),
                realized_pnl=from_e8(fill.realized_pnl_e8),
                time_us=fill.time_us,
            )
        )
