"""Every rule passes at its limit and refuses just beyond it, and says both numbers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tradewire.ports.events import ControlLevel, InstrumentStatus, RuleOutcome, Side
from tradewire.ports.risk import Entry, Exposure, SymbolExposure
from tradewire.testkit.builders import BTC, ETH, instrument, limits
from tradewire.trading.assessment.rules import judge
from tradewire.trading.limit_bounds import LIMITS

HELD = Exposure({BTC: SymbolExposure(Decimal(300), buys=Decimal(100)), ETH: SymbolExposure(Decimal(-200))})
BUY = Entry(
    account_id="alpha",
    symbol=BTC,
    side=Side.BUY,
    qty=Decimal(6),
    price=Decimal(100),
    mark=Decimal(101),
    equity=Decimal(950),
    peak_equity=Decimal(1_000),
    day_start_equity=Decimal(960),
    exposure=HELD,
    orders_last_minute=4,
    level=ControlLevel.NORMAL,
    data_age_s=2.5,
)
"""Buys 600 quote on top of 300 held and 100 in flight, beside 200 sold of another symbol."""

STANDING = {"kill_switch", "instrument_status", "positive_equity", "min_qty", "max_qty", "min_notional"}
AT_LIMIT: list[tuple[str, str, str | float, str | float, str, str]] = [
    ("max_order_notional", "max_order_notional", "600", "599.99", "600.00 USDT", "599.99 USDT"),
    ("max_position_notional", "max_position_notional", "1000", "999.99", "1000.00 USDT", "999.99 USDT"),
    ("max_gross_exposure", "max_gross_exposure", "1200", "1199.5", "1200.00 USDT", "1199.5 USDT"),
    ("max_net_exposure", "max_net_exposure", "800", "799.99", "800.00 USDT", "799.99 USDT"),
    ("max_leverage", "max_leverage", "1.26315790", "1.26315789", "1.26315789", "1.26315789"),
    ("max_concentration", "max_concentration_ratio", "1.05263158", "1.05", "1.05263158", "1.05"),
    ("max_daily_loss", "max_daily_loss", "10", "9.99", "10.00 USDT", "9.99 USDT"),
    ("max_drawdown", "max_drawdown_ratio", "0.05", "0.0499", "0.05", "0.0499"),
    ("max_orders_per_minute", "max_orders_per_minute", 5, 4, "5", "4"),
    ("max_data_age", "max_data_age_s", 2.5, 2.4, "2.500 s", "2.4 s"),
    ("price_collar", "price_collar_ratio", "0.00990100", "0.0099", "0.00990099", "0.0099"),
]
"""Rule, limit, its value that the entry just keeps, its value that it just breaks, and how the broken one is told."""


def test_every_limit_of_the_model_has_its_row() -> None:
    assert sorted(name for _, name, *_ in AT_LIMIT) == sorted(LIMITS)


def outcomes(entry: Entry = BUY, filters: dict[str, Any] | None = None, **bounds: Any) -> dict[str, RuleOutcome]:
    """Judgements by rule."""
    exact: dict[str, Any] = {
        name: Decimal(value) if isinstance(value, str) else value for name, value in bounds.items()
    }
    judged = judge(entry, instrument(**filters or {}), limits(**exact))
    assert len({outcome.rule for outcome in judged}) == len(judged)
    return {outcome.rule: outcome for outcome in judged}


def failed(found: dict[str, RuleOutcome]) -> set[str]:
    """Rules that refuse."""
    return {rule for rule, outcome in found.items() if not outcome.passed}


def test_judge_when_no_limit_is_set_then_only_the_standing_rules_are_told() -> None:
    assert set(outcomes()) == STANDING
    assert failed(outcomes()) == set()


@pytest.mark.parametrize(("rule", "name", "kept", "broken", "value", "limit"), AT_LIMIT, ids=[r[0] for r in AT_LIMIT])
def test_judge_when_at_the_limit_then_passes_and_just_beyond_refuses_with_both_numbers(
    rule: str, name: str, kept: str | float, broken: str | float, value: str, limit: str
) -> None:
    keeping: dict[str, Any] = {name: kept}
    breaking: dict[str, Any] = {name: broken}
    assert set(outcomes(**keeping)) == {*STANDING, rule}
    assert failed(outcomes(**keeping)) == set()
    refusal = outcomes(**breaking)
    assert failed(refusal) == {rule}
    assert (refusal[rule].value, refusal[rule].limit) == (value, f"<= {limit}")


@pytest.mark.parametrize("level", [level for level in ControlLevel if level is not ControlLevel.NORMAL])
def test_judge_when_any_kill_switch_level_is_on_then_refuses_and_names_it(level: ControlLevel) -> None:
    found = outcomes(replace(BUY, level=level))
    assert failed(found) == {"kill_switch"}
    assert (found["kill_switch"].value, found["kill_switch"].limit) == (level.value, "NORMAL")


@pytest.mark.parametrize("status", [status for status in InstrumentStatus if status is not InstrumentStatus.TRADING])
def test_judge_when_instrument_is_not_trading_then_refuses(status: InstrumentStatus) -> None:
    assert failed(outcomes(filters={"status": status})) == {"instrument_status"}


@pytest.mark.parametrize("equity", ["0", "-0.01"])
def test_judge_when_equity_is_gone_then_refuses_and_ratios_to_it_are_not_judged(equity: str) -> None:
    found = outcomes(replace(BUY, equity=Decimal(equity)), max_leverage="100", max_concentration_ratio="100")
    assert failed(found) == {"positive_equity"}
    assert not {"max_leverage", "max_concentration"} & set(found)


def test_judge_when_order_is_below_the_filters_then_refuses_each() -> None:
    assert failed(outcomes(filters={"min_qty": Decimal("6.001")})) == {"min_qty"}
    assert failed(outcomes(filters={"min_qty": Decimal(6), "max_qty": Decimal(6)})) == set()
    assert failed(outcomes(filters={"max_qty": Decimal("5.999")})) == {"max_qty"}
    assert failed(outcomes(filters={"min_notional": Decimal("600.01")})) == {"min_notional"}
    assert failed(outcomes(filters={"min_notional": Decimal(600)})) == set()


def test_judge_when_quantity_is_zero_then_refuses_even_without_a_smallest_order() -> None:
    found = outcomes(replace(BUY, qty=Decimal(0)), {"min_qty": Decimal(0), "min_notional": Decimal(0)})
    assert failed(found) == {"min_qty"}


def test_judge_when_quantity_is_beyond_all_reason_then_refuses_with_its_number() -> None:
    found = outcomes(replace(BUY, qty=Decimal("1e40")), max_order_notional="1000", max_leverage="2")
    assert failed(found) == {"max_qty", "max_order_notional", "max_leverage"}
    assert found["max_qty"].value == f"1{'0' * 40}.00 BTC"


def test_judge_when_data_age_is_unknown_in_a_replay_then_it_is_not_judged() -> None:
    assert "max_data_age" not in outcomes(replace(BUY, data_age_s=None), max_data_age_s=0.1)


def test_judge_when_day_went_up_then_no_loss_whatever_came_before() -> None:
    assert failed(outcomes(replace(BUY, day_start_equity=Decimal(900)), max_daily_loss="0")) == set()


def test_judge_when_far_above_the_start_then_drawdown_still_counts_from_the_peak() -> None:
    far_up = replace(BUY, equity=Decimal(1_500), peak_equity=Decimal(2_000), day_start_equity=Decimal(1_000))
    assert failed(outcomes(far_up, max_drawdown_ratio="0.2")) == {"max_drawdown"}


def test_judge_when_instrument_and_account_have_collars_then_the_tighter_holds() -> None:
    tight, wide = Decimal("0.001"), Decimal("0.5")
    assert failed(outcomes(filters={"price_collar_ratio": tight}, price_collar_ratio="0.5")) == {"price_collar"}
    assert failed(outcomes(filters={"price_collar_ratio": wide}, price_collar_ratio="0.001")) == {"price_collar"}
    assert failed(outcomes(filters={"price_collar_ratio": wide}, price_collar_ratio="0.4")) == set()


def test_judge_when_selling_then_exposure_counts_the_worse_side() -> None:
    sell = replace(BUY, side=Side.SELL)
    assert outcomes(sell, max_position_notional="1000")["max_position_notional"].value == "400.00 USDT"
    assert outcomes(sell, max_net_exposure="1000")["max_net_exposure"].value == "500.00 USDT"
