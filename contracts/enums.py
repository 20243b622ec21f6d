"""What an unknown symbol may be read as: the gate on the defaults of enums.

A reader takes the enum's default for a symbol that a newer writer has added (Apache Avro 1.12 specification, "Schema
resolution"). Read as BUY, ENTRY or NORMAL it would open a position or lift a kill switch, so an enum has a default
that does neither, or none: without one such a message is a dead letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from contracts.compatibility import Schemas, full_name, namespace_of

Schema = Any
SAFE_DEFAULTS = {
    "ControlLevel": "FLATTEN",  # the strictest level
    "GapKind": "MISSING",  # telemetry only
    "InstrumentStatus": "HALT",  # entries are refused
    "Liquidity": "TAKER",  # telemetry only; the fee has its own field
    "OrderStatus": "UNKNOWN",
    "Severity": "ERROR",
    "Signal": "HOLD",
    "TradingMode": "PAPER",
}
"""Enums that may have a default, and the only one that each may have. None opens, buys, or lifts anything."""


def unsafe_defaults(schema: Schema) -> list[str]:
    """Every default of an enum, or of a field of an enum type, that is not the safe one; in words."""
    named = Schemas.of(schema).named
    found: list[str] = []
    for name, enum in named.items():
        if enum["type"] == "enum" and "default" in enum:
            found += _judged(name, enum["default"], f"enum {enum['name']}")
    for owner, record in named.items():
        for field in record.get("fields", ()):
            enum = _enum_of(field["type"], named, namespace_of(owner))
            if enum is not None and field.get("default") is not None:
                found += _judged(enum, field["default"], f"field {record['name']}.{field['name']}")
    return found


def unsafe_readings(history: Sequence[Schema]) -> list[str]:
    """Symbols that a later version writes and an earlier one reads as something unsafe (first version = 1)."""
    enums = [_enums(schema) for schema in history]
    found: list[str] = []
    for old, known in enumerate(enums):
        for name, reader in known.items():
            if reader.get("default") in (None, SAFE_DEFAULTS.get(_last(name))):
                continue
            for new in range(old + 1, len(enums)):
                extra = [s for s in enums[new].get(name, {}).get("symbols", ()) if s not in reader["symbols"]]
                if extra:
                    found.append(
                        f"version {old + 1} reads {', '.join(extra)} of version {new + 1} as {_last(name)} "
                        f"{reader['default']}; allowed: a new topic version for a new symbol"
                    )
    return found


def _judged(name: str, default: str, where: str) -> Iterator[str]:
    safe = SAFE_DEFAULTS.get(_last(name))
    if default != safe:
        allowed = f"{safe}, or no default" if safe is not None else "no default"
        yield f"{where}: the default is {default}; allowed: {allowed} (contracts/enums.py)"


def _enums(schema: Schema) -> dict[str, Schema]:
    return {name: named for name, named in Schemas.of(schema).named.items() if named["type"] == "enum"}


def _enum_of(schema: Schema, named: dict[str, Schema], space: str) -> str | None:
    """Full name of the enum that a field's type is, or may be where the type is a union."""
    if isinstance(schema, list):
        return next((name for branch in schema if (name := _enum_of(branch, named, space)) is not None), None)
    if isinstance(schema, dict):
        return full_name(schema, space) if schema["type"] == "enum" else None
    name = f"{space}.{schema}" if space and "." not in schema else schema
    return name if named.get(name, {}).get("type") == "enum" else None


def _last(name: str) -> str:
    return name.rpartition(".")[2]
