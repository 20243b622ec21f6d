"""Random trading sessions as plain data, so that a test can replay one twice, cut it, or change it in one way."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from tradewire.trading.exchange import (
    Bar,
    Event,
    FillModel,
    InstrumentSpec,
    MarginMode,
    MarkBar,
    NewOrder,
    OrderType,
    Side,
    SimulatedExchange,
    TimeInForce,
    WorkingType,
    brackets,
)

from .exchange_builders import BTC, ETH, HOUR_US, assert_books_balance, e8, spec

TICK = e8("0.01")
MIRROR = e8(200)
TIERS = brackets(
    [(0, e8(500), e8("0.01"), 20), (e8(500), e8(2000), e8("0.02"), 20), (e8(2000), e8(10**9), e8("0.05"), 20)]
)


@dataclass(frozen=True)
class Hour:
    """Orders and cancels sent at one close, then the bars, marks and funding of the next hour."""

    orders: tuple[NewOrder, ...]
    cancels: tuple[str, ...]
    bars: Mapping[str, Bar]
    marks: Mapping[str, MarkBar] = field(default_factory=dict)
    funding: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Session:
    """Everything that makes one run."""

    hours: tuple[Hour, ...]
    balance_e8: int
    specs: tuple[InstrumentSpec, ...]
    fill_model: FillModel
    leverages: Mapping[str, int]
    margin_modes: Mapping[str, MarginMode]

    def open(self) -> SimulatedExchange:
        """A new exchange for the session."""
        return SimulatedExchange(
            "acc",
            self.balance_e8,
            self.specs,
            fill_model=self.fill_model,
            leverages=self.leverages,
            margin_modes=self.margin_modes,
        )


def play_hour(exchange: SimulatedExchange, hour: Hour) -> list[Event]:
    """Send one hour's calls, checking the books after each."""
    first = next(iter(hour.bars.values()))
    events: list[Event] = []
    for request in hour.orders:
        events += exchange.submit(request, first.open_time_us)
        assert_books_balance(exchange)
    for client_order_id in hour.cancels:
        events += exchange.cancel(client_order_id, first.open_time_us)
    events += exchange.step(first.close_time_us, hour.bars, hour.marks, hour.funding)
    assert_books_balance(exchange)
    return events


def play(session: Session) -> tuple[SimulatedExchange, list[Event]]:
    """Run a whole session."""
    exchange = session.open()
    return exchange, [event for hour in session.hours for event in play_hour(exchange, hour)]


def map_hours(session: Session, change: Callable[[Hour], Hour], **others: Any) -> Session:
    """The session with every hour changed in one way."""
    return replace(session, hours=tuple(change(hour) for hour in session.hours), **others)


