"""FLATTEN with the other services around it: the account ends flat, wherever a service dies and whatever overtakes."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tradewire.ports.bus import Place
from tradewire.ports.events import AccountStateChanged, CandleClosed, ControlLevel, OrderFilled, OrderLeg, Side
from tradewire.ports.message import Emit
from tradewire.ports.topics import BY_EVENT
from tradewire.testkit.builders import BTC, ETH, candle, control, instrument
from tradewire.testkit.closed_loop import ClosedLoop
from tradewire.testkit.loop_members import RiskMember
from tradewire.testkit.strategies import active, document, status

BARS = 40
STOPS = "{stop_loss: '0.03 * close'}"
SHORT = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def market(rng: random.Random) -> list[CandleClosed]:
    """Two random walks, bar by bar."""
    found: list[CandleClosed] = []
    prices = {BTC: Decimal(100), ETH: Decimal(50)}
    for number in range(BARS):
        for symbol, open_ in prices.items():
            close = max(open_ + Decimal(rng.randrange(-30, 31)) / 10, Decimal(5))
            shape: dict[str, Any] = {"open": open_, "high": max(open_, close), "low": min(open_, close)}
            found.append(candle(number, close, symbol, last_of_stream=number == BARS - 1, **shape))
            prices[symbol] = close
    return found


def states_of(loop: ClosedLoop) -> list[AccountStateChanged]:
    """Every account state that was published."""
    place = Place(BY_EVENT[AccountStateChanged].name, loop.log.partitions)
    return [
        message.event
        for number in range(loop.log.partitions)
        for message in loop.log.records[place._replace(partition=number)]
        if isinstance(message.event, AccountStateChanged)
    ]


def flattened(seed: int, *, trouble: bool) -> ClosedLoop:
    """Play a market; FLATTEN is published at some moment of its first half and stays in force."""
    rng = random.Random(seed)
    first = status(active(document("first", "alpha", BTC, ETH, protect=STOPS)))
    second = status(active(document("second", "alpha", BTC, sizing="{fraction_of_equity: 0.5}")))
    loop = ClosedLoop([instrument(BTC), instrument(ETH), first, second], market(rng))
    risk = next(member for member in loop.members if isinstance(member, RiskMember))
    demanded_at = rng.randrange(10, BARS // 2)
    demanded = False
    while ready := loop.ready():
        if not demanded and len(states_of(loop)) >= demanded_at:
            loop.log.append(Emit(control("account:alpha", ControlLevel.FLATTEN), event_id="demand"))
            demanded = True
        member, place = rng.choice(ready)
        for _ in range(rng.choice((1, 1, 4))):
            if member.waiting(place):
                member.deliver(place)
        for emit in risk.desk.tick(0):
            loop.log.append(emit)
        if trouble and rng.random() < 0.1:
            member.checkpoint(commit=rng.random() < 0.7)
        if trouble and rng.random() < 0.02:
            member.start()
    return loop


def last_state(loop: ClosedLoop) -> AccountStateChanged:
    """The account as it ended."""
    return max(states_of(loop), key=lambda state: state.sequence)


@SHORT
@given(seed=st.integers(0, 2**32))
def test_flatten_when_nothing_dies_then_ends_flat_and_no_demand_goes_past_zero(seed: int) -> None:
    loop = flattened(seed, trouble=False)
    end = last_state(loop)
    assert (end.strategy_positions, end.open_orders) == ((), ())
    held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    fills = {event for event in loop.outputs().values() if isinstance(event, OrderFilled)}
    for fill in sorted(fills, key=lambda fill: fill.sequence):
        before = held[fill.strategy_id, fill.symbol]
        after = before + (fill.qty if fill.side is Side.BUY else -fill.qty)
        if fill.leg == OrderLeg.FLATTEN:
            assert before * after >= 0, "a demand closes, it never turns a share over"
        held[fill.strategy_id, fill.symbol] = after


@SHORT
@given(seed=st.integers(0, 2**32))
@example(seed=0)
def test_flatten_when_services_die_and_answer_again_then_still_ends_flat(seed: int) -> None:
    end = last_state(flattened(seed, trouble=True))
    assert (end.strategy_positions, end.open_orders) == ((), ())
