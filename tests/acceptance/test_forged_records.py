"""Valid records that no service wrote, between real ones: real orders are the same, and nothing waits for ever."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tradewire.ingest.feed import emit_of
from tradewire.ports.events import (
    CandleClosed,
    OrderChanged,
    OrderFilled,
    RiskAssessed,
    RiskDecision,
    Signal,
    StrategyEvaluated,
)
from tradewire.ports.message import Emit, Event
from tradewire.testkit.builders import BTC, ETH, HOUR_US, evaluation, instrument, limits
from tradewire.testkit.closed_loop import ClosedLoop
from tradewire.testkit.loop_members import ExecutionMember, RiskMember
from tradewire.testkit.random_markets import market
from tradewire.testkit.strategies import active, document, retired, status

STOPS = "{stop_loss: '0.02 * close', take_profit: '0.03 * close'}"
LEFT_BY_US = 10 * HOUR_US
PUBLISHED = ("turning", "guarded", "gone")


def setup_of(candles: Sequence[CandleClosed]) -> list[Event]:
    """Two strategies that trade, on an account each, and one that was retired behind a bar."""
    gone = active(document("gone", "alpha", ETH))
    left_us = max(c.close_time_us for c in candles if c.symbol == ETH and c.close_time_us <= LEFT_BY_US) + 1
    return [
        *(instrument(symbol, taker_fee=Decimal("0.0005")) for symbol in (BTC, ETH)),
        limits("alpha"),
        limits("beta"),
        status(active(document("turning", "alpha", BTC, ETH))),
        status(active(document("guarded", "beta", BTC, protect=STOPS))),
        retired(gone, {ETH: left_us}),
    ]


def forged_evaluation(rng: random.Random, bars: int) -> StrategyEvaluated:
    """Of a strategy, a version, a bar or an account that nobody decides for, or between two bars."""
    number, signal = rng.randrange(bars * 3), rng.choice(list(Signal))
    fields: dict[str, Any] = {"last_of_stream": rng.random() < 0.2}
    match rng.randrange(6):
        case 0:
            return evaluation(number, signal, rng.choice((BTC, ETH)), "never-published", **fields)
        case 1:
            strategy = rng.choice(PUBLISHED)
            account = "beta" if strategy == "guarded" else "alpha"
            return evaluation(number, signal, BTC, strategy, config_version=9, account_id=account, **fields)
        case 2:
            return evaluation(10 + number, signal, ETH, "gone", **fields)
        case 3:
            between = evaluation(number, signal, BTC, "turning", **fields)
            return between.model_copy(update={"event_time_us": between.event_time_us + rng.randrange(1, HOUR_US)})
        case 4:
            return evaluation(number, signal, BTC, "turning", interval="4h", **fields)
        case _:
            return evaluation(number, signal, BTC, "turning", account_id=rng.choice(("beta", "nobodys")), **fields)


def forged_assessment(rng: random.Random, bars: int) -> RiskAssessed:
    """The answer to an evaluation that nobody made; of a step of one or of several, at any place in it."""
    asked, size = forged_evaluation(rng, bars), rng.choice((1, 1, 2, 5))
    while asked.interval != "1h":  # an assessment does not say it
        asked = forged_evaluation(rng, bars)
    return RiskAssessed(
        account_id=asked.account_id,
        strategy_id=asked.strategy_id,
        config_version=asked.config_version,
        venue=asked.venue,
        symbol=asked.symbol,
        event_time_us=asked.event_time_us,
        evaluation_id=f"forged-{rng.random()}",
        decision=rng.choice((RiskDecision.NO_SIGNAL, RiskDecision.REFUSED)),
        intents=(),
        cancels=(),
        rules=(),
        step_index=rng.randrange(size),
        step_size=size,
    )


Bar = tuple[str, str, int]
"""Strategy, symbol and close of a bar that is evaluated."""


def run(
    candles: Sequence[CandleClosed], rng: random.Random, forged: Sequence[Event], ids: Mapping[Bar, str]
) -> ClosedLoop:
    """Everything in a random interleaving, with crashes; forged records get onto their topics between real ones.

    ``ids``: of real evaluations; some that are forged have those of their bars.
    """
    loop, left = ClosedLoop(setup_of(candles), candles), list(forged)
    while (ready := loop.ready()) or left:
        if left and (not ready or rng.random() < 0.05):
            event, event_id = left.pop(), f"forged-{len(left)}"
            if isinstance(event, StrategyEvaluated) and rng.random() < 0.5:
                event_id = ids.get((event.strategy_id, event.symbol, event.event_time_us), event_id)
            loop.log.append(Emit(event, event_id=event_id))
            continue
        member, place = rng.choice(ready)
        for _ in range(rng.choice((1, 1, 1, 8, 40))):
            if member.waiting(place):
                member.deliver(place)
        if rng.random() < 0.05:
            member.checkpoint(commit=rng.random() < 0.7)
        if rng.random() < 0.01:
            member.start()
    return loop


def evaluations(loop: ClosedLoop) -> Iterator[tuple[str, StrategyEvaluated]]:
    """Real ones and forged ones, with their ids."""
    for message in loop.log.messages():
        if isinstance(message.event, StrategyEvaluated):
            yield message.envelope.event_id, message.event


def said(loop: ClosedLoop) -> Iterator[Event]:
    """What risk and execution published, once each. Raises AssertionError when one id says two things."""
    found: dict[str, Event] = {}
    for message in loop.log.messages():
        if isinstance(message.event, RiskAssessed | OrderChanged | OrderFilled):
            assert found.setdefault(message.envelope.event_id, message.event) == message.event
    yield from found.values()


def orders(loop: ClosedLoop) -> set[str]:
    """What became of orders."""
    return {repr(event) for event in said(loop) if isinstance(event, OrderChanged | OrderFilled)}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), bars=st.integers(12, 40), count=st.integers(1, 12))
@example(369, 18, 10)  # a copy at another interval, under the id of an evaluation that was answered before a crash
def test_loop_when_records_are_forged_then_real_orders_are_the_same_and_nothing_waits(
    seed: int, bars: int, count: int
) -> None:
    rng = random.Random(seed)
    candles = sorted([*market(rng, (BTC,), bars), *market(rng, (ETH,), bars)], key=lambda bar: bar.close_time_us)
    forged = [rng.choice((forged_evaluation, forged_assessment))(rng, bars) for _ in range(count)]
    calm = run(candles, rng, (), {})
    ids = {(e.strategy_id, e.symbol, e.event_time_us): event_id for event_id, e in evaluations(calm)}
    loop = run(candles, rng, forged, ids)
    assert orders(loop) == orders(calm)
    answered = {answer.evaluation_id for answer in said(loop) if isinstance(answer, RiskAssessed)}
    assert {event_id for event_id, _ in evaluations(loop)} <= answered
    for member in loop.members:
        if isinstance(member, ExecutionMember | RiskMember):
            assert list(member.desk.waits()) == []
            assert member.held() == {}, "nothing is kept until the next bar"


FAR = 1_000_000
AHEAD_US = (HOUR_US, 100 * HOUR_US, 3000 * HOUR_US)
ALONE = [
    *(instrument(symbol, taker_fee=Decimal("0.0005")) for symbol in (BTC, ETH)),
    limits("beta"),
    status(active(document("guarded", "beta", BTC, protect=STOPS))),
]


def ahead_of(newest: StrategyEvaluated, rng: random.Random) -> StrategyEvaluated:
    """A copy of an evaluation, of a later bar; further ahead than a bar it may name a candle to come."""
    ahead_us = rng.choice(AHEAD_US)
    signal = rng.choice((newest.signal, Signal.HOLD, Signal.EXIT_LONG, Signal.ENTER_LONG))
    offset = newest.candle_offset + (rng.choice((-1, 0, 1, 5, FAR)) if ahead_us > HOUR_US else 0)
    last = rng.random() < 0.2
    return newest.model_copy(
        update={
            "event_time_us": newest.event_time_us + ahead_us,
            "signal": signal,
            "candle_offset": offset,
            "last_of_stream": last,
        }
    )


def paced(candles: Sequence[CandleClosed], rng: random.Random, forged: int) -> ClosedLoop:
    """A bar at a time, each to its end; ``forged`` evaluations ahead get onto their topic between bars."""
    loop = ClosedLoop(ALONE, ())
    places = sorted(rng.randrange(len(candles) - 1) for _ in range(forged))
    for number, candle in enumerate(candles):
        loop.log.append(emit_of(candle))
        settled(loop, rng)
        for position in range(places.count(number)):
            *_, (event_id, newest) = (item for item in evaluations(loop) if not item[0].startswith("forged"))
            kept_id = event_id if rng.random() < 0.2 else f"forged-{number}-{position}"
            loop.log.append(Emit(ahead_of(newest, rng), event_id=kept_id))
            if rng.random() < 0.5:
                settled(loop, rng)
            if rng.random() < 0.5:
                next(member for member in loop.members if isinstance(member, RiskMember)).start()
            settled(loop, rng)
    return loop


def settled(loop: ClosedLoop, rng: random.Random) -> None:
    """Deliver what there is, in a random order."""
    while ready := loop.ready():
        member, place = rng.choice(ready)
        member.deliver(place)
        if rng.random() < 0.1:
            member.checkpoint(commit=rng.random() < 0.7)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), bars=st.integers(12, 30), count=st.integers(1, 6))
def test_account_alone_when_evaluations_ahead_of_its_market_are_forged_then_its_own_are_answered_all_the_same(
    seed: int, bars: int, count: int
) -> None:
    rng = random.Random(seed)
    candles = market(rng, (BTC,), bars)
    calm, loop = paced(candles, rng, 0), paced(candles, rng, count)
    real = {event_id for event_id, _ in evaluations(calm)}
    answers = [
        {repr(answer) for answer in said(each) if isinstance(answer, RiskAssessed) and answer.evaluation_id in real}
        for each in (calm, loop)
    ]
    assert answers[0] == answers[1]
    assert orders(loop) == orders(calm)
    answered = {answer.evaluation_id for answer in said(loop) if isinstance(answer, RiskAssessed)}
    assert {event_id for event_id, _ in evaluations(loop)} <= answered
    assert not [wait for member in loop.members if isinstance(member, RiskMember) for wait in member.desk.waits()]
