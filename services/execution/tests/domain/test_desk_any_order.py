"""The execution desk over random markets: any order of arrival, twice and over crashes."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    OrderFilled,
    OrderLeg,
    OrderType,
    RiskAssessed,
    Side,
)
from tradewire.ports.message import Event
from tradewire.testkit.builders import BTC, ETH, assessment, candle, intent
from tradewire.testkit.execution_desk import BALANCE, desk_with, say
from tradewire.trading.fingerprint import Fingerprint

STOP = {"leg": OrderLeg.STOP_LOSS, "order_type": OrderType.STOP_MARKET, "reduce_only": True}


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
            shape: dict[str, Any] = {"open": open_, "high": max(open_, price) + 1, "low": min(open_, price) - 1}
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
        name = f"{bar.symbol}-{bar.close_time_us}"
        step: dict[str, Any] = {"step_index": times[:number].count(bar.close_time_us), "step_size": size}
        step |= {"symbol": bar.symbol, "evaluation_id": name, "event_time_us": bar.close_time_us}
        orders = []
        if rng.random() < 0.4:
            orders.append(intent(name, side, rng.choice((1, 2, 5))))
            far = bar.close * (Decimal("0.9") if side is Side.BUY else Decimal("1.1"))
            guard = {**STOP, "stop_price": far.quantize(Decimal("0.1")), "parent_id": name}
            orders.append(intent(f"{name}-stop", Side.SELL if side is Side.BUY else Side.BUY, orders[0].qty, **guard))
        withdrawn = tuple(
            f"{earlier.symbol}-{earlier.close_time_us}-stop" for earlier in bars[:number] if rng.random() < 0.1
        )
        found.append(assessment(0, *orders, cancels=withdrawn, **step))
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
                desk.restore("alpha", saved)
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