class _Market:
    """Draws bars that never open where they close, within 50..150, on the tick."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.last = {BTC: e8(100), ETH: e8(100)}

    def bar(self, symbol: str, number: int, swing: int) -> Bar:
        """One hour around the last price; gaps happen."""
        low, high = 5_000, 15_000
        centre = self.last[symbol] // TICK
        points = [min(high, max(low, centre + self.dice.randint(-swing, swing))) for _ in range(3)]
        open_ = self.last[symbol] // TICK if self.dice.random() < 0.7 else points[0]
        close = points[1] if points[1] != open_ else open_ + (1 if open_ < high else -1)
        top, bottom = max(open_, close, points[2]), min(open_, close, points[2])
        self.last[symbol] = close * TICK
        return Bar(
            number * HOUR_US,
            (number + 1) * HOUR_US,
            open_ * TICK,
            top * TICK,
            bottom * TICK,
            close * TICK,
            e8(self.dice.randint(0, 40)),
        )


def _order(dice: random.Random, client_order_id: str, symbol: str, last: int, earlier: list[str]) -> NewOrder:
    kind = dice.choice(list(OrderType))
    side = dice.choice((Side.BUY, Side.SELL))
    rises = (side is Side.BUY) == (kind is OrderType.STOP_MARKET)
    offset = dice.randint(-40, 300) * (1 if rises else -1)
    level = max(5_000, min(15_000, last // TICK + offset)) * TICK
    stops = kind in (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)
    closes = stops and dice.random() < 0.2
    trails = kind is OrderType.TRAILING_STOP_MARKET
    distance = dice.randint(1, 300) * TICK
    by_rate = trails and dice.random() < 0.5
    return NewOrder(
        client_order_id=client_order_id,
        symbol=symbol,
        side=side,
        type=kind,
        qty_e8=0 if closes else e8(dice.randint(1, 8)) // 2,
        price_e8=level if kind is OrderType.LIMIT else 0,
        stop_price_e8=level if stops else 0,
        callback_distance_e8=distance if trails and not by_rate else 0,
        callback_rate_e8=e8("0.02") if by_rate else 0,
        time_in_force=dice.choice(list(TimeInForce)) if kind is OrderType.LIMIT else TimeInForce.GTC,
        reduce_only=not closes and dice.random() < 0.2,
        close_position=closes,
        working_type=dice.choice(list(WorkingType)),
        oco_group=dice.choice(("", "", symbol)),
        activate_on=dice.choice(earlier) if earlier and dice.random() < 0.3 else "",
        strategy_id=dice.choice(("s1", "s2")),
    )


def _hour(dice: random.Random, market: _Market, number: int, sent: dict[str, list[str]], swing: int) -> Hour:
    orders = []
    for _ in range(dice.randint(0, 3) if number else 0):
        symbol = dice.choice((BTC, ETH))
        earlier = sent[symbol]
        client_order_id = f"o{sum(map(len, sent.values()))}"
        orders.append(_order(dice, client_order_id, symbol, market.last[symbol], earlier[-4:]))
        earlier.append(client_order_id)
    everything = sent[BTC] + sent[ETH]
    cancels = tuple(dice.sample(everything, 1)) if everything and dice.random() < 0.2 else ()
    bars = {symbol: market.bar(symbol, number, swing) for symbol in (BTC, ETH)}
    marks = {}
    for symbol, one in bars.items():
        if dice.random() < 0.3:
            shift = dice.randint(-50, 50) * TICK // 7
            open_, high, low, close = (price + shift for price in (one.open_e8, one.high_e8, one.low_e8, one.close_e8))
            marks[symbol] = MarkBar(open_, high, low, close)
    funding = {symbol: dice.randint(-300_000, 300_000) for symbol in (BTC, ETH) if dice.random() < 0.2}
    return Hour(tuple(orders), cancels, bars, marks, funding)


@st.composite
def sessions(draw: st.DrawFn, *, plain: bool = False) -> Session:
    """Sessions of up to 25 hours on two symbols.

    ``plain``: no fees, latency, marks or funding, a balance that nothing exhausts and prices whose products are
    exact, so that runs related by a symmetry are related to the last unit. Otherwise everything is on, and small
    balances make margin refusals, liquidations and insurance frequent.
    """
    dice = random.Random(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(3, 25))
    market, sent = _Market(dice), {BTC: [], ETH: []}  # type: tuple[_Market, dict[str, list[str]]]
    swing = dice.choice((100, 400, 1500))
    hours = tuple(_hour(dice, market, number, sent, swing) for number in range(length))
    share = dice.choice((0, e8("0.1"), e8("0.5")))
    through = dice.choice((0, 1))
    if plain:
        quiet = tuple(replace(hour, marks={}, funding={}) for hour in hours)
        fill_model = FillModel(slippage_ticks=dice.choice((0, 3)), volume_share_e8=share, through_ticks=through)
        listed = tuple(spec(symbol, min_notional_e8=1, brackets=TIERS) for symbol in (BTC, ETH))
        return Session(quiet, e8(1_000_000), listed, fill_model, {}, {})
    listed = tuple(
        spec(symbol, maker_fee_e8=20_001, taker_fee_e8=40_003, liquidation_fee_e8=1_000_007, brackets=TIERS)
        for symbol in (ETH, BTC)
    )
    fill_model = FillModel(
        slippage_rate_e8=dice.choice((0, 12_345)),
        slippage_ticks=dice.choice((0, 2)),
        volume_share_e8=share,
        latency_us=dice.choice((0, HOUR_US // 7, HOUR_US)),
        through_ticks=through,
    )
    modes = {symbol: dice.choice(list(MarginMode)) for symbol in (BTC, ETH)}
    leverages = {symbol: dice.choice((1, 5, 20)) for symbol in (BTC, ETH)}
    return Session(hours, e8(dice.choice((20, 150, 5000))), listed, fill_model, leverages, modes)
