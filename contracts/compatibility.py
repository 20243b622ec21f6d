"""Avro's schema resolution as a question: can this reader read all that this writer writes?

Own checker over the rules of the specification, used by the evolution gate on every pair of released schemas.
Source: Apache Avro 1.12 specification, "Schema resolution" and "Aliases".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Any
"""An Avro schema is JSON: string, list or object."""

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
"""Reader types that a writer's primitive is promoted to."""

DIRECTIONS = {
    "BACKWARD_TRANSITIVE": ("new reads old",),
    "FORWARD_TRANSITIVE": ("old reads new",),
    "FULL_TRANSITIVE": ("new reads old", "old reads new"),
}
"""What each compatibility mode of the topic map demands of every pair of versions."""


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One reason why a reader can't read a writer's data. ``path``: field names to it, e.g. ``intents[].qty``."""

    path: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.path or '(top)'}: {self.found}; allowed: {self.allowed}"


@dataclass(frozen=True, slots=True)
class Schemas:
    """A schema with the named types that it defines anywhere, by full name."""

    root: Schema
    named: dict[str, Schema]

    @classmethod
    def of(cls, schema: Schema) -> Schemas:
        """Collect a schema's named types."""
        named: dict[str, Schema] = {}
        _collect(schema, "", named)
        return cls(schema, named)


def incompatibilities(*, reader: Schema, writer: Schema) -> list[Incompatibility]:
    """Everything that keeps ``reader`` from reading data of ``writer``; empty when it reads all of it."""
    return list(_Resolver(Schemas.of(reader), Schemas.of(writer)).resolve(reader, writer, "", ("", "")))


def violations(history: Sequence[Schema], mode: str) -> list[str]:
    """Every broken promise of a compatibility mode over a topic's versions (first version = 1), in words."""
    found: list[str] = []
    for old in range(len(history)):
        for new in range(old + 1, len(history)):
            pairs = {"new reads old": (new, old), "old reads new": (old, new)}
            for direction in DIRECTIONS[mode]:
                reader, writer = pairs[direction]
                reasons = incompatibilities(reader=history[reader], writer=history[writer])
                found += [f"version {reader + 1} can't read version {writer + 1}: {reason}" for reason in reasons]
    return found


def full_name(schema: dict[str, Any], enclosing: str) -> str:
    """Full name of a named type inside the namespace ``enclosing``."""
    name = str(schema["name"])
    if "." in name:
        return name
    namespace = schema.get("namespace", enclosing)
    return f"{namespace}.{name}" if namespace else name


def namespace_of(name: str) -> str:
    """Namespace part of a full name."""
    return name.rpartition(".")[0]


def _collect(schema: Schema, namespace: str, named: dict[str, Schema]) -> None:
    if isinstance(schema, list):
        for branch in schema:
            _collect(branch, namespace, named)
    if not isinstance(schema, dict):
        return
    if schema["type"] in ("record", "enum", "fixed"):
        name = full_name(schema, namespace)
        named[name] = schema
        for field in schema.get("fields", ()):
            _collect(field["type"], namespace_of(name), named)
    for inner in ("items", "values"):
        if inner in schema:
            _collect(schema[inner], namespace, named)
    if isinstance(schema["type"], dict | list):
        _collect(schema["type"], namespace, named)


