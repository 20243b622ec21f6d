"""Which numbers a limit may be: the same for whoever asks and for whoever answers."""

from __future__ import annotations

import math
from decimal import Decimal

from tradewire.ports.events import RiskLimitsChanged

META = ("account_id", "version", "author", "changed_at_us")
"""Fields that are no limits."""
LIMITS = tuple(name for name in RiskLimitsChanged.model_fields if name not in META)
HIGHEST = Decimal(10) ** 15
"""Largest limit: more than any account can reach, and far from what the wire and the rules can hold."""
COUNT_MAX = 1_000_000_000
"""Largest limit that is a count."""
NO_LIMIT = "none"
"""As typed, what lifts a limit."""
DIGITS_MAX = 8
"""Digits after the point that the wire keeps."""


def fault_of(limits: RiskLimitsChanged) -> str | None:
    """What is wrong with the limits, in words; None when risk can obey them."""
    for name in ("account_id", "author"):
        text = getattr(limits, name)
        if not text.isprintable():
            return f"{name}: found {text[:60]!r}; allowed: text without control characters"
    if not limits.account_id:
        return "account_id: found none; allowed: the account's id"
    return next((fault for name in LIMITS if (fault := _fault(name, getattr(limits, name))) is not None), None)


def _fault(name: str, value: Decimal | float | None) -> str | None:
    if value is None:
        return None
    highest: Decimal | int = COUNT_MAX if isinstance(value, int) else HIGHEST
    if not math.isfinite(value) or not 0 < value <= highest:
        return f"{name}: found {value}; allowed: above 0, at most {int(highest)}, or no limit"
    if isinstance(value, Decimal) and value != round(value, DIGITS_MAX):
        return f"{name}: found {value:f}; allowed: at most {DIGITS_MAX} digits after the point"
    return None
