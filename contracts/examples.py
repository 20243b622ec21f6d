"""Example values made from an Avro schema: the same ones every time, one full and one sparse.

They are what golden bytes are made of once, when a version is released.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Schema = Any
"""An Avro schema is JSON: string, list or object."""

TEXTS = {
    "venue": "binance",
    "symbol": "BTCUSDT",
    "interval": "1h",
    "account_id": "main",
    "strategy_id": "trend-btc",
    "base": "BTC",
    "quote": "USDT",
}
"""What fields of these names hold in an example; other texts tell their own name."""

BAR_CLOSE_US = 1_700_003_600_000_000
"""2023-11-14 23:13:20 UTC, µs since the epoch."""


def example(schema: Schema, *, full: bool) -> Any:
    """A value of a schema as the Avro writer takes it.

    ``full`` fills every optional field and gives arrays and maps two entries; otherwise options are null, arrays and
    maps empty, and numbers zero or negative.
    """
    return _Example(full).value(schema, "value")


def plain(value: Any) -> Any:
    """An Avro value as JSON, without loss: decimals as text, bytes as ``{"hex": …}``."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return str(value) if isinstance(value, Decimal) else value


class _Example:
    def __init__(self, full: bool) -> None:
        self._full = full
        self._named: dict[str, Schema] = {}
        self._count = 0

    def value(self, schema: Schema, name: str) -> Any:
        if isinstance(schema, list):
            filled = [branch for branch in schema if branch != "null"]
            return self.value(filled[0], name) if self._full or "null" not in schema else None
        if isinstance(schema, str):
            return self.value(self._named[schema], name) if schema in self._named else self._primitive(schema, name)
        if "name" in schema:
            self._named[schema["name"]] = schema
        match schema["type"]:
            case "record":
                return {field["name"]: self.value(field["type"], field["name"]) for field in schema["fields"]}
            case "array":
                return [self.value(schema["items"], name) for _ in range(2 if self._full else 0)]
            case "map":
                keys = [f"{name} {number}" for number in (1, 2)] if self._full else []
                return {key: self.value(schema["values"], name) for key in keys}
            case "enum":
                return schema["symbols"][-1 if self._full else 0]
        if schema.get("logicalType") == "decimal":
            return self._decimal(schema)
        return self._primitive(schema["type"], name)

    def _decimal(self, schema: Schema) -> Decimal:
        """Grows with every field, so that two fields exchanged are seen; at the full scale."""
        self._count += 1
        unscaled = 61_234_500_000_001 * self._count if self._full else -self._count
        return Decimal(unscaled).scaleb(-schema["scale"])

    def _primitive(self, kind: str, name: str) -> Any:
        self._count += 1
        time_us = BAR_CLOSE_US if name.endswith("_us") else self._count
        values = {
            "string": TEXTS.get(name, f"{name} é{self._count}") if self._full else "",
            "long": time_us if self._full else -self._count,
            "int": self._count if self._full else -self._count,
            "boolean": self._full,
            "double": self._count + 0.1 if self._full else -0.0,
            "bytes": bytes([0, 255, self._count % 256]) if self._full else b"",
        }
        return values[kind]
