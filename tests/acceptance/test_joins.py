"""Whatever the order of arrival, and wherever a service dies: the same messages, to the last field.

The oracle knows nothing of topics, joins or buffers: it walks over the bars in event time and calls the pure functions.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tradewire.ports.events import (
    AccountStateChanged,
    ActiveVersion,
    AuditRecorded,
    CandleClosed,
    OrderChanged,
    OrderFilled,
    OrderStatus,
    RiskAssessed,
    RiskDecision,
    RiskLimitsChanged,
    StrategyStatusChanged,
)
from tradewire.ports.message import Event
from tradewire.testkit.builders import BTC, ETH, HOUR_US, LTC, instrument, limits
from tradewire.testkit.closed_loop import ClosedLoop
from tradewire.testkit.plain_loop import PlainAccount, walk
from tradewire.testkit.random_markets import INTERVALS, also_every_four_hours, cut, market
from tradewire.testkit.strategies import active, document, retired, status

STOPS = "{stop_loss: '0.02 * close', take_profit: '0.03 * close', trailing_stop: '0.025 * close'}"
GUARDS = ("STOP_LOSS", "TAKE_PROFIT", "TRAILING_STOP")
MEAN_OF_FIVE = "{mean: 'sma(close, 5)'}"


def statuses(symbols: tuple[str, ...]) -> list[StrategyStatusChanged]:
    """Strategies of two accounts that share symbols, turn over, change their version and join late."""
    hourly = tuple(symbol for symbol in symbols if symbol != LTC)
    first = document("turning", "alpha", *hourly[:1])
    second = document("turning", "alpha", *hourly, indicators=MEAN_OF_FIVE)
    guarded = document("guarded", "alpha", *hourly, protect=STOPS, sizing="{fraction_of_equity: 0.6}")
    beta = document("beta-turning", "beta", *hourly, sizing="{fraction_of_equity: 0.9}", protect=STOPS)
    found = [
        status(active(first), active(second, 2, 12 * HOUR_US)),
        status(active(guarded)),
        status(active(beta, effective_from_us=7 * HOUR_US)),
    ]
    if LTC in symbols:
        found.append(status(active(document("slow", "beta", LTC, interval="2h"))))
    return found


def bounds() -> list[RiskLimitsChanged]:
    """Limits that bind now and then."""
    alpha = limits("alpha", max_concentration_ratio=Decimal("0.7"), max_orders_per_minute=7)
    beta = limits("beta", max_gross_exposure=Decimal(12_000), max_drawdown_ratio=Decimal("0.08"))
    return [alpha, beta]


def setup_of(symbols: tuple[str, ...]) -> list[Event]:
    """What is known before the first bar."""
    fees = {"taker_fee": Decimal("0.0005"), "maker_fee": Decimal("0.0002")}
    instruments = [instrument(symbol, intervals=(INTERVALS[symbol],), **fees) for symbol in symbols]
    return [*instruments, *bounds(), *statuses(symbols)]


def run(setup: Sequence[Event], bars: Sequence[CandleClosed], rng: random.Random, *, trouble: bool) -> ClosedLoop:
    """Deliver everything in a random interleaving; with ``trouble``, members die and records come twice."""
    loop = ClosedLoop(setup, bars)
    while ready := loop.ready():
        member, place = rng.choice(ready)
        for _ in range(rng.choice((1, 1, 1, 8, 40))):
            if not member.waiting(place):
                break
            member.deliver(place)
        if not trouble:
            continue
        if rng.random() < 0.1:
            member.checkpoint(commit=rng.random() < 0.7)
        if rng.random() < 0.02:
            member.start()
        if rng.random() < 0.02:
            loop.log.again(place, rng.randrange(len(loop.log.records[place])))
    return loop


def in_order(setup: Sequence[Event], bars: Sequence[CandleClosed]) -> ClosedLoop:
    """Deliver each bar's consequences before the next bar."""
    return run(setup, bars, random.Random(0), trouble=False)


def told(loop: ClosedLoop, account_id: str) -> tuple[set[object], set[object], list[object]]:
    """Decisions, fills and equities of an account, as the oracle keeps them."""
    decisions: set[object] = set()
    fills: set[object] = set()
    equities: list[object] = []
    for event in loop.outputs().values():
        match event:
            case RiskAssessed() if event.account_id == account_id:
                failed = tuple(rule.rule for rule in event.rules if not rule.passed)
                decisions.add((event.evaluation_id, event.decision, event.intents, event.cancels, failed))
            case OrderFilled() if event.account_id == account_id:
                fills.add((event.event_time_us, event.client_order_id, event.qty, event.price, event.fee))
            case AccountStateChanged() if event.account_id == account_id:
                equities.append((event.event_time_us, event.equity))
            case _:
                pass
    return decisions, fills, sorted(equities, key=str)


