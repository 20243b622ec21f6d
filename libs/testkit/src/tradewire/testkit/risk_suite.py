"""What every RiskPort must do. An adapter's test class inherits this and says how to make one."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tradewire.ports.events import ControlLevel, InstrumentChanged, InstrumentStatus, RiskLimitsChanged, Side
from tradewire.ports.risk import Entry, Exposure, RiskPort, SymbolExposure
from tradewire.trading.limit_bounds import LIMITS

BINDING: dict[str, dict[str, Any]] = {
    "max_order_notional": {"max_order_notional": Decimal("4999.99999999")},
    "max_position_notional": {"max_position_notional": Decimal(7_999)},
    "max_gross_exposure": {"max_gross_exposure": Decimal(9_999)},
    "max_net_exposure": {"max_net_exposure": Decimal(5_999)},
    "max_leverage": {"max_leverage": Decimal("0.9")},
    "max_concentration": {"max_concentration_ratio": Decimal("0.7")},
    "max_daily_loss": {"max_daily_loss": Decimal(499)},
    "max_drawdown": {"max_drawdown_ratio": Decimal("0.1")},
    "max_orders_per_minute": {"max_orders_per_minute": 3},
    "max_data_age": {"max_data_age_s": 1.5},
    "price_collar": {"price_collar_ratio": Decimal("0.001")},
}
"""By rule: limits that the entry below breaks by a little."""


def limits(version: int = 1, account_id: str = "paper-1", **other: Any) -> RiskLimitsChanged:
    """Limits of an account: none but those given."""
    return RiskLimitsChanged(account_id=account_id, version=version, author="risk", changed_at_us=version, **other)


def entry(**other: Any) -> Entry:
    """Buying 0.1 BTC for 5,000 quote, with 3,000 of it held, 2,000 of another symbol sold, and 10,000 of equity."""
    held = Exposure({"BTCUSDT": SymbolExposure(Decimal(3_000)), "ETHUSDT": SymbolExposure(Decimal(-2_000))})
    bought = Entry(
        account_id="paper-1",
        symbol="BTCUSDT",
        side=Side.BUY,
        qty=Decimal("0.1"),
        price=Decimal(50_000),
        mark=Decimal(49_900),
        equity=Decimal(10_000),
        peak_equity=Decimal(12_000),
        day_start_equity=Decimal(10_500),
        exposure=held,
        orders_last_minute=3,
        level=ControlLevel.NORMAL,
        data_age_s=2.0,
    )
    return replace(bought, **other)


def instrument() -> InstrumentChanged:
    """BTCUSDT, with filters that the entry keeps."""
    return InstrumentChanged(
        venue="binance",
        symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        status=InstrumentStatus.TRADING,
        tick_size=Decimal("0.1"),
        step_size=Decimal("0.001"),
        min_qty=Decimal("0.001"),
        max_qty=Decimal(100),
        min_notional=Decimal(100),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        liquidation_fee=Decimal("0.0125"),
        price_collar_ratio=Decimal("0.05"),
        intervals=("1h",),
        brackets=(),
        valid_from_us=0,
    )


def refused(rules: RiskPort, **other: Any) -> set[str]:
    """Rules that an entry fails."""
    return {outcome.rule for outcome in rules.validate_trade(entry(**other), instrument()) if not outcome.passed}


class RiskSuite:
    """The port's contract."""

    @abstractmethod
    async def made(self) -> RiskPort:
        """A new adapter without limits, ready to be asked."""

    @abstractmethod
    async def restarted(self, rules: RiskPort) -> RiskPort:
        """Another after it has ended as it does in the platform: by its store, or by the topic read again."""

    @pytest.fixture
    async def rules(self) -> RiskPort:
        """No limits yet."""
        return await self.made()

    async def test_validate_when_account_has_no_limits_then_passes(self, rules: RiskPort) -> None:
        rules.change(limits(account_id="other", max_order_notional=Decimal(1)))
        assert refused(rules) == set()
        assert rules.limits("paper-1") == RiskLimitsChanged(account_id="paper-1", version=0, author="", changed_at_us=0)

    @pytest.mark.parametrize("rule", BINDING)
    async def test_validate_when_limit_binds_then_exactly_its_rule_refuses(self, rules: RiskPort, rule: str) -> None:
        rules.change(limits(**BINDING[rule]))
        assert refused(rules) == {rule}
        assert refused(rules, account_id="other") == set()

    async def test_validate_when_refused_then_says_value_and_limit(self, rules: RiskPort) -> None:
        rules.change(limits(max_order_notional=Decimal("4999.50")))
        outcome = next(o for o in rules.validate_trade(entry(), instrument()) if o.rule == "max_order_notional")
        assert (outcome.passed, outcome.value, outcome.limit) == (False, "5000.00 USDT", "<= 4999.5 USDT")

    async def test_change_when_newer_then_in_force_at_once_as_a_whole(self, rules: RiskPort) -> None:
        rules.change(limits(1, max_order_notional=Decimal(1)))
        rules.change(limits(2, max_leverage=Decimal("0.1")))
        assert refused(rules) == {"max_leverage"}

    async def test_every_when_accounts_have_limits_then_those_in_force(self, rules: RiskPort) -> None:
        assert list(rules.every()) == []
        for change in (limits(1), limits(2), limits(1, "paper-2")):
            rules.change(change)
        found = sorted((one.account_id, one.version) for one in rules.every())
        assert found == [("paper-1", 2), ("paper-2", 1)]

    async def test_change_when_older_then_ignored(self, rules: RiskPort) -> None:
        newest = limits(7, max_order_notional=Decimal(1))
        rules.change(newest)
        rules.change(limits(6))
        assert rules.limits("paper-1") == newest
        assert refused(rules) == {"max_order_notional"}

    async def test_change_when_restarted_then_every_limit_is_kept_to_the_last_digit(self, rules: RiskPort) -> None:
        every: dict[str, Any] = {}
        for fields in BINDING.values():
            every |= fields
        assert set(every) == set(LIMITS), "`BINDING` lacks a limit of the model"
        kept = [limits(1), limits(2, **every), limits(9, "paper-2", max_data_age_s=0.1)]
        for change in kept:
            rules.change(change)
        again = await self.restarted(rules)
        assert again.limits("paper-1") == kept[1]
        assert again.limits("paper-2") == kept[2]
        assert refused(again) == set(BINDING)
        again.change(limits(1))
        assert again.limits("paper-1") == kept[1]
