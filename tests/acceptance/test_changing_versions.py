"""Strategies come, change and leave while bars flow and services stop: nothing is lost, nothing waits for ever."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.acceptance.versions_checker import hold

from tradewire.ingest.feed import emit_of
from tradewire.ports.events import (
    CandleClosed,
    StrategyConfigPublished,
)
from tradewire.ports.message import Emit
from tradewire.testkit.builders import BTC, ETH, HOUR_US, candle, instrument, limits
from tradewire.testkit.closed_loop import ClosedLoop
from tradewire.testkit.loop_member import Member
from tradewire.testkit.loop_members import StrategyMember
from tradewire.testkit.random_markets import also_every_four_hours, chained, market
from tradewire.testkit.strategies import config, document

STOPS = "{stop_loss: '0.02 * close', take_profit: '0.03 * close'}"


class Publisher:
    """Somebody who publishes versions of three strategies on two accounts, and retires them."""

    def __init__(self, loop: ClosedLoop, rng: random.Random, *, only_btc: bool) -> None:
        """``only_btc``: the market that has bars of two lengths; versions change their interval more often."""
        self._loop, self._rng, self._only_btc = loop, rng, only_btc
        self._versions: Counter[str] = Counter()
        self._trades: dict[str, tuple[str, ...]] = {}

    def act(self) -> None:
        """Publish a version, or retire."""
        name, account = self._rng.choice([("first", "alpha"), ("second", "alpha"), ("alone", "beta")])
        if name in self._trades and self._rng.random() < 0.25:
            del self._trades[name]
            self._loop.log.delete(StrategyConfigPublished, name)
            return
        symbols = self._trades.get(name, ()) or self._rng.choice([(BTC,), (ETH,)])
        if self._rng.random() < 0.3:
            symbols = (BTC, ETH)
        if self._only_btc:
            symbols = (BTC,)
        self._trades[name] = symbols
        self._versions[name] += 1
        fields = {"interval": self._rng.choice(["1h", "1h", "4h"]) if symbols == (BTC,) else "1h"}
        fields["sizing"] = f"{{fixed_qty: {self._rng.randrange(1, 4)}}}"
        if self._rng.random() < 0.5:
            fields["protect"] = STOPS
        version = config(document(name, account, *symbols, **fields), self._versions[name])
        self._loop.log.append(Emit(version, event_id=f"{name}-{version.version}"))


def played(
    seed: int,
    bars: int,
    acts: int,
    strategies: int = 1,
    *,
    late: bool = False,
    only_btc: bool = False,
    ahead: int = 0,
) -> ClosedLoop:
    """Everything in a random interleaving: bars come, members stop for a while, die, and read what they missed.

    ``late``: strategy's leader is stopped just before it writes an answer, which comes when others have gone on.
    ``ahead``: so many hours the one market stands ahead of the other.

    The markets end together, once everything else has been answered.
    """
    rng = random.Random(seed)
    known = [instrument(s, intervals=("1h", "4h"), taker_fee=Decimal("0.0005")) for s in (BTC, ETH)]
    loop = ClosedLoop([*known, limits("alpha"), limits("beta")], [], strategies=strategies)
    loop.stops_leaders = late
    candles = [*also_every_four_hours(rng, market(rng, (BTC,), bars)), *market(rng, (ETH,), bars)]
    candles = [bar.model_copy(update={"last_of_stream": False}) for bar in candles]
    candles.sort(key=lambda bar: (bar.close_time_us, bar.symbol, bar.interval))
    candles = [later(bar, ahead) if bar.symbol == ETH else bar for bar in candles]
    end = ahead + 4 * bars + 3
    ends = ((BTC, "1h", end), (BTC, "4h", end // 4), (ETH, "1h", end))
    last = [candle(number, 100, symbol, interval, last_of_stream=True) for symbol, interval, number in ends]
    linked = chained([*candles, *last])
    candles, last = linked[: -len(last)], linked[-len(last) :]
    somebody, stopped = Publisher(loop, rng, only_btc=only_btc), set[Member]()
    moments = [rng.randrange(len(candles)) for _ in range(acts)]
    for number, bar in enumerate(candles):
        loop.log.append(emit_of(bar))
        turns(loop, rng, rng.choice([0, 0, 3, 20, 200]), stopped)
        for _ in range(moments.count(number)):
            somebody.act()
            turns(loop, rng, rng.randrange(30), stopped)
        if rng.random() < 0.2:
            stopped = {member for member in loop.members if rng.random() < 0.3}
    for member in stopped:
        member.start()
    turns(loop, rng, None, set())
    for bar in last:
        loop.log.append(emit_of(bar))
    turns(loop, rng, None, set())
    return loop


def later(bar: CandleClosed, hours: int) -> CandleClosed:
    """The same bar so many hours later."""
    times = {name: getattr(bar, name) + hours * HOUR_US for name in ("open_time_us", "close_time_us")}
    return bar.model_copy(update=times)


def turns(loop: ClosedLoop, rng: random.Random, count: int | None, stopped: set[Member]) -> None:
    """So many deliveries to members that are up; None: as long as there is anything to deliver or to answer."""
    strategies = [member for member in loop.members if isinstance(member, StrategyMember)]
    late: list[Emit] = []
    while count is None or count > 0:
        ready = [(member, place) for member, place in loop.ready() if member not in stopped]
        if not ready:
            for strategy in strategies * 2:
                if strategy not in stopped:
                    strategy.tick()
            if late:
                write_late(loop, late.pop(0))
            elif not any(member not in stopped for member, _ in loop.ready()):
                return
            continue
        member, place = rng.choice(ready)
        for _ in range(rng.choice((1, 1, 8, 40))):
            if member.waiting(place):
                member.deliver(place)
        count = None if count is None else count - 1
        for strategy in strategies:
            if rng.random() < 0.3 and strategy not in stopped:
                strategy.tick()
        if rng.random() < 0.05:
            member.checkpoint(commit=rng.random() < 0.7)
        if rng.random() < 0.01:
            member.start()
        if (
            loop.stops_leaders
            and strategies[0] not in stopped
            and rng.random() < (0.3 if any(strategies[0].desk.waits()) else 0.005)
        ):
            strategies[0].clock_apart = rng.choice((0, 0, -50))
            late += strategies[0].stop_before_writing()
        if late and rng.random() < 0.1:
            write_late(loop, late.pop(0))
    for emit in late:
        write_late(loop, emit)


def write_late(loop: ClosedLoop, emit: Emit) -> None:
    """What a stopped leader was about to write."""
    loop.late.append(emit.event)
    loop.log.append(emit)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), bars=st.integers(12, 40), acts=st.integers(1, 12))
def test_loop_when_versions_change_and_services_stop_then_every_bar_and_every_intent_is_answered_once(
    seed: int, bars: int, acts: int
) -> None:
    hold(played(seed, bars, acts))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), bars=st.integers(12, 40), acts=st.integers(1, 12))
def test_loop_when_one_instance_of_strategy_answers_and_others_are_bars_ahead_then_the_same_holds(
    seed: int, bars: int, acts: int
) -> None:
    hold(played(seed, bars, acts, strategies=3))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32), bars=st.integers(12, 40), acts=st.integers(2, 12), strategies=st.sampled_from((1, 3))
)
def test_loop_when_one_market_is_a_year_ahead_of_the_other_then_the_same_holds(
    seed: int, bars: int, acts: int, strategies: int
) -> None:
    hold(played(seed, bars, acts, strategies, ahead=8760))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), bars=st.integers(12, 40), acts=st.integers(2, 12))
def test_loop_when_intervals_change_and_instances_of_strategy_are_bars_ahead_then_the_same_holds(
    seed: int, bars: int, acts: int
) -> None:
    hold(played(seed, bars, acts, strategies=3, only_btc=True))


@pytest.mark.parametrize("seed", [14, 33, 37, 42, 56, 211, 400, 458, 4034])
def test_loop_when_a_stopped_leader_answers_late_then_the_same_holds(seed: int) -> None:
    """Lives in which a reader that took the last record for the newest answer is found out; in which a version is in
    force, then not, then again, and its bars were refused meanwhile; in which a version begins earlier than was said.
    """
    rng = random.Random(seed)
    hold(played(seed, rng.randint(12, 40), rng.randint(1, 12), late=True))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(seed=7040, bars=13, acts=11)
@given(seed=st.integers(0, 2**32), bars=st.integers(12, 40), acts=st.integers(1, 12))
def test_loop_when_stopped_leaders_answer_late_in_any_life_then_the_same_holds(seed: int, bars: int, acts: int) -> None:
    hold(played(seed, bars, acts, late=True))
