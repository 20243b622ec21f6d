"""An execution desk by itself: deliver events to it, look at what they lead to."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tradewire.execution.adapters.paper_venue import PaperVenue
from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.events import AccountStateChanged, OrderChanged, OrderFilled, OrderStatus
from tradewire.ports.message import Emit, Event
from tradewire.testkit.builders import BTC, ETH, envelope, instrument
from tradewire.testkit.strategies import active, document, status
from tradewire.trading.exchange import FillModel
from tradewire.trading.wire import e8

BALANCE = Decimal(10_000)
FEE = Decimal("0.001")


def desk_with(*symbols: str) -> ExecutionDesk:
    """A desk that writes every account, with the strategy ``trend`` on ``symbols``."""
    desk = ExecutionDesk(PaperVenue(balance_e8=lambda _: e8(BALANCE), leverage=5, fill_model=FillModel()))
    desk.partition_of = lambda _: 0
    desk.own([0], {})
    known: list[Event] = [instrument(symbol, taker_fee=FEE) for symbol in (BTC, ETH)]
    for event in [*known, status(active(document("trend", "alpha", *(symbols or (BTC,)))))]:
        say(desk, event)
    return desk


def say(desk: ExecutionDesk, event: Event, offset: int = 0) -> list[Event]:
    """Deliver one event; returns what it leads to. What it asks to read again is left to the test."""
    handlers: dict[str, Any] = {
        "InstrumentChanged": desk.on_instrument,
        "StrategyStatusChanged": desk.on_status,
        "CandleClosed": desk.on_candle,
        "RiskAssessed": desk.on_assessment,
        "ControlChanged": desk.on_control,
    }
    emits: Iterable[Emit] = handlers[type(event).__name__](event, envelope(event, offset))
    found = [emit.event for emit in emits]
    desk.positions.open({}, {partition: {} for partition in desk.positions.rewinds})
    return found


def told(desk: ExecutionDesk, *events: Event) -> list[Event]:
    """Deliver several; returns all that they lead to."""
    return [answer for event in events for answer in say(desk, event)]


def states(events: Iterable[Event]) -> list[AccountStateChanged]:
    """Account states among them."""
    return [event for event in events if isinstance(event, AccountStateChanged)]


def fills(events: Iterable[Event]) -> list[OrderFilled]:
    """Fills among them."""
    return [event for event in events if isinstance(event, OrderFilled)]


def life(events: Iterable[Event], client_order_id: str) -> list[OrderStatus]:
    """An order's transitions."""
    return [e.status for e in events if isinstance(e, OrderChanged) and e.client_order_id == client_order_id]
