"""The execution desk: the market happens to an account in event time, and each order once."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    OrderChanged,
    OrderFilled,
    OrderLeg,
    OrderStatus,
    OrderType,
    RiskAssessed,
    Side,
)
from tradewire.ports.message import Emit, Event
from tradewire.testkit.builders import BTC, ETH, HOUR_US, assessment, candle, envelope, instrument, intent
from tradewire.testkit.strategies import active, document, status
from tradewire.trading.exchange import FillModel
from tradewire.trading.fingerprint import Fingerprint
from tradewire.trading.wire import e8

BALANCE = Decimal(10_000)
FEE = Decimal("0.001")
STOP = {"leg": OrderLeg.STOP_LOSS, "order_type": OrderType.STOP_MARKET, "reduce_only": True}


def desk_with(*symbols: str) -> ExecutionDesk:
    """A desk that writes every account, with the strategy ``trend`` on ``symbols``."""
    desk = ExecutionDesk(balance_e8=lambda _: e8(BALANCE), leverage=5, fill_model=FillModel())
    desk.partition_of = lambda _: 0
    desk.own([0])
    known: list[Event] = [instrument(symbol, taker_fee=FEE) for symbol in (BTC, ETH)]
    for event in [*known, status(active(document("trend", "alpha", *(symbols or (BTC,)))))]:
        say(desk, event)
    return desk


def say(desk: ExecutionDesk, event: Event, offset: int = 0) -> list[Event]:
    """Deliver one event; returns what it leads to."""
    handlers: dict[str, Any] = {
        "InstrumentChanged": desk.on_instrument,
        "StrategyStatusChanged": desk.on_status,
        "CandleClosed": desk.on_candle,
        "RiskAssessed": desk.on_assessment,
    }
    emits: Iterable[Emit] = handlers[type(event).__name__](event, envelope(event, offset))
    return [emit.event for emit in emits]


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


# ---- joining ----


def test_order_when_decided_at_a_close_then_fills_at_the_next_open() -> None:
    desk = desk_with()
    bar = candle(1, 110, open=Decimal(105), low=Decimal(104), high=Decimal(111))
    found = told(desk, candle(0, 100), assessment(0, intent(qty=2)), bar)
    (fill,) = fills(found)
    assert (fill.price, fill.event_time_us, fill.position_after, fill.fee) == (105, HOUR_US, 2, Decimal("0.21"))
    last = states(found)[-1]
    assert (last.equity, last.wallet_balance, last.unrealized_pnl) == (Decimal("10009.79"), Decimal("9999.79"), 10)


def test_bar_when_the_last_step_is_not_assessed_then_waits_for_it() -> None:
    desk = desk_with()
    assert [s.event_time_us for s in states(told(desk, candle(0), candle(1)))] == [HOUR_US]
    assert [s.event_time_us for s in states(say(desk, assessment(0)))] == [2 * HOUR_US]


def test_step_when_it_has_two_assessments_then_waits_for_both() -> None:
    desk = desk_with()
    first, second = (assessment(0, step_index=index, step_size=2) for index in (0, 1))
    told(desk, candle(0), candle(1))
    assert say(desk, second) == []
    assert len(states(say(desk, first))) == 1


def test_bar_when_another_symbol_may_still_come_then_waits_for_it_or_for_what_is_later() -> None:
    desk = desk_with(BTC, ETH)
    assert told(desk, candle(0)) == []
    assert [s.event_time_us for s in states(told(desk, candle(3, symbol=ETH)))] == [HOUR_US]


def test_bar_when_another_symbol_has_ended_then_does_not_wait_for_it() -> None:
    desk = desk_with(BTC, ETH)
    told(desk, candle(0), candle(0, symbol=ETH, last_of_stream=True), assessment(0))
    (state,) = states(say(desk, candle(1, last_of_stream=True)))
    assert (state.event_time_us, state.last_of_stream) == (2 * HOUR_US, True)


def test_candle_when_of_a_symbol_that_nobody_trades_then_nothing_happens() -> None:
    assert told(desk_with(BTC), candle(0, symbol=ETH)) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"low": Decimal(-5)},
        {"high": Decimal(1)},
        {"close_time_us": 400 * HOUR_US},
        {"open_time_us": 2 * HOUR_US + 7, "close_time_us": 3 * HOUR_US + 7},
        {"mark_open": Decimal(100)},
        {"mark_open": Decimal(1), "mark_high": Decimal(2), "mark_low": Decimal(3), "mark_close": Decimal(1)},
    ],
    ids=["negative price", "prices that do not nest", "close far ahead", "off the grid", "half a mark", "crossed mark"],
)
def test_candle_when_it_is_no_bar_then_refused_and_the_account_goes_on(bad: dict[str, Any]) -> None:
    desk = desk_with(BTC)
    told(desk, candle(0), assessment(0), candle(1), assessment(1))

    with pytest.raises(ContractViolationError):
        say(desk, candle(2, **bad))

    assert [state.event_time_us for state in states(told(desk, candle(3)))] == [4 * HOUR_US]


def test_funding_when_settled_then_paid_on_what_is_held_at_the_mark() -> None:
    desk = desk_with(BTC)
    mark = dict.fromkeys(("mark_open", "mark_high", "mark_low", "mark_close"), Decimal(110))

    told(desk, candle(0), assessment(0, intent(qty=2)))
    (state,) = states(told(desk, candle(1, funding_rate=Decimal("0.001"), **mark)))

    assert state.funding_paid == Decimal("0.22")
    assert state.positions[0].mark_price == 110
    assert state.unrealized_pnl == 20


def test_position_when_the_mark_eats_its_margin_then_liquidated_and_every_share_of_it_gone() -> None:
    desk = desk_with(BTC)
    crash = dict.fromkeys(("mark_open", "mark_high", "mark_low", "mark_close"), Decimal(60))

    told(desk, candle(0), assessment(0, intent(qty=400)), candle(1), assessment(1))
    events = told(desk, candle(2, **crash))

    assert [fill.leg for fill in fills(events)] == ["LIQUIDATION"]
    (state,) = states(events)
    assert (state.positions, state.strategy_positions) == ((), ())


def test_status_when_awaited_symbol_is_no_longer_traded_then_goes_on() -> None:
    desk = desk_with(BTC)
    say(desk, status(active(document("other", "alpha", ETH))))
    assert told(desk, candle(0)) == []
    assert len(states(say(desk, status(strategy_id="other")))) == 1


def test_anything_when_delivered_twice_then_happens_once() -> None:
    desk = desk_with()
    events: list[Event] = [candle(0), assessment(0, intent()), candle(1)]
    assert len(fills(told(desk, *events))) == 1
    assert told(desk, *events) == []
    assert dict(desk.held.lowest()) == {}


# ---- orders ----


def test_order_when_filled_then_its_life_is_told_in_sequence() -> None:
    found = told(desk_with(), candle(0), assessment(0, intent()), candle(1))
    assert life(found, "order-1") == [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.FILLED]
    sequences = [
        event.sequence for event in found if isinstance(event, OrderChanged | OrderFilled | AccountStateChanged)
    ]
    assert sequences == list(range(1, len(found) + 1))


def test_order_when_its_id_comes_in_another_assessment_then_not_placed_again() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0, intent()), candle(1))
    assert life(told(desk, assessment(1, intent()), candle(2)), "order-1") == []


def test_order_when_the_venue_refuses_it_then_told_why() -> None:
    found = told(desk_with(), candle(0), assessment(0, intent(qty="0.0005")))
    assert life(found, "order-1") == [OrderStatus.SUBMITTED, OrderStatus.REJECTED]
    assert [e.reason for e in found if isinstance(e, OrderChanged)][-1]


def test_protection_when_its_entry_fills_then_at_work_and_open_until_withdrawn() -> None:
    desk = desk_with()
    stop = intent("stop", Side.SELL, stop_price=Decimal(90), parent_id="order-1", **STOP)
    found = told(desk, candle(0), assessment(0, intent(), stop), candle(1))
    assert [(o.client_order_id, o.remaining, o.price) for o in states(found)[-1].open_orders] == [("stop", 1, 90)]
    found = told(desk, assessment(1, cancels=("stop",)), candle(2))
    assert life(found, "stop") == [OrderStatus.CANCELED]
    assert states(found)[-1].open_orders == ()


def test_shares_when_two_strategies_hold_one_symbol_then_each_has_its_own_part() -> None:
    desk = desk_with()
    say(desk, status(active(document("other", "alpha", BTC))))
    sold = assessment(0, intent("b", Side.SELL, 3), strategy_id="other", step_index=1, step_size=2)
    found = told(desk, candle(0), assessment(0, intent("a", qty=5), step_size=2), sold, candle(1))
    state = states(found)[-1]
    assert [(s.strategy_id, s.qty) for s in state.strategy_positions] == [("other", -3), ("trend", 5)]
    assert [p.qty for p in state.positions] == [2]


def test_flatten_when_it_comes_between_bars_then_placed_at_once() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0, intent(qty=2)), candle(1))
    close = intent("flat", Side.SELL, 2, leg=OrderLeg.FLATTEN)
    assert life(say(desk, assessment(1, close, step_size=0)), "flat") == [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED]
    assert states(told(desk, assessment(1), candle(2)))[-1].positions == ()


def test_journal_when_orders_changed_then_holds_them_once_for_the_ledger() -> None:
    desk = desk_with()
    found = told(desk, candle(0), assessment(0, intent()), candle(1))
    assert desk.journal() == [event for event in found if isinstance(event, OrderChanged | OrderFilled)]
    assert desk.journal() == []


# ---- any order, any crash ----


def market(rng: random.Random, bars: int) -> dict[str, list[CandleClosed]]:
    """Two walks with gaps, each with a beginning and an end of its own."""
    found: dict[str, list[CandleClosed]] = {}
    for symbol in (BTC, ETH):
        price, first, end = Decimal(100), rng.randrange(bars // 4 + 1), bars - rng.randrange(bars // 3 + 1)
        for number in range(first, end):
            if number not in (first, end - 1) and rng.random() < 0.15:
                continue
            open_ = price
            price = max(open_ + Decimal(rng.randrange(-50, 51)) / 10, Decimal(20))
            shape = {"open": open_, "high": max(open_, price) + 1, "low": min(open_, price) - 1}
            last = number == end - 1
            found.setdefault(symbol, []).append(candle(number, price, symbol, last_of_stream=last, **shape))
    return found


def decided(rng: random.Random, feeds: dict[str, list[CandleClosed]]) -> list[RiskAssessed]:
    """One assessment per candle: now and then an entry with a stop, an exit, or a withdrawal."""
    bars = sorted((bar for feed in feeds.values() for bar in feed), key=lambda bar: (bar.close_time_us, bar.symbol))
    times = [bar.close_time_us for bar in bars]
    found: list[RiskAssessed] = []
    for number, bar in enumerate(bars):
        side, size = rng.choice(list(Side)), times.count(bar.close_time_us)
        step = {"step_index": times[:number].count(bar.close_time_us), "step_size": size, "symbol": bar.symbol}
        name = f"{bar.symbol}-{bar.close_time_us}"
        orders = []
        if rng.random() < 0.4:
            orders.append(intent(name, side, rng.choice((1, 2, 5))))
            far = bar.close * (Decimal("0.9") if side is Side.BUY else Decimal("1.1"))
            guard = {**STOP, "stop_price": far.quantize(Decimal("0.1")), "parent_id": name}
            orders.append(intent(f"{name}-stop", Side.SELL if side is Side.BUY else Side.BUY, orders[0].qty, **guard))
        withdrawn = tuple(
            f"{earlier.symbol}-{earlier.close_time_us}-stop" for earlier in bars[:number] if rng.random() < 0.1
        )
        found.append(assessment(0, *orders, cancels=withdrawn, event_time_us=bar.close_time_us, **step))
    return found


def play(rng: random.Random, feeds: dict[str, list[Any]], *, trouble: bool) -> tuple[str, list[Event]]:
    """Deliver three topics in a random interleaving; with ``trouble``, again and after crashes.

    The account's state is in the ledger before anything else happens; what was published stays published.
    """
    desk, saved = desk_with(BTC, ETH), b""
    found: list[Event] = []
    read, crashes = dict.fromkeys(feeds, 0), rng.randrange(1, 5) if trouble else 0
    while waiting := [name for name, feed in feeds.items() if read[name] < len(feed)]:
        name = rng.choice(waiting)
        for _ in range(rng.choice((1, 1, 2)) if trouble else 1):
            found += say(desk, feeds[name][read[name]], read[name])
        read[name] += 1
        saved = next((account.saved() for account in desk.changed()), saved)
        if crashes and rng.random() < 0.1:
            crashes -= 1
            desk, read = desk_with(BTC, ETH), dict.fromkeys(feeds, 0)
            if saved:
                desk.restore("alpha", saved, json.loads(saved)["exchange"])
    prints = Fingerprint()
    for event in found:
        if isinstance(event, OrderFilled | AccountStateChanged):
            prints.add(event)
    assert prints.conflicts == []
    return prints.hexdigest(), found


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), bars=st.integers(2, 25))
def test_desk_when_inputs_come_in_any_order_twice_and_over_crashes_then_same_messages(seed: int, bars: int) -> None:
    rng = random.Random(seed)
    candles = market(rng, bars)
    feeds: dict[str, list[Any]] = {**candles, "assessments": decided(rng, candles)}
    calm = play(rng, feeds, trouble=False)
    assert play(rng, feeds, trouble=True) == calm


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), bars=st.integers(2, 25))
def test_desk_when_a_market_has_happened_then_the_books_balance_to_the_last_unit(seed: int, bars: int) -> None:
    rng = random.Random(seed)
    candles = market(rng, bars)
    _, found = play(rng, {**candles, "assessments": decided(rng, candles)}, trouble=False)
    held: dict[str, Decimal] = {}
    wallet = BALANCE
    for event in found:
        if isinstance(event, OrderFilled):
            assert event.qty > 0
            assert event.price > 0
            signed = event.qty if event.side is Side.BUY else -event.qty
            held[event.symbol] = held.get(event.symbol, Decimal(0)) + signed
            assert held[event.symbol] == event.position_after
            wallet += event.realized_pnl - event.fee
        elif isinstance(event, AccountStateChanged):
            assert {p.symbol: p.qty for p in event.positions} == {s: qty for s, qty in held.items() if qty}
            assert event.wallet_balance == wallet
            assert event.equity == event.wallet_balance + event.unrealized_pnl
            assert event.unrealized_pnl == sum(p.unrealized_pnl for p in event.positions)
            assert all(order.remaining > 0 for order in event.open_orders)
