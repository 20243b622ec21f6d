"""Exposure, its limit, drawdown and decisions follow what risk sees and answers."""

from __future__ import annotations

from decimal import Decimal

from tradewire.ports.events import OrderLeg, RiskDecision, Side, Signal
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.desk import RiskDesk
from tradewire.risk.domain.figures import METRICS, RULES_MAX, DecisionCounts, figures
from tradewire.testkit.builders import account_state, evaluation, instrument, limits, open_order, position
from tradewire.testkit.risk_desk import say
from tradewire.testkit.strategies import active, document, status
from tradewire.trading.assessment.rules import rule_names


def desk_on(rules: MemoryRules, limit: int = 1_000) -> RiskDesk:
    """A desk with one strategy and a limit of gross exposure, quote."""
    desk = RiskDesk(rules)
    bound = limits(max_gross_exposure=Decimal(limit))
    for event in (instrument(), bound, status(active(document("trend", "alpha", "BTCUSDT")))):
        say(desk, event)
    return desk


def shown(desk: RiskDesk, rules: MemoryRules, decisions: DecisionCounts) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every figure now."""
    return {(f.metric.name, f.labels): f.value for f in figures(desk.accounts().values(), rules, decisions)}


def test_exposure_when_position_and_orders_grow_then_ratio_to_the_limit() -> None:
    rules = MemoryRules()
    desk = desk_on(rules)
    say(desk, account_state(0, 10_000, positions=(position("2.5"),)), 0)
    found = shown(desk, rules, DecisionCounts())
    assert found["tradewire_gross_exposure_usdt", ("alpha",)] == 250.0
    assert found["tradewire_exposure_ratio", ("alpha",)] == 0.25
    assert found["tradewire_exposure_limit_ratio", ("alpha",)] == 0.1
    entry = open_order(OrderLeg.ENTRY, side=Side.BUY, remaining=Decimal(5), price=Decimal(50))
    say(desk, account_state(1, 10_000, positions=(position("2.5"),), open_orders=(entry,)), 1)
    assert shown(desk, rules, DecisionCounts())["tradewire_exposure_ratio", ("alpha",)] == 0.5


def test_exposure_when_leverage_is_limited_too_then_ratio_to_the_tighter_of_both() -> None:
    rules = MemoryRules()
    desk = desk_on(rules)
    say(desk, limits(version=2, max_gross_exposure=Decimal(5_000), max_leverage=Decimal("0.05")))
    say(desk, account_state(0, 10_000, positions=(position("2.5"),)), 0)
    found = shown(desk, rules, DecisionCounts())
    assert found["tradewire_exposure_ratio", ("alpha",)] == 0.5
    assert found["tradewire_exposure_limit_ratio", ("alpha",)] == 0.05


def test_drawdown_when_equity_falls_from_its_peak_then_share_of_the_peak() -> None:
    rules = MemoryRules()
    desk = desk_on(rules)
    for hour, equity in enumerate((10_000, 20_000, 15_000)):
        say(desk, account_state(hour, equity), hour)
        say(desk, evaluation(hour, Signal.HOLD), hour)
    found = shown(desk, rules, DecisionCounts())
    assert found["tradewire_drawdown_ratio", ("alpha",)] == 0.25


def test_decisions_when_told_then_counted_and_every_rule_is_there_at_zero() -> None:
    rules, decisions = MemoryRules(), DecisionCounts()
    desk = desk_on(rules, 50)
    before = shown(desk, rules, decisions)
    counted = {labels for name, labels in before if name == "tradewire_risk_decisions_total"}
    assert {("refused", rule) for rule in (*rule_names(), "instrument_known", "step_open")} <= counted
    assert {(decision.lower(), "") for decision in RiskDecision} <= counted
    say(desk, account_state(0, 10_000), 0)
    for answer in say(desk, evaluation(0)):
        decisions.count(answer)
    after = shown(desk, rules, decisions)
    assert after["tradewire_risk_decisions_total", ("refused", "max_gross_exposure")] == 1
    assert {name for name, _ in after} == {metric.name for metric in METRICS}


def test_rules_when_there_are_too_many_then_the_rest_is_one_series() -> None:
    rules, decisions = MemoryRules(), DecisionCounts()
    desk = desk_on(rules, 50)
    say(desk, account_state(0, 10_000), 0)
    (answer,) = say(desk, evaluation(0))
    refusal = next(rule for rule in answer.rules if not rule.passed)
    for number in range(RULES_MAX + 50):
        decisions.count(answer.model_copy(update={"rules": (refusal.model_copy(update={"rule": f"r{number}"}),)}))
    found = shown(desk, rules, decisions)
    assert len({labels[1] for name, labels in found if labels and labels[0] == "refused"}) == RULES_MAX + 2
    assert found["tradewire_risk_decisions_total", ("refused", "other")] > 50