def states_of(loop: ClosedLoop, account_id: str) -> list[AccountStateChanged]:
    """An account's states, in order."""
    states = [event for event in loop.outputs().values() if isinstance(event, AccountStateChanged)]
    return sorted((s for s in states if s.account_id == account_id), key=lambda state: state.sequence)


def decided(loop: ClosedLoop) -> dict[str, Event]:
    """What was published, without what is only noted: that a candle which came again was left out."""
    return {event_id: event for event_id, event in loop.outputs().items() if not isinstance(event, AuditRecorded)}


def ends_once(states: Sequence[AccountStateChanged]) -> bool:
    """Is the last state said to be the last, and none before?"""
    return [state.last_of_stream for state in states] == [False] * (len(states) - 1) + [True]


def expected(account: PlainAccount) -> tuple[set[object], set[object], list[object]]:
    """The same from the oracle."""
    return set(account.decisions), set(account.fills), sorted(account.equities, key=str)


SYMBOLS = st.sampled_from([(BTC,), (BTC, ETH), (BTC, ETH, LTC)])
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(symbols=SYMBOLS, seed=st.integers(0, 2**32), bars=st.integers(16, 60))
@example((BTC, ETH), 425463884, 16)  # a version begins on a market whose data has ended
def test_loop_when_delivered_in_any_order_then_it_decides_fills_and_counts_as_a_plain_loop(
    symbols: tuple[str, ...], seed: int, bars: int
) -> None:
    rng = random.Random(seed)
    setup, candles = setup_of(symbols), market(rng, symbols, bars)
    loop = run(setup, candles, rng, trouble=False)
    for account_id, account in walk(setup, candles, ("alpha", "beta")).items():
        assert told(loop, account_id) == expected(account)


@FEW
@given(symbols=SYMBOLS, seed=st.integers(0, 2**32), bars=st.integers(16, 60))
def test_loop_when_members_die_and_records_come_twice_then_same_messages_and_fingerprint(
    symbols: tuple[str, ...], seed: int, bars: int
) -> None:
    rng = random.Random(seed)
    setup, candles = setup_of(symbols), market(rng, symbols, bars)
    calm = run(setup, candles, rng, trouble=False)
    troubled = run(setup, candles, rng, trouble=True)
    assert decided(troubled) == decided(calm)
    assert troubled.fingerprint() == calm.fingerprint()


def test_loop_when_walked_through_this_market_then_every_kind_of_decision_occurs() -> None:
    rng = random.Random(7)
    symbols = (BTC, ETH, LTC)
    loop = run(setup_of(symbols), market(rng, symbols, 60), rng, trouble=False)
    decisions = [event for event in loop.outputs().values() if isinstance(event, RiskAssessed)]
    assert {event.decision for event in decisions} >= {
        RiskDecision.APPROVED,
        RiskDecision.REFUSED,
        RiskDecision.NO_SIGNAL,
    }
    states = [event for event in loop.outputs().values() if isinstance(event, AccountStateChanged)]
    assert any(state.funding_paid for state in states)
    assert {leg for event in decisions for leg in (i.leg for i in event.intents)} >= {"ENTRY", "EXIT", "STOP_LOSS"}


def fast_and_slow() -> list[Event]:
    """Two strategies of one account on one symbol, hourly and every four hours; an account with a slow one alone."""
    fast = document("fast", "alpha", BTC, protect=STOPS)
    slow = document("slow", "alpha", BTC, interval="4h", protect=STOPS)
    alone = document("alone", "beta", BTC, interval="4h", protect=STOPS)
    return [
        instrument(BTC, intervals=("1h", "4h"), taker_fee=Decimal("0.0005")),
        limits("alpha"),
        limits("beta"),
        status(active(fast, effective_from_us=6 * HOUR_US)),
        status(active(slow)),
        status(active(alone)),
    ]


@FEW
@given(seed=st.integers(0, 2**32), bars=st.integers(24, 60))
def test_loop_when_an_account_decides_on_a_symbol_at_two_intervals_then_it_moves_by_the_shorter_bars_alone(
    seed: int, bars: int
) -> None:
    rng = random.Random(seed)
    setup, candles = fast_and_slow(), also_every_four_hours(rng, market(rng, (BTC,), bars))
    loop = run(setup, candles, rng, trouble=False)
    for account_id, account in walk(setup, candles, ("alpha", "beta")).items():
        assert told(loop, account_id) == expected(account)
    assert decided(run(setup, candles, rng, trouble=True)) == decided(loop)
    asked = {event.evaluation_id for event in loop.outputs().values() if isinstance(event, RiskAssessed)}
    assert len(asked) >= sum(bar.interval == "4h" for bar in candles) * 2, "every slow strategy has its answers"


