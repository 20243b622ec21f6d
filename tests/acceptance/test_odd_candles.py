"""Valid candles that do not follow the last one of their market: left out and said, and real bars go on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.ports.events import CandleClosed, OrderChanged, OrderFilled
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.testkit.builders import BTC, ETH, HOUR_US, instrument, limits
from tradewire.testkit.closed_loop import ClosedLoop
from tradewire.testkit.loop_member import Member
from tradewire.testkit.loop_members import ExecutionMember, IndicatorMember
from tradewire.testkit.random_markets import market
from tradewire.testkit.strategies import active, document, status

STOPS = "{stop_loss: '0.02 * close', take_profit: '0.03 * close'}"
SETUP: list[Event] = [
    *(instrument(symbol, taker_fee=Decimal("0.0005")) for symbol in (BTC, ETH)),
    limits("alpha"),
    limits("beta"),
    status(active(document("turning", "alpha", BTC, ETH))),
    status(active(document("guarded", "beta", BTC, protect=STOPS))),
]
AHEAD_BARS = (1, 2, 100, 5_000, 87_600)
TOPIC = BY_EVENT[CandleClosed].name


def moved(bar: CandleClosed, bars: int, **changes: Any) -> CandleClosed:
    """A candle, so many bars later."""
    times = {"open_time_us": bar.open_time_us + bars * HOUR_US, "close_time_us": bar.close_time_us + bars * HOUR_US}
    return bar.model_copy(update={**times, "last_of_stream": False, **changes})


def odd_one(rng: random.Random, before: Sequence[CandleClosed]) -> CandleClosed:
    """A candle that ingest does not write behind those of its market: of another time, another link, other prices."""
    newest = before[-1]
    match rng.randrange(6):
        case 0:
            return moved(newest, rng.choice(AHEAD_BARS))  # follows the one before the newest
        case 1:
            return moved(newest, rng.choice(AHEAD_BARS), previous_open_time_us=None)
        case 2:
            older = [bar.open_time_us for bar in before if bar.open_time_us < newest.open_time_us]
            return moved(newest, rng.choice(AHEAD_BARS), previous_open_time_us=rng.choice((-1, *older)))
        case 3:
            told = rng.choice(before)
            return told.model_copy(update={"high": told.high + 7, "close": told.high + 7, "last_of_stream": False})
        case 4:
            return moved(before[0], rng.choice((-1, -100, *range(1, 5))), previous_open_time_us=None)
        case _:
            return rng.choice(before)


def topic_with_odd_ones(candles: Sequence[CandleClosed], rng: random.Random, count: int) -> list[CandleClosed]:
    """The market with odd candles between, each behind two of its market at least."""
    found = list(candles)
    for _ in range(count):
        symbol = rng.choice((BTC, ETH))
        at = rng.randrange(len(found) + 1)
        real = [bar for bar in found[:at] if bar.symbol == symbol and bar in candles]
        if len(real) >= 2 and not real[-1].last_of_stream:
            found.insert(at, odd_one(rng, sorted(real, key=lambda bar: bar.open_time_us)))
    return found


def run(candles: Sequence[CandleClosed], rng: random.Random) -> ClosedLoop:
    """Everything in a random interleaving, with crashes and checkpoints at any place."""
    loop = ClosedLoop(SETUP, candles)
    while ready := loop.ready():
        member, place = rng.choice(ready)
        for _ in range(rng.choice((1, 1, 8, 40))):
            if member.waiting(place):
                member.deliver(place)
        if rng.random() < 0.05:
            member.checkpoint(commit=rng.random() < 0.7)
        if rng.random() < 0.02:
            member.start()
    return loop


def orders(loop: ClosedLoop) -> set[str]:
    """What became of orders. Raises AssertionError when one id says two things."""
    found: dict[str, Event] = {}
    for message in loop.log.messages():
        if isinstance(message.event, OrderChanged | OrderFilled):
            assert found.setdefault(message.envelope.event_id, message.event) == message.event
    return set(map(repr, found.values()))


def readers(loop: ClosedLoop) -> list[Member]:
    """Who reads candles."""
    return [member for member in loop.members if isinstance(member, IndicatorMember | ExecutionMember)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), bars=st.integers(12, 40), count=st.integers(1, 12))
def test_loop_when_candles_do_not_follow_then_left_out_by_all_and_real_orders_are_the_same(
    seed: int, bars: int, count: int
) -> None:
    rng = random.Random(seed)
    candles = market(rng, (BTC, ETH), bars)
    published = topic_with_odd_ones(candles, rng, count)
    calm, loop = run(candles, rng), run(published, rng)
    assert orders(loop) == orders(calm)
    indicator, execution = readers(loop)
    # execution saves the content of one candle: what contradicts an older one is left out as older after a crash
    assert execution.letters.keys() <= indicator.letters.keys()
    refused = [loop.log.records[place][offset].event for place, offset in indicator.letters]
    assert not [bar for bar in refused if bar in candles], "a real bar is never refused"
