"""What the values of a message may be, beyond their types: the words that ``tradewire.ports.checks`` is written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from tradewire.ports.errors import ContractViolationError

SHOWN_CHARS = 60
GLOBAL = "global"
"""The scope that covers every account, strategy and service."""
PAUSABLE = ("ingest",)
"""Services that can be paused by name."""
_NAME_CHARS_MAX = 128
Number = int | float | Decimal


class OutOfBoundsError(ContractViolationError):
    """A value, or several together, that the contract of their message does not allow."""

    def __init__(self, record: str, field: str, found: str, allowed: str) -> None:
        super().__init__(f"{record}.{field}: found {found}; allowed: {allowed}", stage="validate")
        self.field, self.found, self.allowed = field, found, allowed


class Bound(Protocol):
    """What a value may be."""

    def fault(self, value: Any) -> tuple[str, str] | None:
        """What was found and what is allowed; None for a value within the bound."""


@dataclass(frozen=True, slots=True)
class Chars:
    """A text of so many characters, without NUL."""

    least: int
    most: int

    def fault(self, value: Any) -> tuple[str, str] | None:
        if "\0" in value:
            return f"a NUL in {_shown(value)}", "text without it"
        if not self.least <= len(value) <= self.most:
            return f"{len(value)} characters ({_shown(value)})", f"{self.least} to {self.most}"
        return None


def _text(number: Any) -> str:
    """Decimals without an exponent."""
    return f"{number:f}" if isinstance(number, Decimal) else str(number)


@dataclass(frozen=True, slots=True)
class Range:
    """A number from ``least`` to ``most``, both included."""

    least: Number
    most: Number

    def fault(self, value: Any) -> tuple[str, str] | None:
        if self.least <= value <= self.most:
            return None
        return _text(value), f"{_text(self.least)} to {_text(self.most)}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some words."""

    words: Collection[str]

    def fault(self, value: Any) -> tuple[str, str] | None:
        return None if value in self.words else (_shown(value), ", ".join(self.words))


@dataclass(frozen=True, slots=True)
class BoundedField:
    """A field and its bound; ``many``: of each item, or of each key and value of a map of texts."""

    name: str
    bound: Bound
    many: bool = False


class Violation(NamedTuple):
    """What is wrong with the value at ``field``."""

    field: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.field}: found {self.found}, allowed {self.allowed}"


class Judgement(Protocol):
    """What more than one value decides."""

    def fault(self, event: Any) -> Violation | None:
        """What is wrong with the message; None when nothing is."""


@dataclass(frozen=True, slots=True)
class JudgedField:
    """A field that a function judges as a whole."""

    name: str
    judge: Callable[[Any], Violation | None]

    def fault(self, event: Any) -> Violation | None:
        return self.judge(getattr(event, self.name))


@dataclass(frozen=True, slots=True)
class RecordRule:
    """What the fields of a record fulfil together. ``text`` is the expression that ``holds`` computes from them."""

    text: str
    holds: Callable[[Any], bool]

    @property
    def fields(self) -> list[str]:
        """Names in the expression, in its order; some of them are fields."""
        return list(dict.fromkeys(re.findall(r"[a-z_]+", self.text)))

    def fault(self, event: Any) -> Violation | None:
        if self.holds(event.__dict__):
            return None
        values = ", ".join(f"{name} {event.__dict__[name]}" for name in self.fields if name in event.__dict__)
        return Violation(self.fields[0], values, self.text)


def refuse(event: Any, fields: Sequence[BoundedField], rules: Sequence[Judgement] = ()) -> None:
    """Raise OutOfBoundsError for the first field out of its bounds, or the first rule that does not hold."""
    record = type(event).__name__
    for field in fields:
        value = getattr(event, field.name)
        for one in _each(value) if field.many else (value,):
            if one is not None and (fault := field.bound.fault(one)) is not None:
                raise OutOfBoundsError(record, field.name, *fault)
    for rule in rules:
        if (found := rule.fault(event)) is not None:
            raise OutOfBoundsError(record, *found)


def _each(value: Any) -> Iterable[Any]:
    return _texts(value) if isinstance(value, dict) else value


def _texts(value: dict[str, Any]) -> Iterator[str]:
    for key, item in value.items():
        yield key
        if isinstance(item, str):
            yield item


def _shown(value: str) -> str:
    return repr(value if len(value) <= SHOWN_CHARS else value[:SHOWN_CHARS] + "…")


def texts_kept(texts: Collection[str], least: int, most: int) -> bool:
    """Are all of them within ``Chars(least, most)``?"""
    joined = "".join(texts)
    return "\0" not in joined and (len(joined) <= most or max(map(len, texts)) <= most) and (least == 0 or all(texts))


def bracket_fault(brackets: Sequence[Any]) -> Violation | None:
    """What is wrong with a table of brackets; None when nothing is.

    Floors start at 0, each is the cap before it; amount_n = amount_(n-1) + floor_n·(ratio_n - ratio_(n-1)).
    Source: Binance, COIN-M futures FAQ, "Maintenance Amount formula".
    """
    if not brackets:
        return Violation("brackets", "none", "at least one")
    floor = amount = ratio = Decimal(0)
    for number, bracket in enumerate(brackets, start=1):
        if bracket.notional_floor != floor:
            return Violation(f"brackets: {number}: notional_floor", f"{bracket.notional_floor:f}", f"{floor:f}")
        if bracket.notional_cap <= floor:
            return Violation(f"brackets: {number}: notional_cap", f"{bracket.notional_cap:f}", f"> {floor:f}")
        if not ratio <= bracket.maintenance_ratio < 1:
            allowed = f"{ratio:f} and more, below 1"
            return Violation(f"brackets: {number}: maintenance_ratio", f"{bracket.maintenance_ratio:f}", allowed)
        amount += floor * (bracket.maintenance_ratio - ratio)
        if bracket.maintenance_amount != amount:
            return Violation(
                f"brackets: {number}: maintenance_amount", f"{bracket.maintenance_amount:f}", f"{amount:f}"
            )
        floor, ratio = bracket.notional_cap, bracket.maintenance_ratio
    return None


def scope_fault(scope: str) -> Violation | None:
    """What is wrong with the scope of a kill-switch level; None when nothing is."""
    kind, _, name = scope.partition(":")
    if scope == GLOBAL or (kind == "service" and name in PAUSABLE):
        return None
    if kind in ("account", "strategy") and 0 < len(name) <= _NAME_CHARS_MAX and "\0" not in name:
        return None
    services = ", ".join(f"service:{service}" for service in PAUSABLE)
    allowed = f"{GLOBAL}, account:NAME, strategy:NAME (1 to {_NAME_CHARS_MAX} characters, no NUL), {services}"
    return Violation("scope", _shown(scope), allowed)
