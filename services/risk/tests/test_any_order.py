"""Whatever the order of arrival, however often, and over crashes: the risk desk gives the same answers."""

from __future__ import annotations

import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.events import (
    AccountStateChanged,
    OrderLeg,
    RiskAssessed,
    Side,
    Signal,
    StrategyEvaluated,
)
from tradewire.ports.message import Event
from tradewire.risk.domain.account import RiskAccount
from tradewire.testkit.builders import (
    BTC,
    ETH,
    account_state,
    envelope,
    evaluation,
    limits,
    position,
    share,
)
from tradewire.testkit.risk_desk import desk_with, say

Feed = list[tuple[Event, int]]
"""Events with their offsets; offsets rise within a topic."""


def inputs(rng: random.Random, bars: int) -> tuple[Feed, Feed]:
    """Evaluations of two streams with gaps, and the account states of a wandering account."""
    asked: Feed = []
    told: Feed = []
    equity, held = 10_000, 0
    for number in range(bars):
        symbols = [symbol for symbol in (BTC, ETH) if number in (0, bars - 1) or rng.random() < 0.8]
        for symbol in symbols:
            signal = rng.choice(list(Signal))
            last = number == bars - 1
            stop = rng.choice((None, 1.5))
            asked.append((evaluation(number, signal, symbol, stop_distance=stop, last_of_stream=last), len(asked)))
        if symbols:
            equity += rng.randrange(-400, 400)
            held = rng.choice((-1, 0, 0, 1))
            shares = (share(held),) if held else ()
            positions = (position(held),) if held else ()
            told.append((account_state(number, equity, strategy_positions=shares, positions=positions), len(told)))
    return asked, told


BOUNDS = limits(max_gross_exposure=Decimal(250), max_daily_loss=Decimal(600), max_drawdown_ratio=Decimal("0.1"))


def play(rng: random.Random, feeds: tuple[Feed, Feed], *, trouble: bool) -> dict[tuple[str, int], RiskAssessed]:
    """Deliver both topics in a random interleaving; with ``trouble``, again and after crashes. Answers by their key."""
    desk = desk_with(BOUNDS, symbols=(BTC, ETH))
    found: dict[tuple[str, int], RiskAssessed] = {}
    read, committed = [0, 0], [0, 0]
    saved: bytes | None = None
    while any(at < len(feed) for at, feed in zip(read, feeds, strict=True)):
        topic = rng.choice([number for number in (0, 1) if read[number] < len(feeds[number])])
        event, offset = feeds[topic][read[topic]]
        read[topic] += 1
        for _ in range(rng.choice((1, 1, 2)) if trouble else 1):
            for answer in say(desk, event, offset):
                key = (answer.symbol, answer.event_time_us)
                assert found.setdefault(key, answer) == answer
        if trouble and rng.random() < 0.2:
            for _, account in desk.changed():
                saved = account.saved()
            lowest = {place.topic: offset for place, offset in desk.pending.lowest().items()}
            topics = [envelope(feed[0][0]).topic for feed in feeds]
            committed = [lowest.get(name, at) for name, at in zip(topics, read, strict=True)]
        if trouble and rng.random() < 0.1:
            desk = desk_with(BOUNDS, symbols=(BTC, ETH))
            if saved is not None:
                desk.restore(0, RiskAccount.restored("alpha", saved, desk.pending))
            read = list(committed)
    return found


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), bars=st.integers(2, 40))
def test_desk_when_inputs_come_in_any_order_twice_and_over_crashes_then_same_answers(seed: int, bars: int) -> None:
    rng = random.Random(seed)
    feeds = inputs(rng, bars)
    calm = play(rng, feeds, trouble=False)
    assert len(calm) == sum(isinstance(event, StrategyEvaluated) for event, _ in feeds[0])
    assert play(rng, feeds, trouble=True) == calm


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), bars=st.integers(2, 40))
def test_desk_when_entries_are_approved_then_exposure_with_reservations_stays_within_limits(
    seed: int, bars: int
) -> None:
    rng = random.Random(seed)
    feeds = inputs(rng, bars)
    states = {event.event_time_us: event for event, _ in feeds[1] if isinstance(event, AccountStateChanged)}
    found = play(rng, feeds, trouble=False)
    reserved: dict[int, dict[str, list[Decimal]]] = {}
    for (symbol, time_us), answer in sorted(found.items(), key=lambda item: (item[0][1], item[1].step_index)):
        held = {p.symbol: p.qty * p.mark_price for p in states[time_us].positions}
        book = reserved.setdefault(time_us, {name: [Decimal(0), Decimal(0)] for name in (BTC, ETH)})
        for intent in answer.intents:
            assert intent.qty > 0
            if intent.leg in (OrderLeg.ENTRY, OrderLeg.EXIT):
                book[symbol][intent.side is Side.SELL] += intent.qty * 100
            if intent.leg is OrderLeg.ENTRY:
                worst = [
                    max(abs(held.get(n, 0) + buys), abs(held.get(n, 0) - sells)) for n, (buys, sells) in book.items()
                ]
                assert sum(worst) <= 250
