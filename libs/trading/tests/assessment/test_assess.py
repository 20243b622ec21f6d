"""From a signal to orders, given what the account holds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tradewire.ports.events import (
    ControlLevel,
    InstrumentStatus,
    OrderLeg,
    OrderType,
    RiskDecision,
    RiskLimitsChanged,
    Side,
    Signal,
)
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.testkit.builders import (
    BTC,
    ETH,
    account_state,
    evaluation,
    instrument,
    limits,
    open_order,
    position,
    share,
    sizing,
)
from tradewire.trading.assessment.assess import Decision, RiskContext, assess, flatten_order
from tradewire.trading.assessment.exposure import exposure_of

PROTECTION = (OrderLeg.STOP_LOSS, OrderLeg.TAKE_PROFIT, OrderLeg.TRAILING_STOP)
GUARDED: dict[str, Any] = {"stop_distance": 10.04, "take_profit_distance": 20.0, "trailing_distance": 5.0}


def decide(
    signal: Signal = Signal.ENTER_LONG,
    *,
    held: int = 0,
    orders: tuple[Any, ...] = (),
    bounds: RiskLimitsChanged | None = None,
    context: dict[str, Any] | None = None,
    market: dict[str, Any] | None = None,
    **evaluated: Any,
) -> Decision:
    """Assess a signal of a strategy that holds ``held`` BTC with these orders at work."""
    holdings: dict[str, Any] = {"positions": (position(held),), "strategy_positions": (share(held),)} if held else {}
    state = account_state(open_orders=orders, **holdings)
    view = RiskContext(
        state=state,
        exposure=exposure_of(state),
        peak_equity=state.equity,
        day_start_equity=state.equity,
        orders_last_minute=0,
        level=ControlLevel.NORMAL,
        shared=False,
    )
    rules = MemoryRules()
    if bounds is not None:
        rules.change(bounds)
    asked = evaluation(0, signal, **evaluated)
    return assess(asked, "evaluation-1", replace(view, **context or {}), instrument(**market or {}), rules)


def legs(decision: Decision) -> list[tuple[OrderLeg, Side, Decimal]]:
    """Orders in short."""
    return [(intent.leg, intent.side, intent.qty) for intent in decision.intents]


@pytest.mark.parametrize(
    ("held", "signal", "expected"),
    [
        (0, Signal.HOLD, []),
        (0, Signal.ENTER_LONG, [(OrderLeg.ENTRY, Side.BUY, Decimal(1))]),
        (0, Signal.ENTER_SHORT, [(OrderLeg.ENTRY, Side.SELL, Decimal(1))]),
        (0, Signal.REVERSE_TO_LONG, [(OrderLeg.ENTRY, Side.BUY, Decimal(1))]),
        (0, Signal.REVERSE_TO_SHORT, [(OrderLeg.ENTRY, Side.SELL, Decimal(1))]),
        (0, Signal.EXIT_LONG, []),
        (0, Signal.EXIT_SHORT, []),
        (3, Signal.HOLD, []),
        (3, Signal.ENTER_LONG, []),
        (3, Signal.ENTER_SHORT, []),
        (3, Signal.EXIT_LONG, [(OrderLeg.EXIT, Side.SELL, Decimal(3))]),
        (3, Signal.EXIT_SHORT, []),
        (3, Signal.REVERSE_TO_LONG, []),
        (3, Signal.REVERSE_TO_SHORT, [(OrderLeg.EXIT, Side.SELL, Decimal(3)), (OrderLeg.ENTRY, Side.SELL, Decimal(1))]),
        (-3, Signal.ENTER_SHORT, []),
        (-3, Signal.EXIT_SHORT, [(OrderLeg.EXIT, Side.BUY, Decimal(3))]),
        (-3, Signal.EXIT_LONG, []),
        (-3, Signal.REVERSE_TO_SHORT, []),
        (-3, Signal.REVERSE_TO_LONG, [(OrderLeg.EXIT, Side.BUY, Decimal(3)), (OrderLeg.ENTRY, Side.BUY, Decimal(1))]),
    ],
)
def test_signal_when_position_is_flat_or_not_then_exits_what_it_holds_and_enters_only_from_flat(
    held: int, signal: Signal, expected: list[tuple[OrderLeg, Side, Decimal]]
) -> None:
    decision = decide(signal, held=held)
    assert legs(decision) == expected
    silent = RiskDecision.NO_SIGNAL if signal is Signal.HOLD else RiskDecision.NO_ACTION
    assert decision.decision is (RiskDecision.APPROVED if expected else silent)


def test_exit_when_an_input_has_no_value_then_goes_out() -> None:
    decision = decide(Signal.EXIT_LONG, held=3, ready=False)
    assert legs(decision) == [(OrderLeg.EXIT, Side.SELL, Decimal(3))]


@pytest.mark.parametrize("leg", [OrderLeg.ENTRY, OrderLeg.EXIT, OrderLeg.FLATTEN])
def test_signal_when_an_order_of_the_strategy_is_in_flight_then_no_action(leg: OrderLeg) -> None:
    assert decide(orders=(open_order(leg),)).decision is RiskDecision.NO_ACTION


def test_signal_when_the_order_in_flight_is_of_another_strategy_or_symbol_then_goes_on() -> None:
    others = (open_order(OrderLeg.ENTRY, strategy_id="other"), open_order(OrderLeg.ENTRY, symbol=ETH))
    assert decide(orders=others).decision is RiskDecision.APPROVED


def test_exit_when_every_rule_would_refuse_then_goes_out_unjudged() -> None:
    nothing = limits(max_order_notional=Decimal(0), max_gross_exposure=Decimal(0), max_orders_per_minute=0)
    decision = decide(
        Signal.EXIT_LONG,
        held=3,
        bounds=nothing,
        context={"level": ControlLevel.PAUSED, "peak_equity": Decimal(10**9)},
        market={"status": InstrumentStatus.HALT, "min_qty": Decimal(10)},
    )
    assert (decision.decision, decision.rules) == (RiskDecision.APPROVED, ())
    assert legs(decision) == [(OrderLeg.EXIT, Side.SELL, Decimal(3))]


def test_exit_when_protection_is_at_work_then_withdraws_all_of_it_and_nothing_else() -> None:
    guards = tuple(open_order(leg, f"guard-{leg}") for leg in PROTECTION)
    foreign = open_order(OrderLeg.STOP_LOSS, "foreign", strategy_id="other")
    decision = decide(Signal.EXIT_LONG, held=1, orders=(*guards, foreign))
    assert set(decision.cancels) == {f"guard-{leg}" for leg in PROTECTION}


def test_reversal_when_its_entry_is_refused_then_still_exits() -> None:
    decision = decide(Signal.REVERSE_TO_SHORT, held=3, bounds=limits(max_order_notional=Decimal(99)))
    assert decision.decision is RiskDecision.REFUSED
    assert legs(decision) == [(OrderLeg.EXIT, Side.SELL, Decimal(3))]
    assert [rule.rule for rule in decision.rules if not rule.passed] == ["max_order_notional"]


def test_entry_when_refused_then_no_order_no_guard_and_no_reservation() -> None:
    decision = decide(bounds=limits(max_order_notional=Decimal(99)), **GUARDED)
    assert (decision.intents, decision.cancels) == ((), ())
    assert decision.exposure is not None
    assert decision.exposure.gross == 0


@pytest.mark.parametrize(
    ("signal", "side", "stop", "profit"),
    [(Signal.ENTER_LONG, Side.SELL, "90.0", "120.0"), (Signal.ENTER_SHORT, Side.BUY, "110.0", "80.0")],
)
def test_entry_when_guarded_then_each_guard_waits_for_it_and_cancels_the_others(
    signal: Signal, side: Side, stop: str, profit: str
) -> None:
    entry, *guards = decide(signal, **GUARDED).intents
    assert [(g.leg, g.order_type, g.side, g.qty) for g in guards] == [
        (OrderLeg.STOP_LOSS, OrderType.STOP_MARKET, side, Decimal(1)),
        (OrderLeg.TAKE_PROFIT, OrderType.TAKE_PROFIT_MARKET, side, Decimal(1)),
        (OrderLeg.TRAILING_STOP, OrderType.TRAILING_STOP_MARKET, side, Decimal(1)),
    ]
    assert [g.stop_price for g in guards] == [Decimal(stop), Decimal(profit), None]
    assert [g.trailing_distance for g in guards] == [None, None, 5]
    assert {(g.parent_id, g.oco_group) for g in guards} == {
        (entry.client_order_id, f"oco-{entry.client_order_id}"),
    }


def test_guard_when_its_price_would_be_negative_then_one_tick() -> None:
    _, stop = decide(stop_distance=500.0).intents
    assert stop.stop_price == Decimal("0.1")


def test_ids_when_decided_again_then_the_same_and_within_the_venues_36_characters() -> None:
    first, again = decide(**GUARDED), decide(**GUARDED)
    ids = [intent.client_order_id for intent in first.intents]
    assert ids == [intent.client_order_id for intent in again.intents]
    assert len(set(ids)) == 4
    assert {len(client_id) for client_id in ids} == {34}
    assert [client_id[:4] for client_id in ids] == ["twe-", "tws-", "twp-", "twt-"]


@pytest.mark.parametrize("change", [{"config_version": 2}, {"strategy_id": "other"}, {"symbol": ETH}])
def test_ids_when_version_strategy_or_symbol_differ_then_others(change: dict[str, Any]) -> None:
    assert decide().intents[0].client_order_id != decide(**change).intents[0].client_order_id


@pytest.mark.parametrize("shared", [False, True])
def test_symbol_when_shared_with_another_strategy_then_no_order_leans_on_the_net_position(shared: bool) -> None:
    context = {"shared": shared}
    (out,) = decide(Signal.EXIT_LONG, held=1, context=context).intents
    entry, *guards = decide(context=context, **GUARDED).intents
    assert out.reduce_only is not shared
    assert {guard.reduce_only for guard in guards} == {not shared}
    assert entry.reduce_only is False


def test_exposure_when_approved_then_the_entry_is_reserved_and_guards_are_not() -> None:
    decision = decide(**GUARDED)
    assert decision.exposure is not None
    assert (decision.exposure.gross, decision.exposure.of(BTC).buys) == (Decimal(100), Decimal(100))


def test_exposure_when_an_entry_of_a_flat_symbol_is_not_filled_then_it_counts_at_the_close_that_decided() -> None:
    at_work = open_order(OrderLeg.ENTRY, symbol=ETH, side=Side.BUY, reference_price=Decimal(60))
    decision = decide(orders=(at_work,), bounds=limits(max_gross_exposure=Decimal(150)))

    assert decision.decision is RiskDecision.REFUSED
    assert [(rule.rule, rule.value) for rule in decision.rules if not rule.passed] == [
        ("max_gross_exposure", "160.00 USDT")
    ]


@pytest.mark.parametrize("leg", list(OrderLeg))
def test_exposure_when_an_order_may_only_reduce_or_guards_then_it_does_not_count(leg: OrderLeg) -> None:
    reducing = open_order(leg, symbol=ETH, reduce_only=True, reference_price=Decimal(60))
    guarding = open_order(OrderLeg.STOP_LOSS, symbol=ETH, reduce_only=False, price=Decimal(60))

    assert exposure_of(account_state(open_orders=(reducing, guarding))).gross == 0


def test_exposure_when_an_order_has_a_price_or_none_at_all_then_that_or_the_mark() -> None:
    limit = open_order(OrderLeg.ENTRY, symbol=ETH, side=Side.BUY, price=Decimal(55), reference_price=Decimal(60))
    flatten = open_order(OrderLeg.FLATTEN, side=Side.BUY)

    assert exposure_of(account_state(open_orders=(limit,))).of(ETH).buys == Decimal(55)
    assert exposure_of(account_state(positions=(position(-1, BTC, 70),), open_orders=(flatten,))).of(BTC).buys == 70


def test_orders_a_minute_when_an_entry_brings_guards_then_all_of_them_count() -> None:
    def allowed(most: int, signal: Signal = Signal.ENTER_LONG, held: int = 0) -> RiskDecision:
        return decide(signal, held=held, bounds=limits(max_orders_per_minute=most), **GUARDED).decision

    assert [allowed(3), allowed(4)] == [RiskDecision.REFUSED, RiskDecision.APPROVED]
    reversals = [allowed(most, Signal.REVERSE_TO_SHORT, held=1) for most in (4, 5)]
    assert reversals == [RiskDecision.REFUSED, RiskDecision.APPROVED]


def test_reversal_when_judged_then_its_exit_is_reserved_before() -> None:
    """Long 100 and sold 100 and 200: at worst 200 short, which without the exit would be 100."""
    two = sizing(value=2.0)
    verdicts = [
        decide(Signal.REVERSE_TO_SHORT, held=1, sizing=two, bounds=limits(max_gross_exposure=Decimal(most))).decision
        for most in (199, 200)
    ]
    assert verdicts == [RiskDecision.REFUSED, RiskDecision.APPROVED]


def test_collar_when_a_position_is_held_then_counts_from_its_mark() -> None:
    at_mark = limits(price_collar_ratio=Decimal("0.05"))
    far = position(1, BTC, 80)
    state = {"state": account_state(positions=(far,))}
    decision = decide(bounds=at_mark, context=state)
    assert [rule.rule for rule in decision.rules if not rule.passed] == ["price_collar"]


def test_flatten_when_demanded_then_closes_the_share_and_the_id_is_the_demands() -> None:
    long, short = flatten_order(share(2), "demand"), flatten_order(share("-2.5"), "demand")
    assert (long.leg, long.side, long.qty) == (OrderLeg.FLATTEN, Side.SELL, Decimal(2))
    assert (short.side, short.qty) == (Side.BUY, Decimal("2.5"))
    assert flatten_order(share(2), "demand") == long
    assert flatten_order(share(2), "other").client_order_id != long.client_order_id
