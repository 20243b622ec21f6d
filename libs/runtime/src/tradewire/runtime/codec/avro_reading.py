"""Readers of Avro binary, each made for one schema: generated source that builds the model in one pass.

fastavro walks the schema and pydantic the model for every value; here that is done once. Avro's types promise all that
the models ask for except finite numbers, which are checked. A reader knows the usual form of a value only: whatever
surprises it makes it raise, and the codec then asks fastavro and pydantic, whose word counts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tradewire.ports import events
from tradewire.ports.message import Event
from tradewire.runtime.codec.decimals import unpacking
from tradewire.runtime.codec.generated_source import GeneratedSource
from tradewire.runtime.codec.number_maps import map_reader
from tradewire.runtime.codec.varints import read_long

Schema = Any
_DOUBLE = struct.Struct("<d")
_BOOLEANS = {0: False, 1: True}


def reader(schema: Schema, event: type[Event], start: int) -> Callable[[bytes], Event]:
    """Function from a record's value to its event; the binary begins at ``start``.

    Parameters: schema: JSON form; of unions only those of null and one type. The function raises Exception for a value
    that is not in the usual form, in order or not.
    """
    source = _ReaderSource()
    source.record(schema, event)
    source.line(0, "def read_value(value):")
    source.line(1, f"event, place = read_{source.made[schema['name']]}(value, {start})")
    source.line(1, "if place != len(value): raise ValueError('bytes after the event, or missing')")
    source.line(1, "return event")
    read: Callable[[bytes], Event] = source.function("read_value", f"<reader of {schema['name']}>")
    return read


class _ReaderSource(GeneratedSource):
    """Source text of a reader and the names that it refers to.

    Generated code keeps its place in ``place`` and uses ``size`` and ``end`` in between. A text that is cut short
    leaves ``place`` behind the end, which the next byte read or ``read_value`` notices.
    """

    def __init__(self) -> None:
        self.made: dict[str, str] = {}
        super().__init__(
            {
                "read_long": read_long,
                "double": _DOUBLE.unpack_from,
                "boolean": _BOOLEANS,
                "new": object.__new__,
                "put": object.__setattr__,
            }
        )

    def record(self, schema: Schema, model: type) -> None:
        """Add ``read_<Model>``: (value, place) → (model, place)."""
        types = [(field["name"], field["type"]) for field in schema["fields"]]
        for _, inner in types:
            self._nested(inner)
        self.made[schema["name"]] = model.__name__
        self.line(0, f"def read_{model.__name__}(value, place):")
        for name, inner in types:
            self._value(inner, f"field_{name}", 1)
        fields = ", ".join(f"{name!r}: field_{name}" for name, _ in types)
        self.line(1, f"model = new({self.name(model)})")
        self.line(1, f"put(model, '__dict__', {{{fields}}})")
        self.line(1, f"put(model, '__pydantic_fields_set__', {self.name({name for name, _ in types})})")
        self.line(1, "put(model, '__pydantic_extra__', None)")
        self.line(1, "put(model, '__pydantic_private__', None)")
        self.line(1, "return model, place")

    def _nested(self, schema: Schema) -> None:
        """Add readers of the records within."""
        if isinstance(schema, list):
            for branch in schema:
                self._nested(branch)
        elif isinstance(schema, dict):
            if schema["type"] == "record":
                self.record(schema, _model(schema["name"]))
            elif schema["type"] == "enum":
                symbols = _model(schema["name"])
                self.made[schema["name"]] = self.name(
                    {2 * n: symbols(text) for n, text in enumerate(schema["symbols"])}
                )
            self._nested(schema.get("items"))
            self._nested(schema.get("values"))

    def _value(self, schema: Schema, target: str, depth: int) -> None:
        """Add the lines that read one value into ``target``."""
        if isinstance(schema, list):
            self._optional(schema, target, depth)
        elif isinstance(schema, str) and schema not in self.made:
            self._plain(schema, target, depth)
        elif isinstance(schema, dict) and schema.get("logicalType") == "decimal":
            unpack = self.name(unpacking(schema["precision"], schema["scale"]))
            self._sized(target, f"{unpack}(value[place:end])", depth)
        elif isinstance(schema, dict) and schema["type"] == "array":
            self._array(schema["items"], target, depth)
        elif isinstance(schema, dict) and schema["type"] == "map":
            self._map(schema["values"], target, depth)
        else:
            self._named(schema if isinstance(schema, str) else schema["name"], target, depth)

    def _plain(self, kind: str, target: str, depth: int) -> None:
        match kind:
            case "string":
                self._sized(target, "value[place:end].decode()", depth)
            case "bytes":
                self._sized(target, "value[place:end]", depth)
            case "int" | "long":
                self.line(depth, "size = value[place]")
                self.line(depth, f"if size < 128: {target} = (size >> 1) ^ -(size & 1); place += 1")
                self.line(depth, f"else: {target}, place = read_long(value, place)")
            case "boolean":
                self.line(depth, f"{target} = boolean[value[place]]; place += 1")
            case "double":
                self.line(depth, f"({target},) = double(value, place); place += {_DOUBLE.size}")
                self.line(depth, f"if {target} - {target} != 0.0: raise ValueError({target})")
            case _:
                raise TypeError(f"no reader for {kind!r}")

    def _sized(self, target: str, expression: str, depth: int) -> None:
        """What begins with its length, which is odd where it is negative."""
        self.line(depth, "size = value[place]; place += 1")
        self.line(depth, "if size & 129:")
        self.line(depth + 1, "size, place = read_long(value, place - 1)")
        self.line(depth + 1, "if size < 0: raise ValueError(size)")
        self.line(depth + 1, "end = place + size")
        self.line(depth, "else: end = place + (size >> 1)")
        self.line(depth, f"{target} = {expression}; place = end")

    def _optional(self, schema: list[Schema], target: str, depth: int) -> None:
        null, inner = schema
        if null != "null":
            raise TypeError(f"no reader for the union {schema}")
        self.line(depth, "branch = value[place]; place += 1")
        self.line(depth, f"if branch == 0: {target} = None")
        self.line(depth, "elif branch == 2:")
        self._value(inner, target, depth + 1)
        self.line(depth, "else: raise ValueError(branch)")

    def _array(self, items: Schema, target: str, depth: int) -> None:
        self.line(depth, f"{target} = ()")
        with self._block(depth):
            self.line(depth + 1, f"{target} = []")
            self.line(depth + 1, "for _ in range(count >> 1):")
            self._value(items, "item", depth + 2)
            self.line(depth + 2, f"{target}.append(item)")
            self.line(depth + 1, f"{target} = tuple({target})")

    def _map(self, values: Schema, target: str, depth: int) -> None:
        if values in ("double", ["null", "double"]):
            read = self.name(map_reader(nullable=values != "double"))
            self.line(depth, f"{target}, place = {read}(value, place)")
            return
        self.line(depth, f"{target} = {{}}")
        with self._block(depth):
            self.line(depth + 1, "for _ in range(count >> 1):")
            self._plain("string", "name", depth + 2)
            self._value(values, "item", depth + 2)
            self.line(depth + 2, f"{target}[name] = item")

    @contextmanager
    def _block(self, depth: int) -> Iterator[None]:
        """The lines added within this handle the only block of an array or a map, of ``count >> 1`` items."""
        self.line(depth, "count = value[place]; place += 1")
        self.line(depth, "if count:")
        self.line(depth + 1, "if count & 129: raise ValueError(count)")
        yield
        self.line(depth + 1, "if value[place]: raise ValueError('a second block')")
        self.line(depth + 1, "place += 1")

    def _named(self, name: str, target: str, depth: int) -> None:
        """A record or an enum."""
        made = self.made[name]
        if made in self._known:
            self.line(depth, f"{target} = {made}[value[place]]; place += 1")
        else:
            self.line(depth, f"{target}, place = read_{made}(value, place)")


def _model(name: str) -> Any:
    """The class that stands for a named schema."""
    return getattr(events, name.rpartition(".")[2])
