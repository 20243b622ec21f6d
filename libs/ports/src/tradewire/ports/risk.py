"""Pre-trade risk: may this entry go out?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal, Inexact
from typing import NamedTuple, Protocol

from pydantic import ValidationError

from tradewire.ports.checks import CHECKS
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
EXACT = Context(prec=120, traps=[Inexact])
"""Sums in it are exact, so their order does not matter: amounts have at most 28 digits on either side of the point."""


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

    def with_order(self, side: Side, notional: Decimal) -> SymbolExposure:
        """The same with one more order in flight."""
        if side is Side.BUY:
            return replace(self, buys=self.buys + notional)
        return replace(self, sells=self.sells + notional)


class Totals(NamedTuple):
    """Sums over symbols, quote, exact: of their worst notionals, and of each part."""

    worst: Decimal = ZERO
    held: Decimal = ZERO
    buys: Decimal = ZERO
    sells: Decimal = ZERO

    def with_symbol(self, one: SymbolExposure, *, instead_of: SymbolExposure | None = None) -> Totals:
        """The sums with this symbol, in place of what it was before."""
        before = instead_of or SymbolExposure()
        changes = (one.worst, before.worst), (one.held, before.held), (one.buys, before.buys), (one.sells, before.sells)
        return Totals(
            *(EXACT.add(total, EXACT.subtract(new, old)) for total, (new, old) in zip(self, changes, strict=True))
        )


@dataclass(frozen=True, slots=True)
class Exposure:
    """All symbols of an account, with everything that may still fill counted at its worst.

    ``totals`` follow from the symbols, and are carried along so that an order costs no sum over all of them.
    """

    symbols: Mapping[str, SymbolExposure] = field(default_factory=dict)
    totals: Totals = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        totals = Totals()
        for one in self.symbols.values():
            totals = totals.with_symbol(one)
        object.__setattr__(self, "totals", totals)

    def of(self, symbol: str) -> SymbolExposure:
        """One symbol's exposure; zero when it is unknown."""
        return self.symbols.get(symbol, SymbolExposure())

    def with_order(self, symbol: str, side: Side, notional: Decimal) -> Exposure:
        """The exposure with one more order in flight: a reservation."""
        before = self.of(symbol)
        after = before.with_order(side, notional)
        found = object.__new__(Exposure)
        object.__setattr__(found, "symbols", {**self.symbols, symbol: after})
        object.__setattr__(found, "totals", self.totals.with_symbol(after, instead_of=before))
        return found

    @property
    def gross(self) -> Decimal:
        """Sum of the symbols' worst notionals, quote."""
        return self.totals.worst

    @property
    def net(self) -> Decimal:
        """Largest absolute signed sum over the symbols, quote."""
        _, held, buys, sells = self.totals
        return max(EXACT.abs(EXACT.add(held, buys)), EXACT.abs(EXACT.subtract(held, sells)))


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry to be judged, with what the account looks like as of its decision.

    Money in quote, prices quote per base, ``qty`` base; ``data_age_s`` is None in a replay, where data can't be stale.
    ``orders``: how many go out together, the entry among them: the exit of a reversal, and what guards.
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
    orders: int = 1

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
    CHECKS[RiskLimitsChanged](limits)
    return limits
