"""How much of each limit an account uses, by its newest state; what risk judges order by order has its last outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tradewire.ports.events import AccountStateChanged, RiskLimitsChanged, RuleOutcome
from tradewire.telemetry.domain.account import AccountBook


@dataclass(frozen=True, slots=True)
class AccountUse:
    """What limits are held against: notionals at the mark and equity, quote."""

    state: AccountStateChanged
    peak_equity: Decimal
    day_begin_equity: Decimal

    @property
    def notionals(self) -> dict[tuple[str, str], Decimal]:
        """Signed, by venue and symbol."""
        return {(p.venue, p.symbol): p.qty * p.mark_price for p in self.state.positions}

    @property
    def gross(self) -> Decimal:
        """Sum of sizes."""
        return sum((abs(notional) for notional in self.notionals.values()), Decimal(0))

    @property
    def largest(self) -> Decimal:
        """The largest of one symbol."""
        return max((abs(notional) for notional in self.notionals.values()), default=Decimal(0))

    def per_equity(self, amount: Decimal) -> Decimal | None:
        """As a multiple of equity; None without any."""
        return amount / self.state.equity if self.state.equity > 0 else None


@dataclass(frozen=True, slots=True)
class MeasuredLimit:
    """A limit of the account. ``used``: None where risk judges each order by itself. ``rule``: risk's name of it."""

    rule: str
    unit: str
    used: Callable[[AccountUse], Decimal | None] | None


def _net(use: AccountUse) -> Decimal:
    return abs(sum(use.notionals.values(), Decimal(0)))


def _drawdown(use: AccountUse) -> Decimal:
    return 1 - use.state.equity / use.peak_equity if use.peak_equity > 0 else Decimal(0)


MEASURED: Mapping[str, MeasuredLimit] = {
    "max_position_notional": MeasuredLimit("max_position_notional", "quote", lambda use: use.largest),
    "max_gross_exposure": MeasuredLimit("max_gross_exposure", "quote", lambda use: use.gross),
    "max_net_exposure": MeasuredLimit("max_net_exposure", "quote", _net),
    "max_leverage": MeasuredLimit("max_leverage", "× equity", lambda use: use.per_equity(use.gross)),
    "max_concentration_ratio": MeasuredLimit("max_concentration", "ratio", lambda use: use.per_equity(use.largest)),
    "max_daily_loss": MeasuredLimit("max_daily_loss", "quote", lambda use: use.day_begin_equity - use.state.equity),
    "max_drawdown_ratio": MeasuredLimit("max_drawdown", "ratio", _drawdown),
    "max_order_notional": MeasuredLimit("max_order_notional", "quote", None),
    "max_orders_per_minute": MeasuredLimit("max_orders_per_minute", "orders", None),
    "max_data_age_s": MeasuredLimit("max_data_age", "s", None),
    "price_collar_ratio": MeasuredLimit("price_collar", "ratio", None),
}
"""By the limit's field; a test holds it against the fields of `RiskLimitsChanged`."""


@dataclass(frozen=True, slots=True)
class LimitUse:
    """One limit and what is used of it. ``limit`` None: not set; ``last``: risk's last outcome, of ``last_us``."""

    field: str
    measured: MeasuredLimit
    limit: Decimal | None
    used: Decimal | None
    last: RuleOutcome | None
    last_us: int | None

    @property
    def ratio(self) -> float | None:
        """Used share of the limit; None where either is unknown."""
        if self.limit is None or self.used is None:
            return None
        return float(self.used / self.limit) if self.limit > 0 else (1.0 if self.used >= 0 else 0.0)

    @property
    def headroom(self) -> Decimal | None:
        """What is left."""
        return self.limit - self.used if self.limit is not None and self.used is not None else None


def limit_uses(
    book: AccountBook, day_begin_equity: Decimal, last: Mapping[str, tuple[RuleOutcome, int]]
) -> list[LimitUse]:
    """Every limit of an account that has a state. ``last``: risk's last outcome by rule, with its event time."""
    state = book.state
    assert state is not None and book.peak_equity is not None, "asked for an account without a state"  # noqa: PT018
    use = AccountUse(state, book.peak_equity, day_begin_equity)
    return [_one(name, measured, book.limits, use, last) for name, measured in MEASURED.items()]


def _one(
    name: str,
    measured: MeasuredLimit,
    limits: RiskLimitsChanged | None,
    use: AccountUse,
    last: Mapping[str, tuple[RuleOutcome, int]],
) -> LimitUse:
    set_to = getattr(limits, name) if limits is not None else None
    outcome, time_us = last.get(measured.rule, (None, None))
    used = measured.used(use) if measured.used is not None else None
    return LimitUse(name, measured, None if set_to is None else Decimal(str(set_to)), used, outcome, time_us)
