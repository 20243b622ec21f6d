"""Payloads as JSON text, the same in every store."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import orjson


def encoded(payload: Mapping[str, object] | None) -> str | None:
    """JSON text; a Decimal becomes its digits, never a float. Raises TypeError for what JSON has no form for."""
    return None if payload is None else orjson.dumps(dict(payload), default=_digits).decode()


def decoded(text: str | None) -> dict[str, object] | None:
    """The payload in JSON text."""
    return None if text is None else orjson.loads(text)


def _digits(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} is no JSON value")
