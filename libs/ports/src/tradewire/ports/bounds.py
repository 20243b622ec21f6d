"""What the values of a message may be, beyond their types: the words that ``tradewire.ports.checks`` is written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from tradewire.ports.errors import ContractViolationError

SHOWN_CHARS = 60
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


@dataclass(frozen=True, slots=True)
class Range:
    """A number from ``least`` to ``most``, both included."""

    least: Number
    most: Number

    def fault(self, value: Any) -> tuple[str, str] | None:
        if self.least <= value <= self.most:
            return None
        return str(value), f"{self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some words."""

    words: Collection[str]

    def fault(self, value: Any) -> tuple[str, str] | None:
        return None if value in self.words else (_shown(value), ", ".join(self.words))


@dataclass(frozen=True, slots=True)
class Field:
    """A field and its bound; ``many``: of each item, or of each key and value of a map of texts."""

    name: str
    bound: Bound
    many: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What the fields of a record fulfil together. ``text`` is the expression that ``holds`` computes from them."""

    text: str
    holds: Callable[[Any], bool]

    @property
    def fields(self) -> list[str]:
        """Names in the expression, in its order; some of them are fields."""
        return list(dict.fromkeys(re.findall(r"[a-z_]+", self.text)))

    def values(self, event: Any) -> str:
        """What the fields hold."""
        return ", ".join(f"{name} {event.__dict__[name]}" for name in self.fields if name in event.__dict__)


def refuse(event: Any, fields: Sequence[Field], rules: Sequence[Rule] = ()) -> None:
    """Raise OutOfBoundsError for the first field out of its bounds, or the first rule that does not hold."""
    record = type(event).__name__
    for field in fields:
        value = getattr(event, field.name)
        for one in _each(value) if field.many else (value,):
            if one is not None and (fault := field.bound.fault(one)) is not None:
                raise OutOfBoundsError(record, field.name, *fault)
    for rule in rules:
        if not rule.holds(event.__dict__):
            raise OutOfBoundsError(record, rule.fields[0], rule.values(event), rule.text)


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


def bracket_fault(brackets: Sequence[Any]) -> str:
    """What is wrong with a table of brackets; empty when nothing is.

    Floors start at 0, each is the cap before it; amount_n = amount_(n-1) + floor_n·(ratio_n - ratio_(n-1)).
    Source: Binance, COIN-M futures FAQ, "Maintenance Amount formula".
    """
    if not brackets:
        return "found none, allowed at least one"
    floor = amount = ratio = Decimal(0)
    for number, bracket in enumerate(brackets, start=1):
        if bracket.notional_floor != floor:
            return f"{number}: notional_floor: found {bracket.notional_floor}, allowed {floor}"
        if bracket.notional_cap <= floor:
            return f"{number}: notional_cap: found {bracket.notional_cap}, allowed > {floor}"
        if not ratio <= bracket.maintenance_ratio < 1:
            return f"{number}: maintenance_ratio: found {bracket.maintenance_ratio}, allowed {ratio} and more, below 1"
        amount += floor * (bracket.maintenance_ratio - ratio)
        if bracket.maintenance_amount != amount:
            return f"{number}: maintenance_amount: found {bracket.maintenance_amount}, allowed {amount}"
        floor, ratio = bracket.notional_cap, bracket.maintenance_ratio
    return ""
