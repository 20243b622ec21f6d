"""Builders with valid defaults; every number is a decimal string or int here and e8 inside."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeVar

from tradewire.trading.exchange import (
    SCALE,
    Bar,
    Event,
    Fill,
    FillModel,
    InstrumentSpec,
    Liquidated,
    MarkBar,
    NewOrder,
    OrderFilled,
    OrderPartiallyFilled,
    OrderType,
    Side,
    SimulatedExchange,
    brackets,
)

BTC = "BTCUSDT"
ETH = "ETHUSDT"
HOUR_US = 3_600_000_000

EventType = TypeVar("EventType")


def e8(value: str | int) -> int:
    """Exact e8 integer of a decimal string."""
    scaled = Decimal(value) * SCALE
    assert scaled == int(scaled)
    return int(scaled)


def spec(symbol: str = BTC, **changes: Any) -> InstrumentSpec:
    """Instrument with tick 0.01, step 0.001, no fees, 0.4 % maintenance to 50k and 0.5 % to 10M."""
    tiers = brackets(
        [
            (0, e8(50_000), e8("0.004"), 125),
            (e8(50_000), e8(10_000_000), e8("0.005"), 100),
        ]
    )
    values: dict[str, Any] = {
        "venue": "sim",
        "symbol": symbol,
        "tick_e8": e8("0.01"),
        "step_e8": e8("0.001"),
        "min_qty_e8": e8("0.001"),
        "max_qty_e8": e8(1000),
        "min_notional_e8": e8(5),
        "maker_fee_e8": 0,
        "taker_fee_e8": 0,
        "brackets": tiers,
    }
    return InstrumentSpec(**(values | changes))


def bar(number: int, open_: str | int, high: str | int, low: str | int, close: str | int, volume: str | int = 0) -> Bar:
    """Hourly bar ``number``: opens at number * 1 h, closes an hour later."""
    return Bar(number * HOUR_US, (number + 1) * HOUR_US, e8(open_), e8(high), e8(low), e8(close), e8(volume))


def mark_bar(open_: str | int, high: str | int, low: str | int, close: str | int) -> MarkBar:
    """Mark bar from decimals."""
    return MarkBar(e8(open_), e8(high), e8(low), e8(close))


def order(client_order_id: str, side: Side = Side.BUY, qty: str | int = 1, **fields: Any) -> NewOrder:
    """Market order for 1 BTC unless told otherwise; ``price``, ``stop`` and ``callback`` are decimals."""
    values: dict[str, Any] = {
        "client_order_id": client_order_id,
        "symbol": BTC,
        "side": side,
        "type": OrderType.MARKET,
        "qty_e8": e8(qty),
    }
    for name, target in (("price", "price_e8"), ("stop", "stop_price_e8"), ("callback", "callback_distance_e8")):
        if name in fields:
            values[target] = e8(fields.pop(name))
    if "price_e8" in values:
        values["type"] = OrderType.LIMIT
    elif "callback_distance_e8" in values or "callback_rate_e8" in fields:
        values["type"] = OrderType.TRAILING_STOP_MARKET
    elif "stop_price_e8" in values:
        values["type"] = OrderType.STOP_MARKET
    return NewOrder(**(values | fields))


class Desk:
    """An exchange with a bar counter; keeps every event and asserts the account's identities after each call."""

    def __init__(
        self,
        balance: str | int = 100_000,
        *specs: InstrumentSpec,
        fill_model: FillModel | None = None,
        last: str | int = 100,
        **settings: Any,
    ) -> None:
        instruments = specs or (spec(),)
        self.exchange = SimulatedExchange("acc", e8(balance), instruments, fill_model=fill_model, **settings)
        self.events: list[Event] = []
        self.number = 0
        for instrument in instruments:
            self.step(bar(0, last, last, last, last), symbol=instrument.symbol)
        self.number = 1

    @property
    def now_us(self) -> int:
        """Close of the last bar."""
        return self.number * HOUR_US if self.number else HOUR_US

    def keep(self, events: list[Event]) -> list[Event]:
        """Record events and check the books."""
        self.events += events
        assert_books_balance(self.exchange)
        return events

    def submit(self, *requests: NewOrder) -> list[Event]:
        """Submit at the close of the last bar."""
        return [event for request in requests for event in self.keep(self.exchange.submit(request, self.now_us))]

    def cancel(self, client_order_id: str) -> list[Event]:
        """Cancel at the close of the last bar."""
        return self.keep(self.exchange.cancel(client_order_id, self.now_us))

    def step(self, one: Bar, *, symbol: str = BTC, mark: Any = None, funding: int | None = None) -> list[Event]:
        """Step one symbol's bar."""
        marks = {} if mark is None else {symbol: mark}
        rates = {} if funding is None else {symbol: funding}
        events = self.keep(self.exchange.step(one.close_time_us, {symbol: one}, marks, rates))
        self.number = one.close_time_us // HOUR_US
        return events

    def next(
        self,
        open_: str | int,
        high: str | int,
        low: str | int,
        close: str | int,
        volume: str | int = 0,
        **others: Any,
    ) -> list[Event]:
        """Step the next hourly bar."""
        return self.step(bar(self.number, open_, high, low, close, volume), **others)

    def hold(self, side: Side = Side.BUY, qty: str | int = 1, at: str | int = 100) -> None:
        """Open a position at a flat bar's price."""
        self.submit(order(f"hold-{self.number}", side, qty))
        self.next(at, at, at, at)

    def position(self, symbol: str = BTC) -> int:
        """Signed position in e8."""
        held = {item.symbol: item.qty_e8 for item in self.exchange.account_state().positions}
        return held.get(symbol, 0)


def assert_books_balance(exchange: SimulatedExchange) -> None:
    """Wallet and equity identities, to the unit; a negative wallet only under open positions."""
    state = exchange.account_state()
    booked = state.initial_balance_e8 + state.realized_pnl_e8 - state.fees_e8
    assert state.wallet_e8 == booked + state.funding_e8 + state.insurance_e8
    assert state.equity_e8 == state.wallet_e8 + state.unrealized_pnl_e8
    assert state.wallet_e8 >= 0 or state.positions
    assert all(item.qty_e8 >= item.filled_e8 >= 0 for item in state.open_orders)


def fills(events: Iterable[Event]) -> list[Fill]:
    """The fills that the events carry, in order."""
    carriers = (OrderFilled, OrderPartiallyFilled, Liquidated)
    return [event.fill for event in events if isinstance(event, carriers)]


def prices(events: Iterable[Event]) -> list[str]:
    """Prices of the fills as short decimals."""
    return [f"{Decimal(fill.price_e8) / SCALE:f}" for fill in fills(events)]


def of_type(events: Iterable[Event], kind: type[EventType]) -> list[EventType]:
    """The events of one type, in order."""
    return [event for event in events if isinstance(event, kind)]


def names(events: Iterable[Event]) -> list[str]:
    """Type names of the events, in order."""
    return [type(event).__name__ for event in events]
