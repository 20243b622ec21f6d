"""Pre-trade risk: may this entry go out?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from pydantic import ValidationError

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import (
    ControlLevel,
    InstrumentChanged,
    RiskLimitsAnswered,
    RiskLimitsChanged,
    RuleOutcome,
    Side,
)

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class SymbolExposure:
    """One symbol: signed notional held, and notionals of buys and sells in flight, all quote, at the mark."""

    held: Decimal = ZERO
    buys: Decimal = ZERO
    sells: Decimal = ZERO

    @property
    def worst(self) -> Decimal:
        """Largest absolute notional that the orders in flight can lead to."""
        return max(abs(self.held + self.buys), abs(self.held - self.sells))


@dataclass(frozen=True, slots=True)
class Exposure:
    """All symbols of an account, with everything that may still fill counted at its worst."""

    symbols: Mapping[str, SymbolExposure] = field(default_factory=dict)

    def of(self, symbol: str) -> SymbolExposure:
        """One symbol's exposure; zero when it is unknown."""
        return self.symbols.get(symbol, SymbolExposure())

    def with_order(self, symbol: str, side: Side, notional: Decimal) -> Exposure:
        """The exposure with one more order in flight: a reservation."""
        before = self.of(symbol)
        if side is Side.BUY:
            after = replace(before, buys=before.buys + notional)
        else:
            after = replace(before, sells=before.sells + notional)
        return Exposure({**self.symbols, symbol: after})

    @property
    def gross(self) -> Decimal:
        """Sum of the symbols' worst notionals, quote."""
        return sum((s.worst for s in self.symbols.values()), ZERO)

    @property
    def net(self) -> Decimal:
        """Largest absolute signed sum over the symbols, quote."""
        held = sum((s.held for s in self.symbols.values()), ZERO)
        buys = sum((s.buys for s in self.symbols.values()), ZERO)
        sells = sum((s.sells for s in self.symbols.values()), ZERO)
        return max(abs(held + buys), abs(held - sells))


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry to be judged, with what the account looks like as of its decision.

    Money in quote, prices quote per base, ``qty`` base; ``data_age_s`` is None in a replay, where data can't be stale.
    """

    account_id: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    mark: Decimal
    equity: Decimal
    peak_equity: Decimal
    day_start_equity: Decimal
    exposure: Exposure
    orders_last_minute: int
    level: ControlLevel
    data_age_s: float | None = None

    @property
    def notional(self) -> Decimal:
        """Quote."""
        return self.qty * self.price


class RiskPort(Protocol):
    """Limits by account and the rules that hold them. Adapters: in-memory, Postgres."""

    @abstractmethod
    def validate_trade(self, entry: Entry, instrument: InstrumentChanged) -> tuple[RuleOutcome, ...]:
        """Every rule's outcome; the entry may go out when all passed. A refusal is a value, never an exception."""

    @abstractmethod
    def change(self, limits: RiskLimitsChanged) -> None:
        """Take new limits of an account, in force from its next step; an older version than the one held is ignored."""

    @abstractmethod
    def every(self) -> Sequence[RiskLimitsChanged]:
        """Limits in force, of every account that has some."""

    @abstractmethod
    def limits(self, account_id: str) -> RiskLimitsChanged:
        """Limits in force; no limit at all for an account that has none."""


def limits_told(answer: RiskLimitsAnswered) -> RiskLimitsChanged:
    """The limits in force that an answer tells. Raises ContractViolationError when it tells none."""
    try:
        limits = RiskLimitsChanged.model_validate_json(answer.in_force)
    except ValidationError as error:
        raise ContractViolationError(f"in_force: {error.error_count()} fields are no limits; allowed: JSON") from error
    if (limits.account_id, limits.version) != (answer.account_id, answer.version):
        found = f"{limits.account_id!r} version {limits.version}"
        raise ContractViolationError(f"in_force: found {found}; allowed: {answer.account_id!r} {answer.version}")
    return limits
