"""Risk limits as they are typed: ``max_leverage=3``. Research reads them too, and loads nothing of a platform."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from tradewire.app.cli.output import Exit, fail
from tradewire.ports.events import RiskLimitsChanged
from tradewire.trading.limit_bounds import LIMITS, NO_LIMIT

WHOLE_NUMBERS = tuple(name for name in LIMITS if int in get_args(RiskLimitsChanged.model_fields[name].annotation))
"""Limits that count."""


def parse_limits(words: list[str]) -> dict[str, Any]:
    """Limits as typed, by field; None lifts one. Raises CommandError naming what is allowed."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if name not in LIMITS or not equals:
            fail(f"found {word!r}; allowed: LIMIT=VALUE with LIMIT one of {', '.join(LIMITS)}", Exit.USAGE)
        found[name] = None if text == NO_LIMIT else _number(name, text)
    return found


def _number(name: str, text: str) -> Decimal | int:
    try:
        value = Decimal(text)
    except InvalidOperation:
        fail(f"{name}: found {text!r}; allowed: a number above 0, or `{NO_LIMIT}`", Exit.USAGE)
    if not value.is_finite() or value <= 0:
        fail(f"{name}: found {text}; allowed: a number above 0, or `{NO_LIMIT}`", Exit.USAGE)
    if name in WHOLE_NUMBERS:
        if value != value.to_integral_value():
            fail(f"{name}: found {text}; allowed: a whole number", Exit.USAGE)
        return int(value)
    return value
