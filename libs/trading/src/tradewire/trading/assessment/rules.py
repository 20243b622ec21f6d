"""The pre-trade rules. Each judges one number against one limit and says both.

Exits are never judged: a rule must not be able to keep an account in a position.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tradewire.ports.events import (
    ControlLevel,
    InstrumentChanged,
    InstrumentStatus,
    RiskLimitsChanged,
    RuleOutcome,
    Side,
)
from tradewire.ports.risk import Entry, Exposure


def _text(value: Decimal) -> str:
    """At most 8 decimals, of a number of any size: a flat market can ask for an absurd quantity."""
    return f"{value:.8f}".rstrip("0").rstrip(".")


def _money(value: Decimal) -> str:
    return f"{value:.2f}"


def _at_most(rule: str, value: Decimal, limit: Decimal | None, unit: str = "") -> Iterator[RuleOutcome]:
    if limit is not None:
        say = _text if unit == "" else _money
        suffix = f" {unit}" if unit else ""
        yield RuleOutcome(
            rule=rule, passed=value <= limit, value=say(value) + suffix, limit=f"<= {_text(limit)}{suffix}"
        )


def _account_rules(entry: Entry, instrument: InstrumentChanged, limits: RiskLimitsChanged) -> Iterator[RuleOutcome]:
    """May this account enter anything at all now?"""
    yield RuleOutcome(rule="kill_switch", passed=entry.level is ControlLevel.NORMAL, value=entry.level, limit="NORMAL")
    trading = instrument.status is InstrumentStatus.TRADING
    yield RuleOutcome(rule="instrument_status", passed=trading, value=instrument.status, limit="TRADING")
    yield RuleOutcome(rule="positive_equity", passed=entry.equity > 0, value=_money(entry.equity), limit="> 0")
    if limits.max_data_age_s is not None and entry.data_age_s is not None:
        passed = entry.data_age_s <= limits.max_data_age_s
        yield RuleOutcome(
            rule="max_data_age",
            passed=passed,
            value=f"{entry.data_age_s:.3f} s",
            limit=f"<= {limits.max_data_age_s} s",
        )
    yield from _at_most(
        "max_daily_loss", entry.day_start_equity - entry.equity, limits.max_daily_loss, instrument.quote
    )
    drawdown = 1 - entry.equity / entry.peak_equity if entry.peak_equity > 0 else Decimal(0)
    yield from _at_most("max_drawdown", drawdown, limits.max_drawdown_ratio)
    if limits.max_orders_per_minute is not None:
        count = entry.orders_last_minute + entry.orders
        passed = count <= limits.max_orders_per_minute
        yield RuleOutcome(
            rule="max_orders_per_minute",
            passed=passed,
            value=str(count),
            limit=f"<= {limits.max_orders_per_minute}",
        )


def _size(entry: Entry, instrument: InstrumentChanged, limits: RiskLimitsChanged) -> Iterator[RuleOutcome]:
    """Is the order itself of a size and price that may go out?"""
    large = entry.qty >= instrument.min_qty and entry.qty > 0
    yield RuleOutcome(
        rule="min_qty",
        passed=large,
        value=f"{_text(entry.qty)} {instrument.base}",
        limit=f">= {_text(instrument.min_qty)} {instrument.base}",
    )
    yield from _at_most("max_qty", entry.qty, instrument.max_qty, instrument.base)
    enough = entry.notional >= instrument.min_notional
    yield RuleOutcome(
        rule="min_notional",
        passed=enough,
        value=f"{_money(entry.notional)} {instrument.quote}",
        limit=f">= {_text(instrument.min_notional)} {instrument.quote}",
    )
    yield from _at_most("max_order_notional", entry.notional, limits.max_order_notional, instrument.quote)
    distance = abs(entry.price / entry.mark - 1) if entry.mark > 0 else Decimal(0)
    collars = [c for c in (limits.price_collar_ratio, instrument.price_collar_ratio) if c is not None and c > 0]
    yield from _at_most("price_collar", distance, min(collars, default=None))


def _portfolio(entry: Entry, quote: str, limits: RiskLimitsChanged) -> Iterator[RuleOutcome]:
    """Would the account, with this order and all others in flight, stay within its limits?"""
    after = entry.exposure.with_order(entry.symbol, entry.side, entry.notional)
    symbol = after.of(entry.symbol).worst
    yield from _at_most("max_position_notional", symbol, limits.max_position_notional, quote)
    yield from _at_most("max_gross_exposure", after.gross, limits.max_gross_exposure, quote)
    yield from _at_most("max_net_exposure", after.net, limits.max_net_exposure, quote)
    if entry.equity > 0:
        yield from _at_most("max_leverage", after.gross / entry.equity, limits.max_leverage)
        yield from _at_most("max_concentration", symbol / entry.equity, limits.max_concentration_ratio)


def judge(entry: Entry, instrument: InstrumentChanged, limits: RiskLimitsChanged) -> tuple[RuleOutcome, ...]:
    """Every rule's outcome for an entry, in a fixed order; a limit that is not set judges nothing."""
    return (
        *_account_rules(entry, instrument, limits),
        *_size(entry, instrument, limits),
        *_portfolio(entry, instrument.quote, limits),
    )


def rule_names() -> tuple[str, ...]:
    """Every rule's name, in the order in which they judge: derived by judging an entry with every limit set."""
    one = Decimal(1)
    entry = Entry(
        account_id="",
        symbol="",
        side=Side.BUY,
        qty=one,
        price=one,
        mark=one,
        equity=one,
        peak_equity=one,
        day_start_equity=one,
        exposure=Exposure(),
        orders_last_minute=0,
        level=ControlLevel.NORMAL,
        data_age_s=0.0,
    )
    bounds: dict[str, Any] = {
        name: one for name, field in RiskLimitsChanged.model_fields.items() if not field.is_required()
    }
    limits = RiskLimitsChanged.model_construct(account_id="", version=1, author="", changed_at_us=0, **bounds)
    sizes: dict[str, Any] = dict.fromkeys(InstrumentChanged.model_fields, one)
    texts = {"base": "", "quote": "", "status": InstrumentStatus.TRADING}
    return tuple(o.rule for o in judge(entry, InstrumentChanged.model_construct(**sizes | texts), limits))