@FEW
@given(
    seed=st.integers(0, 2**32),
    bars=st.integers(24, 60),
    cuts=st.sampled_from([("1h", 8), ("1h", 13), ("1h", 22), ("4h", 1), ("4h", 4)]),
)
def test_loop_when_the_bars_of_one_interval_end_first_then_the_others_go_on_moving_the_account(
    seed: int, bars: int, cuts: tuple[str, int]
) -> None:
    rng = random.Random(seed)
    setup = fast_and_slow()
    candles = cut(also_every_four_hours(rng, market(rng, (BTC,), bars)), *cuts)
    loop = run(setup, candles, rng, trouble=False)
    for account_id, account in walk(setup, candles, ("alpha", "beta")).items():
        assert told(loop, account_id) == expected(account)
    assert decided(run(setup, candles, rng, trouble=True)) == decided(loop)
    assert ends_once(states_of(loop, "alpha"))


def leaving(rng: random.Random, candles: Sequence[CandleClosed]) -> list[Event]:
    """Strategies with stops that are retired, of an account that keeps one and of an account that does not."""
    guarded = active(document("guarded", "alpha", BTC, protect=STOPS))
    kept = active(document("kept", "alpha", ETH))
    hourly = active(document("hourly", "beta", BTC, ETH, protect=STOPS))
    slow = active(document("slow", "beta", BTC, interval="4h", protect=STOPS))
    return [
        *(instrument(symbol, intervals=("1h", "4h"), taker_fee=Decimal("0.0005")) for symbol in (BTC, ETH)),
        limits("alpha"),
        limits("beta"),
        status(kept),
        *(retired(version, after_a_bar(rng, candles, version)) for version in (guarded, hourly, slow)),
    ]


def after_a_bar(rng: random.Random, candles: Sequence[CandleClosed], version: ActiveVersion) -> dict[str, int]:
    """Symbol → the moment after its newest bar, at some time at which every symbol of the version has had bars."""
    time_us = rng.randrange(10, 40) * HOUR_US
    ends_us = {}
    for symbol in version.symbols:
        closes = [b.close_time_us for b in candles if (b.symbol, b.interval) == (symbol, version.interval)]
        ends_us[symbol] = max(close_us for close_us in closes if close_us <= time_us) + 1
    return ends_us


@FEW
@given(seed=st.integers(0, 2**32), bars=st.integers(24, 60))
@example(1, 24)  # a position that is left open moves the account at a gap of the market that is decided on
def test_loop_when_strategies_are_retired_then_what_they_leave_open_is_followed_until_it_is_flat(
    seed: int, bars: int
) -> None:
    rng = random.Random(seed)
    candles = [*also_every_four_hours(rng, market(rng, (BTC,), bars)), *market(rng, (ETH,), bars)]
    candles.sort(key=lambda bar: (bar.close_time_us, bar.symbol, bar.interval))
    setup = leaving(rng, candles)
    loop = run(setup, candles, rng, trouble=False)
    for account_id, account in walk(setup, candles, ("alpha", "beta")).items():
        assert told(loop, account_id) == expected(account)
        assert ends_once(states_of(loop, account_id))
    troubled = run(setup, candles, rng, trouble=True)
    assert decided(troubled) == decided(loop)
    assert troubled.fingerprint() == loop.fingerprint()


def test_loop_when_retired_through_this_market_then_stops_fire_later_and_the_account_ends_flat() -> None:
    """So that the property above is not about nothing."""
    stops = 0
    for seed in range(6):
        rng = random.Random(seed)
        candles = also_every_four_hours(rng, market(rng, (BTC,), 60)) + market(rng, (ETH,), 60)
        candles.sort(key=lambda bar: bar.close_time_us)
        setup = leaving(rng, candles)
        loop = in_order(setup, candles)
        assert ends_once(states_of(loop, "beta"))
        statuses = [event for event in setup if isinstance(event, StrategyStatusChanged)]
        gone_us = max(version.effective_from_us for event in statuses for version in event.active)
        for event in loop.outputs().values():
            if isinstance(event, OrderChanged) and event.account_id == "beta" and event.leg in GUARDS:
                stops += event.status is OrderStatus.FILLED and event.event_time_us > gone_us + HOUR_US
    assert stops > 1
