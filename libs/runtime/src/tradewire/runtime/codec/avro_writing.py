"""Writers of Avro binary, each made for one schema: generated source that joins a model's fields in one expression.

The bytes are those that fastavro writes. What a writer can't write makes it raise; the codec then asks fastavro, whose
word counts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from tradewire.ports.message import Event
from tradewire.runtime.codec.decimals import packing_sized
from tradewire.runtime.codec.generated_source import GeneratedSource
from tradewire.runtime.codec.number_maps import map_writer
from tradewire.runtime.codec.varints import SIZES, varint, written_long

Schema = Any
_BOOLEANS = {False: b"\x00", True: b"\x01"}


def writer(schema: Schema, prefix: bytes) -> Callable[[Event], bytes]:
    """Function from an event to a record's value, which begins with ``prefix``.

    Parameters: schema: JSON form; of unions only those of null and one type. The function raises Exception for what
    does not fit.
    """
    source = _WriterSource()
    source.record(schema, "value", prefix)
    write: Callable[[Event], bytes] = source.function("write_value", f"<writer of {schema['name']}>")
    return write


def _block(item: list[str], each: str, value: str) -> str:
    """Expression for an array or a map: its only block and the end."""
    return f"(sizes[len({value})] + b''.join([{' + '.join(item)} for {each}]) + b'\\0' if {value} else b'\\0')"


def _sized(content: bytes) -> bytes:
    return varint(len(content)) + content


class _WriterSource(GeneratedSource):
    """Source text of a writer and the names that it refers to."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}
        self._texts = 0
        super().__init__(
            {
                "sizes": SIZES,
                "sized": _sized,
                "written_long": written_long,
                "double": struct.Struct("<d").pack,
                "boolean": _BOOLEANS,
            }
        )

    def record(self, schema: Schema, name: str, prefix: bytes = b"") -> None:
        """Add ``write_<name>``: model → bytes."""
        parts = [
            part for field in schema["fields"] for part in self._parts(field["type"], f"fields[{field['name']!r}]")
        ]
        parts = [repr(prefix), *parts] if prefix else parts
        self._lines += [
            f"def write_{name}(model):",
            "    fields = model.__dict__",
            f"    return b''.join(({', '.join(parts)},))",
        ]

    def _parts(self, schema: Schema, value: str) -> list[str]:
        """Expressions whose bytes, one after the other, are ``value``."""
        if isinstance(schema, list):
            return [self._optional(schema, value)]
        if isinstance(schema, str) and schema not in self._made:
            return self._plain(schema, value)
        if isinstance(schema, dict) and schema.get("logicalType") == "decimal":
            return [f"{self.name(packing_sized(schema['precision'], schema['scale']))}({value})"]
        if isinstance(schema, dict) and schema["type"] == "array":
            return [_block(self._parts(schema["items"], "item"), f"item in {value}", value)]
        if isinstance(schema, dict) and schema["type"] == "map":
            if schema["values"] in ("double", ["null", "double"]):
                return [f"{self.name(map_writer(nullable=schema['values'] != 'double'))}({value})"]
            entry = self._plain("string", "name") + self._parts(schema["values"], "item")
            return [_block(entry, f"name, item in {value}.items()", value)]
        return [self._named(schema, value)]

    def _plain(self, kind: str, value: str) -> list[str]:
        match kind:
            case "string":
                self._texts += 1
                text = f"text_{self._texts}"
                return [f"sizes[len({text} := {value}.encode())]", text]
            case "bytes":
                return [f"sized({value})"]
            case "int" | "long":
                return [f"written_long({value})"]
            case "boolean":
                return [f"boolean[{value}]"]
            case "double":
                return [f"double({value})"]
        raise TypeError(f"no writer for {kind!r}")

    def _optional(self, schema: list[Schema], value: str) -> str:
        null, inner = schema
        if null != "null":
            raise TypeError(f"no writer for the union {schema}")
        parts = " + ".join(self._parts(inner, value))
        return f"(b'\\0' if {value} is None else b'\\2' + {parts})"

    def _named(self, schema: Schema, value: str) -> str:
        """A record or an enum, which is added where it stands for the first time."""
        if isinstance(schema, dict):
            name = schema["name"]
            if schema["type"] == "enum":
                self._made[name] = self.name({text: varint(n) for n, text in enumerate(schema["symbols"])}) + "[{}]"
            else:
                short = name.rpartition(".")[2]
                self.record(schema, short)
                self._made[name] = f"write_{short}({{}})"
            return self._made[name].format(value)
        return self._made[schema].format(value)
