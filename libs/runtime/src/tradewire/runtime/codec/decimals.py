"""Decimals as the bytes that Avro writes: exact, refused when they don't fit, and fast.

The Avro library converts decimals one digit at a time, refuses zeros beyond the scale and lets too large a value
pass. Here the schema given to it has plain bytes in their place, and plans made once per schema convert the values
before writing and after reading. Source: Apache Avro 1.12 specification, "Decimal": the two's-complement big-endian
unscaled integer.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from tradewire.runtime.codec.varints import SIZES

Schema = Any
Convert = Callable[[Any], Any]
Leaf = Callable[[int, int], Convert]
"""Makes the conversion for one decimal's precision and scale."""

DECIMALS_REMEMBERED = 16_384
"""Numbers kept converted, each way: balances, limits, zeros and a bar's close come again and again."""
_TRAPS = [decimal.Inexact, decimal.InvalidOperation, decimal.Overflow]


@cache
def packing(precision: int, scale: int) -> Convert:
    """Conversion from Decimal to bytes. It raises decimal.DecimalException for a value that does not fit exactly."""
    return lru_cache(DECIMALS_REMEMBERED, typed=True)(_packing(precision, scale))


@cache
def packing_sized(precision: int, scale: int) -> Convert:
    """The same with the length before the bytes, as Avro writes them."""
    pack = _packing(precision, scale)

    @lru_cache(DECIMALS_REMEMBERED, typed=True)
    def pack_sized(value: Decimal) -> bytes:
        packed = pack(value)
        return SIZES[len(packed)] + packed

    return pack_sized


def _packing(precision: int, scale: int) -> Callable[[Decimal], bytes]:
    context = decimal.Context(prec=precision, traps=_TRAPS)

    def pack(value: Decimal) -> bytes:
        if value and value.adjusted() + scale >= precision:
            raise decimal.InvalidOperation(f"{value} has more than {precision} digits")
        scaled = value.scaleb(scale, context)
        unscaled = int(scaled)
        if unscaled != scaled:
            raise decimal.Inexact(f"{value} has more than {scale} digits after the point")
        return unscaled.to_bytes((unscaled.bit_length() >> 3) + 1, "big", signed=True)

    return pack


@cache
def unpacking(precision: int, scale: int) -> Convert:
    """Conversion from bytes to Decimal. It raises decimal.DecimalException for more digits than ``precision``."""
    context = decimal.Context(prec=precision, traps=_TRAPS)

    @lru_cache(DECIMALS_REMEMBERED)
    def unpack(value: bytes) -> Decimal:
        return Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-scale, context)

    return unpack


def plan(schema: Schema, leaf: Leaf, named: dict[str, Convert | None] | None = None) -> Convert | None:
    """Conversion of a whole value, decimals at any depth; None when the schema has none.

    Parameters: schema: JSON form; of unions only those of null and one type; leaf: ``packing`` or ``unpacking``.
    Records are changed in place, arrays and maps are made anew.
    """
    named = {} if named is None else named
    if isinstance(schema, list):
        return _optional(schema, leaf, named)
    if isinstance(schema, str):
        return named.get(schema)
    if schema.get("logicalType") == "decimal":
        return leaf(schema["precision"], schema["scale"])
    match schema["type"]:
        case "record":
            named[schema["name"]] = convert = _record(schema, leaf, named)
            return convert
        case "array":
            return _each(plan(schema["items"], leaf, named))
        case "map":
            return _each_value(plan(schema["values"], leaf, named))
    return None


def bare(schema: Schema) -> Schema:
    """The same schema with bytes in place of decimals: the same binary."""
    if isinstance(schema, list):
        return [bare(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("logicalType") == "decimal":
        return schema["type"]
    return {
        key: bare(value) if key in ("fields", "type", "items", "values") else value for key, value in schema.items()
    }


def _optional(schema: list[Schema], leaf: Leaf, named: dict[str, Convert | None]) -> Convert | None:
    found = [convert for convert in (plan(branch, leaf, named) for branch in schema) if convert is not None]
    if not found:
        return None
    assert len(schema) == 1 + schema.count("null"), f"a union with decimals is of null and one type, not {schema}"
    convert = found[0]
    return lambda value: None if value is None else convert(value)


def _each(convert: Convert | None) -> Convert | None:
    return None if convert is None else lambda values: [convert(value) for value in values]


def _each_value(convert: Convert | None) -> Convert | None:
    return None if convert is None else lambda values: {key: convert(value) for key, value in values.items()}


def _record(schema: dict[str, Any], leaf: Leaf, named: dict[str, Convert | None]) -> Convert | None:
    fields = [(field["name"], plan(field["type"], leaf, named)) for field in schema["fields"]]
    steps = tuple((name, convert) for name, convert in fields if convert is not None)

    def convert_fields(values: dict[str, Any]) -> dict[str, Any]:
        for name, convert in steps:
            values[name] = convert(values[name])
        return values

    return convert_fields if steps else None
