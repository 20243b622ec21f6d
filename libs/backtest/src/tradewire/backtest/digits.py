"""Decimals as text."""

from __future__ import annotations

from decimal import Decimal


def plain(value: Decimal) -> str:
    """A decimal as digits, never with an exponent or trailing zeros: 0.0005, 100000."""
    text = format(value, "f")
    trimmed = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if trimmed in ("-0", "") else trimmed