class _Resolver:
    """Walks a reader's and a writer's schema together."""

    def __init__(self, reader: Schemas, writer: Schemas) -> None:
        self._reader, self._writer = reader, writer
        self._open: set[tuple[str, str]] = set()

    def resolve(self, reader: Schema, writer: Schema, path: str, spaces: tuple[str, str]) -> Iterator[Incompatibility]:
        """Reasons against one pair of types; ``spaces`` are the namespaces around reader and writer."""
        reader = _expanded(reader, self._reader, spaces[0])
        writer = _expanded(writer, self._writer, spaces[1])
        if isinstance(writer, list):
            for branch in writer:
                yield from self.resolve(reader, branch, path, spaces)
        elif isinstance(reader, list):
            yield from self._into_union(reader, writer, path, spaces)
        elif reader["type"] != writer["type"]:
            if reader["type"] not in PROMOTIONS.get(writer["type"], ()):
                yield Incompatibility(path, f"{_label(writer)} is written", f"what promotes to {_label(reader)}")
            else:
                yield from _logical(reader, writer, path)
        else:
            yield from self._same_kind(reader, writer, path, spaces)

    def _into_union(
        self, reader: list[Schema], writer: Schema, path: str, spaces: tuple[str, str]
    ) -> Iterator[Incompatibility]:
        """A writer's type needs one branch that reads it."""
        if all(list(self.resolve(branch, writer, path, spaces)) for branch in reader):
            branches = ", ".join(_label(_expanded(branch, self._reader, spaces[0])) for branch in reader)
            yield Incompatibility(path, f"{_label(writer)} is written", f"one of {branches}")

    def _same_kind(
        self, reader: dict[str, Any], writer: dict[str, Any], path: str, spaces: tuple[str, str]
    ) -> Iterator[Incompatibility]:
        match reader["type"]:
            case "array":
                yield from self.resolve(reader["items"], writer["items"], f"{path}[]", spaces)
            case "map":
                yield from self.resolve(reader["values"], writer["values"], f"{path}{{}}", spaces)
            case "record" | "enum" | "fixed":
                yield from self._same_named(reader, writer, path, spaces)
            case _:
                yield from _logical(reader, writer, path)

    def _same_named(
        self, reader: dict[str, Any], writer: dict[str, Any], path: str, spaces: tuple[str, str]
    ) -> Iterator[Incompatibility]:
        names = (full_name(reader, spaces[0]), full_name(writer, spaces[1]))
        if not _names_match(reader, *names):
            yield Incompatibility(path, f"{writer['type']} {names[1]} is written", f"{names[0]} or an alias of it")
            return
        if reader["type"] == "enum":
            yield from _symbols(reader, writer, path)
        elif reader["type"] == "fixed" and reader["size"] != writer["size"]:
            yield Incompatibility(path, f"{writer['size']} bytes are written", f"{reader['size']} bytes")
        elif reader["type"] == "record" and names not in self._open:
            self._open.add(names)
            yield from self._fields(reader, writer, path, (namespace_of(names[0]), namespace_of(names[1])))
            self._open.discard(names)

    def _fields(
        self, reader: dict[str, Any], writer: dict[str, Any], path: str, spaces: tuple[str, str]
    ) -> Iterator[Incompatibility]:
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            inner = f"{path}.{field['name']}" if path else str(field["name"])
            source = next(
                (written[name] for name in (field["name"], *field.get("aliases", ())) if name in written),
                None,
            )
            if source is not None:
                yield from self.resolve(field["type"], source["type"], inner, spaces)
            elif "default" not in field:
                yield Incompatibility(inner, "the field is not written and has no default", "a default, or an alias")


def _expanded(schema: Schema, schemas: Schemas, namespace: str) -> Any:
    """A list (union) or an object whose ``type`` is a kind; names are looked up."""
    if isinstance(schema, list):
        return schema
    if isinstance(schema, dict):
        inner = schema["type"]
        nested = isinstance(inner, dict | list) or (isinstance(inner, str) and _is_name(inner))
        return _expanded(inner, schemas, namespace) if nested else schema
    if schema in PRIMITIVES:
        return {"type": schema}
    return schemas.named.get(f"{namespace}.{schema}" if namespace else schema) or schemas.named[schema]


def _is_name(kind: str) -> bool:
    return kind not in PRIMITIVES and kind not in ("record", "enum", "fixed", "array", "map")


def _label(schema: Schema) -> str:
    if isinstance(schema, list):
        return "union"
    if schema.get("logicalType") == "decimal":
        return f"decimal({schema['precision']}, {schema.get('scale', 0)})"
    kind = str(schema["type"])
    return f"{kind} {schema['name']}" if "name" in schema else kind


def _names_match(reader: dict[str, Any], reader_name: str, writer_name: str) -> bool:
    """Named types match by full name, or by an alias of the reader's."""
    space = namespace_of(reader_name)
    aliases = {alias if "." in alias or not space else f"{space}.{alias}" for alias in reader.get("aliases", ())}
    return writer_name in {reader_name, *aliases}


def _symbols(reader: dict[str, Any], writer: dict[str, Any], path: str) -> Iterator[Incompatibility]:
    extra = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if extra and "default" not in reader:
        yield Incompatibility(path, f"symbols {', '.join(extra)} are written", "the reader's symbols, or a default")


def _logical(reader: dict[str, Any], writer: dict[str, Any], path: str) -> Iterator[Incompatibility]:
    """Decimals need equal precision and scale; one that only one side takes for a decimal changes its meaning."""
    decimals = [schema.get("logicalType") == "decimal" for schema in (reader, writer)]
    if any(decimals) and _label(reader) != _label(writer):
        yield Incompatibility(path, f"{_label(writer)} is written", _label(reader))
